// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	k "github.com/reef-dl/reef/keraslike"
)

// functional makes a functional model: it reads the layers and their calls, then applies each
// layer as soon as its inputs exist.
func (b *builder) functional(name string, c modelConfig, known []k.Shape, depth int) (*k.Model, error) {
	inputs, err := endpoints(c.Inputs)
	if err != nil {
		return nil, fmt.Errorf("input_layers: %w", err)
	}
	outputs, err := endpoints(c.Outputs)
	if err != nil {
		return nil, fmt.Errorf("output_layers: %w", err)
	}
	shapes := map[string]k.Shape{}
	if len(inputs) == len(known) {
		for i, ref := range inputs {
			shapes[ref.node.layer] = known[i]
		}
	} else if depth == 0 && known != nil {
		return nil, fmt.Errorf("got InputShape for %d inputs, want %d", len(known), len(inputs))
	}
	results := map[callRef]*k.Tensor{}
	masks := newMasks()
	calls, err := b.calls(c.Layers, shapes, results, masks)
	if err != nil {
		return nil, err
	}
	countFromZero(calls, outputs, b.major)
	if err := b.resolveMasks(calls, masks); err != nil {
		return nil, err
	}
	if err := b.apply(calls, results, depth); err != nil {
		return nil, err
	}
	in, err := tensors(inputs, results)
	if err != nil {
		return nil, err
	}
	out, err := tensors(outputs, results)
	if err != nil {
		return nil, err
	}
	return k.NewModel(name, in, out), nil
}

// calls returns the calls of all layers, adds the inputs of the model to results, and the
// layers that compute masks to masks.
func (b *builder) calls(layers []layerConfig, shapes map[string]k.Shape, results map[callRef]*k.Tensor, masks *masks) ([]layerCall, error) {
	var calls []layerCall
	seen := map[string]bool{}
	for i := range layers {
		l := &layers[i]
		if seen[l.Name] {
			return nil, fmt.Errorf("two layers are named %q", l.Name)
		}
		seen[l.Name] = true
		switch {
		case l.Class == "InputLayer":
			x, err := b.input(*l, nil, shapes[l.Name])
			if err != nil {
				return nil, err
			}
			results[callRef{l.Name, 0}] = x
		case isMask(l):
			if err := masks.add(l); err != nil {
				return nil, fmt.Errorf("layer %q: %w", l.Name, err)
			}
		default:
			own, err := callsOf(l, b.look)
			if err != nil {
				return nil, fmt.Errorf("layer %q: inbound_nodes: %w", l.Name, err)
			}
			calls = append(calls, own...)
		}
	}
	return calls, nil
}

// resolveMasks checks that each mask argument is the mask that the call has in Reef anyway.
func (b *builder) resolveMasks(calls []layerCall, masks *masks) error {
	for i := range calls {
		masks.made[callRef{calls[i].layer.Name, calls[i].node}] = &calls[i]
	}
	if b.major >= 3 {
		notes, err := masks.blind(calls)
		if err != nil {
			return err
		}
		b.notes = append(b.notes, notes...)
	}
	for i := range calls {
		if err := masks.check(&calls[i]); err != nil {
			return fmt.Errorf("layer %q: %w", calls[i].layer.Name, err)
		}
	}
	return nil
}

// tensors returns the results that the references name.
func tensors(refs []tensorRef, results map[callRef]*k.Tensor) (list []*k.Tensor, err error) {
	for _, ref := range refs {
		x := results[ref.node]
		if x == nil {
			return nil, fmt.Errorf("there is no layer %q with a call %d", ref.node.layer, ref.node.call)
		}
		list = append(list, x.Output(ref.output))
	}
	return list, nil
}

// apply makes all calls and stores their results.
func (b *builder) apply(calls []layerCall, results map[callRef]*k.Tensor, depth int) error {
	missing := make([]int, len(calls)) // number of inputs that do not exist yet
	waiting := map[callRef][]int{}     // the calls that wait for each node
	var ready []int
	for i, c := range calls {
		for _, ref := range c.in {
			if results[ref.node] == nil {
				missing[i]++
				waiting[ref.node] = append(waiting[ref.node], i)
			}
		}
		if missing[i] == 0 {
			ready = append(ready, i)
		}
	}
	made := map[string]k.Layer{}
	done := 0
	for ; len(ready) > 0; ready = ready[1:] {
		done++
		call := &calls[ready[0]]
		x, err := b.call(call, made, results, depth)
		if err != nil {
			return err
		}
		node := callRef{call.layer.Name, call.node}
		results[node] = x
		for _, i := range waiting[node] {
			if missing[i]--; missing[i] == 0 {
				ready = append(ready, i)
			}
		}
	}
	if done < len(calls) {
		i := slices.IndexFunc(missing, func(n int) bool { return n > 0 })
		return fmt.Errorf("layer %q is applied to %v, which no layer computes", calls[i].layer.Name, calls[i].in)
	}
	return nil
}

// call applies a layer, which it makes at its first call.
func (b *builder) call(call *layerCall, made map[string]k.Layer, results map[callRef]*k.Tensor, depth int) (*k.Tensor, error) {
	in, ok := call.inputs(results)
	if !ok {
		return nil, fmt.Errorf("layer %q is applied to nothing", call.layer.Name)
	}
	if call.reversed() {
		l, err := b.reverse(call, shapesOf(in), made, depth)
		if err != nil {
			return nil, err
		}
		x := l.Apply(in...)
		return x, x.Err()
	}
	delete(call.settings, "reverse") // which is false
	l := made[call.layer.Name]
	if l == nil {
		config, err := call.made()
		if err == nil {
			l, err = b.layer(config, shapesOf(in), depth)
		}
		if err != nil {
			return nil, err
		}
		if call.blind {
			l = k.PassMaskUnused(l)
		}
		made[call.layer.Name] = l
		b.settings[call.layer.Name] = call.settings
	} else if first := b.settings[call.layer.Name]; !maps.EqualFunc(first, call.settings, func(a, b json.RawMessage) bool { return string(a) == string(b) }) {
		return nil, fmt.Errorf("layer %q is called with %q and %q, want the same arguments", call.layer.Name, first, call.settings)
	}
	if err := b.trained(call); err != nil {
		return nil, err
	}
	x := l.Apply(in...)
	return x, x.Err()
}

// trained returns an error for a call that would act as in training during prediction, and
// adds a note for one that would not act as in training during training. Keras 3 overrides
// both in fit and predict, as Reef does, and writes its default: True for image
// augmentation layers, otherwise False.
func (b *builder) trained(c *layerCall) error {
	if c.training == nil {
		return nil
	}
	text := map[bool]string{false: "False", true: "True"}[*c.training]
	switch {
	case b.major >= 3 && (!*c.training || strings.HasPrefix(c.layer.Class, "Random")): // by default
	case b.major >= 3:
		b.notes = append(b.notes, fmt.Sprintf("layer %q is called with training=%s, which fit and predict override", c.layer.Name, text))
	case *c.training:
		return fmt.Errorf("layer %q is called with training=True, which would act as in training when the model predicts", c.layer.Name)
	default:
		b.notes = append(b.notes, fmt.Sprintf("layer %q is called with training=False, which Reef ignores in training: freeze the layer if it should not act as in training", c.layer.Name))
	}
	return nil
}

// inputs returns the tensors that the call takes, false if one does not exist.
func (c *layerCall) inputs(results map[callRef]*k.Tensor) (in []*k.Tensor, ok bool) {
	for _, ref := range c.in {
		x := results[ref.node]
		if x == nil {
			return nil, false
		}
		in = append(in, x.Output(ref.output))
	}
	return in, len(in) > 0
}

func shapesOf(tensors []*k.Tensor) (shapes []k.Shape) {
	for _, x := range tensors {
		shapes = append(shapes, x.Shape())
	}
	return shapes
}

// countFromZero renumbers the calls of nested models from 0, as those of other layers. Keras
// counts from 1, the model's own graph being the first call, or from 0 if the model had no
// graph when it was saved; Keras 3 counts from 0 in the calls and from 1 in the outputs. Calls
// whose result is not used are not in the file, so every number must occur; if two ways of
// counting fit, the version decides.
func countFromZero(calls []layerCall, outputs []tensorRef, major int) {
	models := map[string]*modelCalls{}
	for _, c := range calls {
		if !c.layer.isModel() {
			continue
		}
		if models[c.layer.Name] == nil {
			models[c.layer.Name] = &modelCalls{}
		}
		m := models[c.layer.Name]
		m.count++
		m.functional = c.layer.Class != "Sequential"
	}
	for i := range calls {
		for j := range calls[i].in {
			if node := &calls[i].in[j].node; models[node.layer] != nil {
				m := models[node.layer]
				m.inner = append(m.inner, &node.call)
			}
		}
	}
	for i := range outputs {
		if node := &outputs[i].node; models[node.layer] != nil {
			m := models[node.layer]
			m.outer = append(m.outer, &node.call)
		}
	}
	for _, m := range models {
		m.renumber(major)
	}
}

// modelCalls are the numbers of the calls of a nested model where other calls (inner) and the
// outputs (outer) use them.
type modelCalls struct {
	count        int
	functional   bool
	inner, outer []*int
}

// renumber subtracts the first way of counting that fits, a pair of the first number in the
// calls and in the outputs.
func (m *modelCalls) renumber(major int) {
	ways := [][2]int{{1, 1}, {0, 0}, {0, 1}}
	switch {
	case major >= 3 && m.functional:
		ways = [][2]int{{0, 1}, {0, 0}, {1, 1}}
	case major >= 3:
		ways = [][2]int{{0, 0}, {0, 1}, {1, 1}}
	}
	for _, base := range ways {
		if !m.fits(base) {
			continue
		}
		for _, call := range m.inner {
			*call -= base[0]
		}
		for _, call := range m.outer {
			*call -= base[1]
		}
		return
	}
}

// fits reports whether every call occurs if they are counted from base.
func (m *modelCalls) fits(base [2]int) bool {
	met := map[int]bool{}
	for _, call := range m.inner {
		met[*call-base[0]] = true
	}
	for _, call := range m.outer {
		met[*call-base[1]] = true
	}
	return len(met) == m.count && met[0] && met[m.count-1]
}
