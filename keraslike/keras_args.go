// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// kerasArgs are the arguments of a layer as Keras stores them. Each is taken once;
// what is left at the end and is not nothing has not been understood, and the layer is
// refused rather than computed wrongly. The first mistake is kept.
type kerasArgs struct {
	raw   map[string]json.RawMessage
	major int // version of Keras
	err   error
	notes []string
}

func newKerasArgs(config json.RawMessage, major int) *kerasArgs {
	a := &kerasArgs{major: major}
	if err := json.Unmarshal(config, &a.raw); err != nil {
		a.err = fmt.Errorf("its arguments: %w", err)
	}
	return a
}

// kerasIgnored are arguments without a meaning for a model that has its weights. The
// dtype has been looked at.
var kerasIgnored = []string{
	"name", "trainable", "dtype", "batch_input_shape", "batch_shape", "input_shape", "input_dtype", "input_length",
	"sparse", "ragged", "optional", "seed", "implementation", "unroll", "unit_forget_bias",
	"kernel_initializer", "recurrent_initializer", "bias_initializer", "embeddings_initializer", "beta_initializer",
	"gamma_initializer", "moving_mean_initializer", "moving_variance_initializer", "alpha_initializer",
	"depthwise_initializer", "pointwise_initializer", "build_config", "use_cudnn",
}

// finish refuses arguments that nobody has taken: all but null, false, an empty list.
func (a *kerasArgs) finish() error {
	for _, name := range slices.Sorted(maps.Keys(a.raw)) {
		if text := string(a.raw[name]); !slices.Contains(kerasIgnored, name) && !slices.Contains([]string{"null", "false", "[]", "{}"}, text) {
			a.fail(name, fmt.Errorf("is %.60s, which there is no counterpart for", text))
		}
	}
	return a.err
}

func (a *kerasArgs) fail(name string, err error) {
	if a.err == nil {
		a.err = fmt.Errorf("argument %s %w", name, err)
	}
}

// take decodes an argument; false when it is absent or null.
func (a *kerasArgs) take(name string, to any) bool {
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
func (a *kerasArgs) count(name string) (n int) {
	if !a.take(name, &n) {
		a.fail(name, fmt.Errorf("is missing"))
	}
	return n
}

func (a *kerasArgs) whole(name string, absent int) int {
	n := absent
	a.take(name, &n)
	return n
}

func (a *kerasArgs) number(name string, absent float64) float64 {
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

func (a *kerasArgs) flag(name string, absent bool) bool {
	v := absent
	a.take(name, &v)
	return v
}

func (a *kerasArgs) text(name, absent string) string {
	v := absent
	a.take(name, &v)
	return v
}

// list is one number or a list of them, nil when absent.
func (a *kerasArgs) list(name string) []int {
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
func (a *kerasArgs) window(name string, axes int, absent [2]int) [2]int {
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

// want refuses an argument that is there with another value.
func (a *kerasArgs) want(name, value string) {
	if v := a.text(name, value); v != value {
		a.fail(name, fmt.Errorf("is %q, want %q", v, value))
	}
}

func (a *kerasArgs) padding() (p graph.Padding) {
	a.take("padding", &p)
	return p
}

// training takes an argument that has an effect in training only, and notes it.
func (a *kerasArgs) training(name string) {
	raw, ok := a.raw[name]
	delete(a.raw, name)
	if text := string(raw); ok && !slices.Contains([]string{"null", "0", "0.0", "false"}, text) {
		a.notes = append(a.notes, fmt.Sprintf("%s %.60s is left away, it acts in training only", name, text))
	}
}

// object is {"class_name": ..., "config": ...}, how Keras stores what it has classes for.
type kerasObject struct {
	Module string          `json:"module"`
	Class  string          `json:"class_name"`
	Config json.RawMessage `json:"config"`
}

// activation is stored by its name; by Keras 2.13 also as an object around the name. By
// Keras 3 that is a function of the user's or of its backend, for which Keras, too, takes
// its own one of that name when it loads the file.
func (a *kerasArgs) activation(name string) ActivationFunc {
	var raw json.RawMessage
	if !a.take(name, &raw) {
		return Linear
	}
	var f string
	if json.Unmarshal(raw, &f) != nil {
		var o kerasObject
		if json.Unmarshal(raw, &o) != nil || json.Unmarshal(o.Config, &f) != nil {
			a.fail(name, fmt.Errorf("is %.60s, want the name of a function", raw))
			return Linear
		}
		if o.Module == "builtins" && a.major >= 3 {
			a.notes = append(a.notes, fmt.Sprintf("%s is a function named %q, which is taken for Keras's own", name, f))
		}
	}
	switch f {
	case "swish":
		f = string(SiLU)
	case "hard_swish":
		f = string(HardSiLU)
	case "hard_sigmoid":
		if a.major < 3 {
			a.fail(name, fmt.Errorf("is hard_sigmoid, which before Keras 3 was another function, 0.2·x + 0.5 from 0 to 1"))
		}
	}
	if err := ActivationFunc(f).check(); err != nil {
		a.fail(name, fmt.Errorf("is %q: %w", f, err))
		return Linear
	}
	return ActivationFunc(f)
}

// regularized are the regularizers; constraints are noted.
func (a *kerasArgs) regularized() (r regularized) {
	for _, name := range []string{"kernel_constraint", "recurrent_constraint", "bias_constraint", "depthwise_constraint", "pointwise_constraint"} {
		a.training(name)
	}
	r.KernelRegularizer = a.regularizer("kernel_regularizer")
	r.BiasRegularizer = a.regularizer("bias_regularizer")
	r.ActivityRegularizer = a.regularizer("activity_regularizer")
	return r
}

func (a *kerasArgs) regularizer(name string) (r Regularizer) {
	raw := a.raw[name]
	delete(a.raw, name)
	if len(raw) == 0 || string(raw) == "null" {
		return r
	}
	var o kerasObject
	if json.Unmarshal(raw, &o) == nil && slices.Contains([]string{"L1", "L2", "L1L2"}, o.Class) && json.Unmarshal(o.Config, &r) == nil && r.check() == nil {
		return r
	}
	a.notes = append(a.notes, fmt.Sprintf("%s %.60s is left away, it acts in training only", name, raw))
	return Regularizer{}
}
