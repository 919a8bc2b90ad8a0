// SPDX-License-Identifier: Apache-2.0

package kerash5

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/reef-dl/reef/keraslike/kerash5/internal/hdf5"
)

// Files of a .keras archive, and the largest size of its text files.
const (
	archiveMetadata = "metadata.json"
	archiveConfig   = "config.json"
	archiveWeights  = "model.weights.h5"
	maxText         = 2 << 20 // in addition to the size of the archive
)

// isSafetensors reports whether a file begins with the length of a JSON object and that object.
func isSafetensors(r io.ReaderAt, size int64) bool {
	var begin [9]byte
	_, err := r.ReadAt(begin[:], 0)
	return err == nil && begin[8] == '{' && binary.LittleEndian.Uint64(begin[:8]) < uint64(size)
}

// readArchive reads a .keras file.
func (f *File) readArchive(r io.ReaderAt, size int64, file string) error {
	z, err := zip.NewReader(r, size)
	if err != nil && isSafetensors(r, size) {
		return errors.New("a safetensors file, as Reef writes, want HDF5 or a .keras archive: use keraslike.Load, or kerasfile.LoadWeights for its weights alone")
	}
	if err != nil {
		return fmt.Errorf("neither HDF5 nor a .keras archive: %w", err)
	}
	entries := map[string]*zip.File{}
	for _, e := range z.File {
		entries[e.Name] = e
	}
	var metadata struct {
		Version string `json:"keras_version"`
	}
	if e := entries[archiveMetadata]; e != nil {
		text, err := f.readText(e, size)
		if err == nil {
			err = json.Unmarshal(text, &metadata)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", archiveMetadata, err)
		}
	}
	f.KerasVersion = metadata.Version
	if e := entries[archiveConfig]; e != nil {
		text, err := f.readText(e, size)
		if err == nil {
			f.Config = strictJSON(text)
			err = checkJSON(f.Config)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", archiveConfig, err)
		}
	}
	e := entries[archiveWeights]
	if e == nil {
		return fmt.Errorf("%s is not in the archive", archiveWeights)
	}
	if err := f.readArchivedWeights(r, e, file); err != nil {
		return fmt.Errorf("%s: %w", archiveWeights, err)
	}
	return nil
}

// readArchivedWeights reads the HDF5 file in place if it is stored uncompressed, as Keras
// does.
func (f *File) readArchivedWeights(r io.ReaderAt, e *zip.File, file string) error {
	if e.Method == zip.Store {
		at, err := e.DataOffset()
		if err != nil {
			return err
		}
		n := int64(e.CompressedSize64)
		if n < 0 {
			return fmt.Errorf("its size %d is impossible", e.CompressedSize64)
		}
		return f.readHDF5(io.NewSectionReader(r, at, n), n, file)
	}
	b, err := f.readEntry(e)
	if err != nil {
		return err
	}
	return f.readHDF5(bytes.NewReader(b), int64(len(b)), file)
}

// readText reads a text file from an archive of size bytes.
func (f *File) readText(e *zip.File, size int64) ([]byte, error) {
	if e.UncompressedSize64 > maxText+uint64(size) {
		return nil, fmt.Errorf("it declares %d bytes, in a file of %d it may have at most %d", e.UncompressedSize64, size, maxText+size)
	}
	return f.readEntry(e)
}

// readEntry unpacks a file of the archive.
func (f *File) readEntry(e *zip.File) ([]byte, error) {
	if err := f.cost.Take(e.UncompressedSize64, "unpacking it"); err != nil {
		return nil, err
	}
	r, err := e.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b := make([]byte, e.UncompressedSize64)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(r, make([]byte, 1)); err != io.EOF { // zip itself compares size and checksum at the end
		return nil, fmt.Errorf("it is not %d bytes long as declared: %w", len(b), err)
	}
	return b, nil
}

// containerOf returns the group of a model's layers in a Keras 3 tree.
func containerOf(n *hdf5.Node) *hdf5.Node {
	for _, name := range []string{"layers", "_layer_checkpoint_dependencies"} {
		if c := n.Child(name); c != nil && c.Dataset == nil {
			return c
		}
	}
	return nil
}

// readKeras3 reads a tree of layers/<class>_<n>/.../vars/<i>.
func (f *File) readKeras3(root *hdf5.Node, file string) error {
	var config layerConfig
	if f.Config != nil {
		var err error
		if config, err = parseConfig(f.Config); err != nil {
			return fmt.Errorf("%s: %w", archiveConfig, err)
		}
		f.Ordered = true
	}
	return f.addModel(root, config, place{named: true}, "", file)
}

// place holds the prefixes of the names and the groups of a model's layers, and whether the
// names are those of the model.
type place struct {
	prefix, group string
	named         bool
}

// addModel adds the layers of a model; path is its path in the file.
func (f *File) addModel(model *hdf5.Node, config layerConfig, parent place, path, file string) error {
	container := containerOf(model)
	path += container.Name + "/"
	byGroup := config.groupNames()
	order := map[string]int{}
	for i, l := range config.layers {
		order[l.name] = i
	}
	type named struct {
		group *hdf5.Node
		name  string
		sure  bool
	}
	var list []named
	for _, group := range container.Children {
		l := named{group, group.Name, false}
		if c, ok := byGroup[group.Name]; ok {
			l.name, l.sure = c.name, true
		} else if own, err := ownName(group); err != nil {
			return fmt.Errorf("%s%s: %w", path, group.Name, err)
		} else if own != "" {
			l.name, l.sure = own, true
		}
		list = append(list, l)
	}
	slices.SortStableFunc(list, func(a, b named) int {
		return cmp.Or(cmp.Compare(order[a.name], order[b.name]), byNumber(a.group.Name, b.group.Name))
	})
	for _, l := range list {
		at := path + l.group.Name
		inside := place{prefix: parent.prefix + l.name + "/", group: parent.group + l.group.Name + "/", named: parent.named && l.sure}
		inner, c, below := l.group, byGroup[l.group.Name], at
		for inner != nil && containerOf(inner) == nil { // TimeDistributed wraps its layer
			inner, c, below = inner.Child("layer"), c.inner(), below+"/layer"
		}
		if inner != nil {
			if err := f.addModel(inner, c, inside, below+"/", file); err != nil {
				return err
			}
			continue
		}
		layer := Layer{Name: parent.prefix + l.name, Group: parent.group + l.group.Name, Named: inside.named}
		if err := layer.collect(l.group, "", at+"/", file); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		if len(layer.Weights) > 0 {
			f.Layers = append(f.Layers, layer)
		}
	}
	return nil
}

// byNumber sorts "dense_2" before "dense_10".
func byNumber(a, b string) int {
	split := func(s string) (string, int) {
		if i := strings.LastIndexByte(s, '_'); i >= 0 {
			if n, err := strconv.Atoi(s[i+1:]); err == nil {
				return s[:i], n
			}
		}
		return s, 0
	}
	a, n := split(a)
	b, m := split(b)
	return cmp.Or(cmp.Compare(a, b), cmp.Compare(n, m))
}

// ownName returns the layer's name, which newer versions store with its variables.
func ownName(group *hdf5.Node) (string, error) {
	vars := group.Child("vars")
	if vars == nil {
		return "", nil
	}
	names, _, err := vars.Strings("name")
	if err != nil || len(names) == 0 {
		return "", err
	}
	return names[0], nil
}

// parts is the order of objects within a layer for which get_weights differs from the
// alphabetical order of the file.
var parts = []string{"vars", "forward_layer", "backward_layer", "query_dense", "key_dense", "gate_dense", "value_dense", "output_dense"}

func partOrder(n *hdf5.Node) int {
	if i := slices.Index(parts, strings.TrimPrefix(n.Name, "_")); i >= 0 {
		return i
	}
	return len(parts)
}

// collect adds the variables of a group and of the objects in it.
func (l *Layer) collect(group *hdf5.Node, prefix, path, file string) error {
	children := slices.Clone(group.Children)
	slices.SortStableFunc(children, func(a, b *hdf5.Node) int { return cmp.Compare(partOrder(a), partOrder(b)) })
	for _, c := range children {
		var err error
		switch {
		case c.Dataset != nil:
			err = errors.New("a dataset outside vars")
		case c.Name == "vars":
			err = l.addVariables(c, prefix, path+"vars/", file)
		case c.Name == "seed_generator": // the state of a dropout generator, not a weight
		default:
			err = l.collect(c, prefix+c.Name+"/", path+c.Name+"/", file)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	return nil
}

// addVariables adds vars/0, vars/1, ... by number.
func (l *Layer) addVariables(vars *hdf5.Node, prefix, path, file string) error {
	list := make([]Weight, len(vars.Children))
	for _, c := range vars.Children {
		i, err := strconv.Atoi(c.Name)
		if err != nil || i < 0 || i >= len(list) || list[i].data != nil || c.Dataset == nil {
			return fmt.Errorf("%q is not one of the variables 0 to %d", c.Name, len(list)-1)
		}
		list[i] = Weight{Name: prefix + c.Name, Shape: c.Dataset.Shape, Path: path + c.Name, file: file, data: c.Dataset}
	}
	l.Weights = append(l.Weights, list...)
	return nil
}
