// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

// tensorInfo is an input or an output of a model.
type tensorInfo struct {
	name    string
	shape   k.Shape // of a sample
	size    int     // of a sample, k.Any if it differs
	strings bool
	classes []string
}

// version is a model that is loaded. It never changes: another file makes another version.
type version struct {
	id              string
	model           *k.Model
	inputs, outputs []tensorInfo
	raw             []datasets.Preprocessor // of each input, nil for none
	free            bool                    // an axis of an input is k.Any
	each            time.Duration           // that a sample took when it was tried
}

// newVersion reads what requests need to know of a model.
func newVersion(id string, m *k.Model) (*version, error) {
	if m == nil {
		return nil, errors.New("the model is nil")
	}
	if err := m.Err(); err != nil {
		return nil, err
	}
	v := &version{id: id, model: m, inputs: tensors(m.Inputs()), outputs: tensors(m.Outputs())}
	for i := range v.outputs {
		v.outputs[i].classes = m.Classes(i)
	}
	for i := range v.inputs {
		v.free = v.free || v.inputs[i].size == k.Any
		kind, settings := m.Preprocessor(i)
		if kind == "" {
			v.raw = append(v.raw, nil)
			continue
		}
		p, err := datasets.ReadPreprocessor(kind, settings)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", v.inputs[i].name, err)
		}
		v.raw = append(v.raw, p)
	}
	if p, ok := rawPictures(m, v.inputs); ok && v.raw[0] == nil {
		v.raw[0] = p
	}
	return v, nil
}

// tensors names the inputs or outputs of a model after their layers, as the model itself does.
func tensors(list []*k.Tensor) (infos []tensorInfo) {
	for _, t := range list {
		base := k.Inspect(t.Layer()).Name
		name := base
		for i := 1; slices.ContainsFunc(infos, func(o tensorInfo) bool { return o.name == name }); i++ {
			name = base + "_" + strconv.Itoa(i)
		}
		infos = append(infos, tensorInfo{name: name, shape: t.Shape(), size: t.Shape().Size(), strings: t.IsString()})
	}
	return infos
}

// warm computes a few samples, so that the graph and the weights are in the form in which requests need
// them and a model that cannot predict is found before it replaces another.
func (v *version) warm(s *settings) error {
	if v.free || v.takesStrings() {
		return nil // the lengths, or texts that the vocabulary has, come with the requests
	}
	for run := range 3 {
		n := 1
		if run == 2 {
			n = s.inTime(v.each)
		}
		var x []*k.Array
		for _, in := range v.inputs {
			if err := add(&x, make([]float32, n*in.size), n, in.shape); err != nil {
				return err
			}
		}
		began := time.Now()
		if _, err := v.model.PredictAll(x...); err != nil {
			return err
		}
		v.each = time.Since(began) / time.Duration(n)
	}
	return nil
}

// same returns an error if requests made for one version do not fit another.
func (v *version) same(next *version) error {
	compare := func(what string, was, is []tensorInfo) error {
		if len(was) != len(is) {
			return fmt.Errorf("it has %d %ss, the model that it would replace has %d", len(is), what, len(was))
		}
		for i, w := range was {
			if n := is[i]; n.name != w.name || !n.shape.Equal(w.shape) || n.strings != w.strings {
				return fmt.Errorf("%s %d is %q of shape %s, that of the model that it would replace is %q of shape %s",
					what, i, n.name, n.shape, w.name, w.shape)
			}
		}
		return nil
	}
	if err := compare("input", v.inputs, next.inputs); err != nil {
		return err
	}
	return compare("output", v.outputs, next.outputs)
}

// names lists tensors for an error.
func names(list []tensorInfo) string {
	words := make([]string, len(list))
	for i, t := range list {
		words[i] = strconv.Quote(t.name)
	}
	return strings.Join(words, ", ")
}

// index finds a tensor by name, -1 if there is none.
func index(list []tensorInfo, name []byte) int {
	for i := range list {
		if list[i].name == string(name) {
			return i
		}
	}
	return -1
}

// takes reports whether samples may have a shape.
func (t *tensorInfo) takes(shape []int) bool {
	return slices.EqualFunc(t.shape, shape, func(want, n int) bool { return want == n || want == k.Any && n > 0 })
}
