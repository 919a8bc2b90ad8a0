// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"fmt"
	"slices"
	"strings"

	k "github.com/reef-dl/reef/keraslike"
)

// functional applies the layers, each call as soon as its inputs are there.
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
	var calls []layerCall
	masks := newMasks()
	seen := map[string]bool{}
	for i := range c.Layers {
		l := &c.Layers[i]
		if seen[l.Name] {
			return nil, fmt.Errorf("two layers are named %q", l.Name)
		}
		seen[l.Name] = true
		if l.Class == "InputLayer" {
			x, err := b.input(*l, nil, shapes[l.Name])
			if err != nil {
				return nil, err
			}
			results[callRef{l.Name, 0}] = x
			continue
		}
		if isMask(l) {
			if err := masks.add(l); err != nil {
				return nil, fmt.Errorf("layer %q: %w", l.Name, err)
			}
			continue
		}
		own, err := callsOf(l, b.look)
		if err != nil {
			return nil, fmt.Errorf("layer %q: inbound_nodes: %w", l.Name, err)
		}
		calls = append(calls, own...)
	}
	countFromZero(calls, outputs, b.major)
	for i := range calls {
		masks.made[callRef{calls[i].layer.Name, calls[i].node}] = &calls[i]
	}
	if b.major >= 3 {
		notes, err := masks.blind(calls)
		if err != nil {
			return nil, err
		}
		b.notes = append(b.notes, notes...)
	}
	for i := range calls {
		if err := masks.check(&calls[i]); err != nil {
			return nil, fmt.Errorf("layer %q: %w", calls[i].layer.Name, err)
		}
	}
	if err := b.apply(calls, results, depth); err != nil {
		return nil, err
	}
	var ends [2][]*k.Tensor
	for i, list := range [][]tensorRef{inputs, outputs} {
		for _, ref := range list {
			x := results[ref.node]
			if x == nil {
				return nil, fmt.Errorf("there is no layer %q with a call %d", ref.node.layer, ref.node.call)
			}
			ends[i] = append(ends[i], x.Output(ref.output))
		}
	}
	return k.NewModel(name, ends[0], ends[1]), nil
}

// apply makes the calls into results.
func (b *builder) apply(calls []layerCall, results map[callRef]*k.Tensor, depth int) error {
	missing := make([]int, len(calls)) // inputs of each call
	waiting := map[callRef][]int{}     // calls for each node that is to come
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
		in, ok := call.inputs(results)
		if !ok {
			return fmt.Errorf("layer %q is applied to nothing", call.layer.Name)
		}
		l := made[call.layer.Name]
		if l == nil {
			var err error
			if l, err = b.layer(*call.layer, shapesOf(in), depth); err != nil {
				return err
			}
			if call.blind {
				l = k.IgnoreMasks(l)
			}
			made[call.layer.Name] = l
		}
		if err := b.trained(call); err != nil {
			return err
		}
		x := l.Apply(in...)
		if err := x.Err(); err != nil {
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
		return fmt.Errorf("layer %q is applied to %v, which nothing gives", calls[i].layer.Name, calls[i].in)
	}
	return nil
}

// trained reports a call that acts as in training when the model predicts, and notes
// one that does not when the model is trained. Keras 3 overrides both in fit and
// predict, as they are done here, and writes what it has by default: True for layers that
// change pictures, else False.
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
		b.notes = append(b.notes, fmt.Sprintf("layer %q is called with training=False, which here holds for predictions only: freeze it, or it acts in training as the others", c.layer.Name))
	}
	return nil
}

// inputs are the tensors that the call takes; false when one is not there yet.
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

// countFromZero numbers the calls of nested models from 0, as those of other layers.
// Keras counts from 1, for the model's own graph, from 0 where the model had none when
// it was saved, and Keras 3 counts from 0 in the calls and from 1 in the outputs. A
// call that nothing takes is not in a file, so that all numbers must occur, each with a
// call; where two ways of counting fit, that of the version counts.
func countFromZero(calls []layerCall, outputs []tensorRef, major int) {
	number, model := map[string]int{}, map[string]bool{}
	functional := map[string]bool{}
	for _, c := range calls {
		if c.layer.isModel() {
			number[c.layer.Name]++
			model[c.layer.Name], functional[c.layer.Name] = true, c.layer.Class != "Sequential"
		}
	}
	var inner, outer = map[string][]*int{}, map[string][]*int{}
	for i := range calls {
		for k := range calls[i].in {
			if node := &calls[i].in[k].node; model[node.layer] {
				inner[node.layer] = append(inner[node.layer], &node.call)
			}
		}
	}
	for i := range outputs {
		if node := &outputs[i].node; model[node.layer] {
			outer[node.layer] = append(outer[node.layer], &node.call)
		}
	}
	for name, n := range number {
		ways := [][2]int{{1, 1}, {0, 0}, {0, 1}}
		if major >= 3 {
			ways = [][2]int{{0, 0}, {0, 1}, {1, 1}}
			if functional[name] {
				ways[0], ways[1] = ways[1], ways[0]
			}
		}
		for _, base := range ways {
			met := map[int]bool{}
			for _, call := range inner[name] {
				met[*call-base[0]] = true
			}
			for _, call := range outer[name] {
				met[*call-base[1]] = true
			}
			if fits := len(met) == n && met[0] && met[n-1]; !fits {
				continue
			}
			for _, call := range inner[name] {
				*call -= base[0]
			}
			for _, call := range outer[name] {
				*call -= base[1]
			}
			break
		}
	}
}
