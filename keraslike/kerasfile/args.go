// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	k "github.com/reef-dl/reef/keraslike"
)

// args are the arguments of a layer as Keras stores them. Each is taken once;
// what is left at the end and is not nothing has not been understood, which is an error
// rather than a layer that computes something else. The first mistake is kept.
type args struct {
	raw   map[string]json.RawMessage
	major int       // version of Keras
	in    []k.Shape // of the tensors that the layer is first applied to
	build layerMaker
	err   error
	notes []string
}

// layerMaker makes a layer that is an argument of another and is applied to tensors of
// the shapes.
type layerMaker func(l layerConfig, in []k.Shape) (k.Layer, error)

func newArgs(config json.RawMessage, major int, in []k.Shape, build layerMaker) *args {
	a := &args{major: major, in: in, build: build}
	if err := json.Unmarshal(config, &a.raw); err != nil {
		a.err = fmt.Errorf("its arguments: %w", err)
	}
	return a
}

// ignored are arguments without a meaning for a model that has its weights. The
// dtype has been looked at.
var ignored = []string{
	"name", "trainable", "dtype", "batch_input_shape", "batch_shape", "input_shape", "input_dtype", "input_length",
	"sparse", "ragged", "optional", "seed", "implementation", "unroll", "unit_forget_bias",
	"kernel_initializer", "recurrent_initializer", "bias_initializer", "embeddings_initializer", "beta_initializer",
	"gamma_initializer", "moving_mean_initializer", "moving_variance_initializer", "alpha_initializer",
	"depthwise_initializer", "pointwise_initializer", "build_config", "use_cudnn",
}

// finish reports arguments that nobody has taken: all but null, false, an empty list.
func (a *args) finish() error {
	for _, name := range slices.Sorted(maps.Keys(a.raw)) {
		if text := string(a.raw[name]); !slices.Contains(ignored, name) && !slices.Contains([]string{"null", "false", "[]", "{}"}, text) {
			a.fail(name, fmt.Errorf("is %.60s, which there is no counterpart for", text))
		}
	}
	return a.err
}

func (a *args) fail(name string, err error) {
	if a.err == nil {
		a.err = fmt.Errorf("argument %s %w", name, err)
	}
}

// take decodes an argument; false when it is absent or null.
func (a *args) take(name string, to any) bool {
	raw, ok := a.raw[name]
	delete(a.raw, name)
	if !ok || string(raw) == "null" {
		return false
	}
	if err := json.Unmarshal(raw, to); err != nil {
		a.fail(name, fmt.Errorf("is %.60s: %w", raw, err))
		return false
	}
	return true
}

// count is a whole number that must be there.
func (a *args) count(name string) (n int) {
	if !a.take(name, &n) {
		a.fail(name, fmt.Errorf("is missing"))
	}
	return n
}

func (a *args) whole(name string, absent int) int {
	n := absent
	a.take(name, &n)
	return n
}

func (a *args) number(name string, absent float64) float64 {
	v := absent
	var array struct {
		Type  string   `json:"type"`
		Value *float64 `json:"value"`
	}
	if json.Unmarshal(a.raw[name], &array) == nil && array.Type == "ndarray" && array.Value != nil { // Keras 2.0 and 2.1
		delete(a.raw, name)
		return *array.Value
	}
	a.take(name, &v)
	return v
}

func (a *args) flag(name string, absent bool) bool {
	v := absent
	a.take(name, &v)
	return v
}

func (a *args) text(name, absent string) string {
	v := absent
	a.take(name, &v)
	return v
}

// list is one number or a list of them, nil when absent.
func (a *args) list(name string) []int {
	var raw json.RawMessage
	if !a.take(name, &raw) {
		return nil
	}
	var one int
	if json.Unmarshal(raw, &one) == nil {
		return []int{one}
	}
	var many []int
	if err := json.Unmarshal(raw, &many); err != nil || len(many) == 0 {
		a.fail(name, fmt.Errorf("is %.60s, want numbers", raw))
	}
	return many
}

// window is a height and width, of which a layer over time has only the second.
func (a *args) window(name string, axes int, absent [2]int) [2]int {
	list := a.list(name)
	switch {
	case list == nil:
		return absent
	case len(list) == 1 && axes == 2:
		return [2]int{list[0], list[0]}
	case len(list) == axes:
		out := [2]int{1, 1}
		copy(out[2-axes:], list)
		return out
	}
	a.fail(name, fmt.Errorf("is %v, want %d numbers", list, axes))
	return absent
}

// want reports an argument that is there with another value.
func (a *args) want(name, value string) {
	if v := a.text(name, value); v != value {
		a.fail(name, fmt.Errorf("is %q, want %q", v, value))
	}
}

// layer is a layer that is an argument of this one.
func (a *args) layer(name string, in []k.Shape) k.Layer {
	var l layerConfig
	if !a.take(name, &l) {
		a.fail(name, errors.New("is missing"))
		return nil
	}
	inner, err := a.build(l, in)
	if err != nil && a.err == nil {
		a.err = err
	}
	return inner
}

// training takes an argument that has an effect in training only, and notes it.
func (a *args) training(name string) {
	raw, ok := a.raw[name]
	delete(a.raw, name)
	if text := string(raw); ok && !slices.Contains([]string{"null", "0", "0.0", "false"}, text) {
		a.notes = append(a.notes, fmt.Sprintf("%s %.60s is omitted, it acts in training only", name, text))
	}
}

// activation is stored by its name; by Keras 2.13 also as an object around the name. By
// Keras 3 that is a function of the user's or of its backend, for which Keras, too, takes
// its own one of that name when it loads the file.
func (a *args) activation(name string) k.ActivationFunc {
	var raw json.RawMessage
	if !a.take(name, &raw) {
		return k.Linear
	}
	var f string
	if json.Unmarshal(raw, &f) != nil {
		var o object
		if json.Unmarshal(raw, &o) != nil || json.Unmarshal(o.Config, &f) != nil {
			a.fail(name, fmt.Errorf("is %.60s, want the name of a function", raw))
			return k.Linear
		}
		if o.Module == "builtins" && a.major >= 3 {
			a.notes = append(a.notes, fmt.Sprintf("%s is a function named %q, which is taken for Keras's own", name, f))
		}
	}
	switch f {
	case "swish":
		f = string(k.SiLU)
	case "hard_swish":
		f = string(k.HardSiLU)
	case "hard_sigmoid":
		if a.major < 3 {
			a.fail(name, fmt.Errorf("is hard_sigmoid, which before Keras 3 was another function, 0.2·x + 0.5 from 0 to 1"))
		}
	}
	if err := k.Activation(k.ActivationFunc(f)).Apply(k.Input(1)).Err(); err != nil {
		a.fail(name, fmt.Errorf("is %q: %w", f, errors.Unwrap(err)))
		return k.Linear
	}
	return k.ActivationFunc(f)
}

// regularizer is the zero value, and noted, for what there is no counterpart for.
func (a *args) regularizer(name string) (r k.Regularizer) {
	raw := a.raw[name]
	delete(a.raw, name)
	if len(raw) == 0 || string(raw) == "null" {
		return r
	}
	var o object
	if json.Unmarshal(raw, &o) == nil && slices.Contains([]string{"L1", "L2", "L1L2"}, o.Class) && json.Unmarshal(o.Config, &r) == nil && r.L1 >= 0 && r.L2 >= 0 {
		return r
	}
	a.notes = append(a.notes, fmt.Sprintf("%s %.60s is omitted, it acts in training only", name, raw))
	return k.Regularizer{}
}
