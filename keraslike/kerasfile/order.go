// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerash5"
)

// kerasOrder lists the model's layers in the order of Keras's Model.layers and of its files:
// by distance from the outputs, farthest first (for a layer that is called several times,
// that of its farthest call). Ties are in the order of a traversal from the outputs back
// to the inputs.
func kerasOrder(m *k.Model) []k.Layer {
	var calls []*k.Tensor // each call after those that it needs
	met, done := map[k.Layer]int{}, map[*k.Tensor]bool{}
	inputs := m.Inputs()
	var visit func(t *k.Tensor)
	visit = func(t *k.Tensor) {
		if t = t.Output(0); done[t] {
			return
		}
		done[t] = true
		if _, ok := met[t.Layer()]; !ok {
			met[t.Layer()] = len(met)
		}
		if !slices.Contains(inputs, t) {
			for _, in := range t.Inputs() {
				visit(in)
			}
		}
		calls = append(calls, t)
	}
	for _, out := range m.Outputs() {
		visit(out)
	}
	far, depth := map[*k.Tensor]int{}, map[k.Layer]int{}
	for _, t := range slices.Backward(calls) {
		n := max(far[t], depth[t.Layer()])
		far[t], depth[t.Layer()] = n, n
		for _, in := range t.Inputs() {
			in = in.Output(0)
			far[in] = max(far[in], n+1)
		}
	}
	layers := make([]k.Layer, 0, len(met))
	for l := range met {
		layers = append(layers, l)
	}
	slices.SortFunc(layers, func(a, b k.Layer) int {
		return cmp.Or(cmp.Compare(depth[b], depth[a]), cmp.Compare(met[a], met[b]))
	})
	return layers
}

// layerPath is a layer with its own weights, and its path.
type layerPath struct {
	path   string
	group  string // where Keras 3 would store it
	auto   bool   // its name or that of an enclosing model is automatic and carries no information
	frozen bool   // it or an enclosing model is not trainable
	layer  k.LayerInfo
}

// nestedModels returns the name that a file of Keras 3 gives to the i-th nested model.
type nestedModels func(parent string, stacked bool, i, ofKind int) string

// visited records what has been listed, since a model that is used several times would
// otherwise be listed several times, and models nested in it even more often.
type visited struct {
	weights map[*k.Weight]bool
	models  map[*k.Model]bool
}

func nothingVisited() visited { return visited{map[*k.Weight]bool{}, map[*k.Model]bool{}} }

// layerPathsOf returns the layers with weights in Keras's order, each once, with those of nested
// models in place of the model.
func layerPathsOf(m *k.Model, at layerPath, names nestedModels, seen visited) []layerPath {
	if seen.models[m] {
		return nil
	}
	seen.models[m] = true
	var list []layerPath
	used := map[string]int{} // number of groups of each class
	models, kinds := 0, map[bool]int{}
	for _, layer := range kerasOrder(m) {
		l := k.Inspect(layer)
		class := kerash5.GroupName(l.Kind, used[l.Kind])
		used[l.Kind]++
		if l.Kind == "Model" && l.Model != nil {
			stacked := l.Model.IsSequential()
			class = names(at.group, stacked, models, kinds[stacked])
			models++
			kinds[stacked]++
		}
		in := layerPath{at.path + l.Name, at.group + class, at.auto || l.AutoNamed, at.frozen || !l.Trainable, l}
		if l.Model != nil {
			in.path, in.group = in.path+"/", in.group+"/"
			list = append(list, layerPathsOf(l.Model, in, names, seen)...)
			continue
		}
		if len(l.Weights) > 0 && !seen.weights[l.Weights[0]] {
			seen.weights[l.Weights[0]] = true
			list = append(list, in)
		}
	}
	return list
}

// topLayer is a layer of the outermost model with everything nested in it, which files of
// Keras 1 and 2 store together.
type topLayer struct {
	name       string
	auto       bool
	layerPaths []layerPath
}

func unitsOf(m *k.Model) []topLayer {
	none := func(string, bool, int, int) string { return "" }
	var list []topLayer
	for _, layer := range kerasOrder(m) {
		l := k.Inspect(layer)
		u := topLayer{l.Name, l.AutoNamed, nil}
		if l.Model != nil {
			u.layerPaths = layerPathsOf(l.Model, layerPath{path: l.Name + "/", auto: l.AutoNamed, frozen: !l.Trainable}, none, nothingVisited())
		} else if len(l.Weights) > 0 {
			u.layerPaths = []layerPath{{l.Name, "", l.AutoNamed, !l.Trainable, l}}
		}
		if len(u.layerPaths) > 0 {
			list = append(list, u)
		}
	}
	return list
}

// ownKinds returns the name that Keras 3 gives to a model made in the same way.
func ownKinds(_ string, stacked bool, _, ofKind int) string {
	if stacked {
		return numbered("sequential", ofKind)
	}
	return numbered("functional", ofKind)
}

// fileKinds returns the names that the file uses if it has one kind of model at each level,
// whatever kind they are in Reef.
func fileKinds(f *weightsFile) nestedModels {
	kinds := map[string]map[string]bool{} // the classes of models in each group
	for _, l := range f.layers {
		for i, c := range l.group {
			if c != '/' {
				continue
			}
			parent, class := "", l.group[:i]
			if k := strings.LastIndexByte(class, '/'); k >= 0 {
				parent, class = class[:k+1], class[k+1:]
			}
			if k := strings.LastIndexByte(class, '_'); k >= 0 && strings.Trim(class[k+1:], "0123456789") == "" {
				class = class[:k]
			}
			if kinds[parent] == nil {
				kinds[parent] = map[string]bool{}
			}
			if class != "time_distributed" {
				kinds[parent][class] = true
			}
		}
	}
	return func(parent string, stacked bool, i, ofKind int) string {
		if len(kinds[parent]) == 1 {
			for only := range kinds[parent] {
				return numbered(only, i)
			}
		}
		return ownKinds(parent, stacked, i, ofKind)
	}
}

func numbered(name string, i int) string {
	if i == 0 {
		return name
	}
	return fmt.Sprintf("%s_%d", name, i)
}

// sequence returns the order in which files of Keras 1 and 2 list the weights of several
// layers, trainable ones first: for each tensor, the layer path that it belongs to. counts is the
// number of tensors in the file for each layer path.
func sequence(layerPaths []layerPath, counts []int, frozen func(layerPath) bool) []int {
	var trained, rest []int
	for i, l := range layerPaths {
		for n := range counts[i] {
			if own := l.layer.Weights; own[min(n, len(own)-1)].IsState() || frozen(l) {
				rest = append(rest, i)
			} else {
				trained = append(trained, i)
			}
		}
	}
	return append(trained, rest...)
}

// sequences returns the orders that a file may have: with the same layers frozen as in the
// model, with layers of frozen models not frozen (as in early versions of Keras), and with
// none frozen.
func sequences(layerPaths []layerPath, tensors int) [][]int {
	for _, of := range []func(layerPath) int{
		func(l layerPath) int { return len(l.layer.Weights) },
		func(l layerPath) int { return l.fileTensors() },
	} {
		counts, sum := make([]int, len(layerPaths)), 0
		for i, l := range layerPaths {
			counts[i] = of(l)
			sum += counts[i]
		}
		if sum != tensors {
			continue
		}
		var list [][]int
		for _, frozen := range []func(layerPath) bool{
			func(l layerPath) bool { return l.frozen },
			func(l layerPath) bool { return !l.layer.Trainable },
			func(layerPath) bool { return false },
		} {
			if s := sequence(layerPaths, counts, frozen); !slices.ContainsFunc(list, func(o []int) bool { return slices.Equal(o, s) }) {
				list = append(list, s)
			}
		}
		return list
	}
	return nil
}
