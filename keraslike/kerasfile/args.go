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

// args holds the arguments of a layer as Keras stores them. Reading an argument removes it;
// one that remains at the end and is set is not supported, which is an error rather than a
// layer that computes something else. The first error is kept.
type args struct {
	raw   map[string]json.RawMessage
	major int       // version of Keras
	in    []k.Shape // of the tensors that the layer is first applied to
	build layerMaker
	part  layerMaker // for a layer that is applied as it is, not within another one
	err   error
	notes []string

	plain         bool             // random layers of pictures are omitted
	random        bool             // the layer that is made is one of them
	channelsFirst bool             // the layer that is made is to be wrapped in a ChannelsFirst
	alongLast     k.ActivationFunc // an activation that is along the last axis
}

// layerMaker makes a layer that is an argument of another layer and is applied to tensors
// of the shapes in.
type layerMaker func(l layerConfig, in []k.Shape) (k.Layer, error)

func newArgs(config json.RawMessage, major int, in []k.Shape, build layerMaker) *args {
	a := &args{major: major, in: in, build: build}
	if err := json.Unmarshal(config, &a.raw); err != nil {
		a.err = fmt.Errorf("its arguments: %w", err)
	}
	return a
}

// ignored are arguments that do not matter for a model with given weights. The dtype is
// checked elsewhere.
var ignored = []string{
	"name", "trainable", "dtype", "batch_input_shape", "batch_shape", "input_shape", "input_dtype", "input_length",
	"sparse", "ragged", "optional", "seed", "implementation", "unroll", "unit_forget_bias",
	"kernel_initializer", "recurrent_initializer", "bias_initializer", "embeddings_initializer", "beta_initializer",
	"gamma_initializer", "moving_mean_initializer", "moving_variance_initializer", "alpha_initializer",
	"depthwise_initializer", "pointwise_initializer", "build_config", "use_cudnn",
}

// finish reports arguments that were not read, unless they are null, false or empty.
func (a *args) finish() error {
	for _, name := range slices.Sorted(maps.Keys(a.raw)) {
		if text := string(a.raw[name]); !slices.Contains(ignored, name) && !slices.Contains([]string{"null", "false", "[]", "{}"}, text) {
			a.fail(name, fmt.Errorf("is %.60s, which is not supported", text))
		}
	}
	return a.err
}

func (a *args) fail(name string, err error) {
	if a.err == nil {
		a.err = fmt.Errorf("argument %s %w", name, err)
	}
}

// take decodes an argument and removes it; it returns false if it is absent or null.
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

// count returns a required whole number.
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

// list returns a number or a list of numbers as a list, nil if absent.
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

// window returns a number for each spatial axis, absent if there is none.
func (a *args) window(name string, axes, absent int) []int {
	list := a.list(name)
	switch {
	case list == nil:
		return slices.Repeat([]int{absent}, axes)
	case len(list) == 1:
		return slices.Repeat(list, axes)
	case len(list) == axes:
		return list
	}
	a.fail(name, fmt.Errorf("is %v, want %d numbers", list, axes))
	return slices.Repeat([]int{absent}, axes)
}

// want reports an argument that is present with another value.
func (a *args) want(name, value string) {
	if v := a.text(name, value); v != value {
		a.fail(name, fmt.Errorf("is %q, want %q", v, value))
	}
}

// layer returns a layer that is an argument of this one.
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

// training omits an argument that acts in training only, and notes it.
func (a *args) training(name string) {
	raw, ok := a.raw[name]
	delete(a.raw, name)
	if text := string(raw); ok && !slices.Contains([]string{"null", "0", "0.0", "false"}, text) {
		a.notes = append(a.notes, fmt.Sprintf("%s %.60s is omitted, it acts in training only", name, text))
	}
}

// activation reads an activation, which is stored by its name; Keras 2.13 may store an
// object that contains the name. In Keras 3 such an object is a function of the user or of
// the backend, for which Keras itself substitutes its own function of that name on loading.
func (a *args) activation(name string) k.ActivationFunc {
	var raw json.RawMessage
	if !a.take(name, &raw) {
		return k.Linear
	}
	var f string
	if json.Unmarshal(raw, &f) != nil {
		var o object
		if json.Unmarshal(raw, &o) == nil && isActivationLayer(o.Class) {
			own, ok := functionOf(o.Class, o.Config)
			if !ok {
				a.fail(name, fmt.Errorf("is a %s with arguments, which only an Activation can have: %.80s", o.Class, o.Config))
			}
			return own
		}
		if json.Unmarshal(raw, &o) != nil || json.Unmarshal(o.Config, &f) != nil {
			a.fail(name, fmt.Errorf("is %.60s, want the name of a function", raw))
			return k.Linear
		}
		if o.Module == "builtins" && a.major >= 3 {
			a.notes = append(a.notes, fmt.Sprintf("%s is a function named %q, which is assumed to be Keras's own", name, f))
		}
	}
	switch f {
	case "swish":
		f = string(k.SiLU)
	case "hard_swish":
		f = string(k.HardSiLU)
	case "hard_sigmoid":
		if a.major < 3 {
			a.fail(name, fmt.Errorf("is hard_sigmoid, which was a different function before Keras 3, 0.2·x + 0.5 clipped to 0 and 1"))
		}
	}
	if err := k.Activation(k.ActivationFunc(f)).Apply(k.Input(1)).Err(); err != nil {
		a.fail(name, fmt.Errorf("is %q: %w", f, errors.Unwrap(err)))
		return k.Linear
	}
	if slices.Contains([]string{string(k.Softmax), string(k.LogSoftmax), string(k.Sparsemax)}, f) {
		a.alongLast = k.ActivationFunc(f)
	}
	return k.ActivationFunc(f)
}

// regularizer returns the zero value, and adds a note, for a regularizer that Reef does not
// have.
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
	var orthogonal struct {
		Factor float64 `json:"factor"`
		Mode   string  `json:"mode"`
	}
	if o.Class == "OrthogonalRegularizer" && json.Unmarshal(o.Config, &orthogonal) == nil && orthogonal.Factor >= 0 {
		return k.OrthogonalRegularizer(orthogonal.Factor, orthogonal.Mode == "columns")
	}
	a.notes = append(a.notes, fmt.Sprintf("%s %.60s is omitted, it acts in training only", name, raw))
	return k.Regularizer{}
}

// constraint returns the zero value, and adds a note, for a constraint that Reef does not have.
func (a *args) constraint(name string) (c k.Constraint) {
	raw := a.raw[name]
	delete(a.raw, name)
	if len(raw) == 0 || string(raw) == "null" {
		return c
	}
	var o object
	if json.Unmarshal(raw, &o) == nil {
		inner := newArgs(o.Config, a.major, nil, nil)
		axes := inner.list("axis")
		switch o.Class {
		case "MaxNorm":
			c = k.MaxNorm(inner.number("max_value", 2), axes...)
		case "MinMaxNorm":
			c = k.MinMaxNorm(inner.number("min_value", 0), inner.number("max_value", 1), inner.number("rate", 1), axes...)
		case "NonNeg":
			return k.NonNeg()
		case "UnitNorm":
			c = k.UnitNorm(axes...)
		}
		if !c.IsZero() && inner.finish() == nil {
			return c
		}
	}
	a.notes = append(a.notes, fmt.Sprintf("%s %.60s is omitted, it acts in training only", name, raw))
	return k.Constraint{}
}
