// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"slices"

	k "github.com/reef-dl/reef/keraslike"
)

func init() { replayers["activation"] = replayActivation }

// activationArguments are the arguments of Keras's functions that are options here.
var activationArguments = map[string]struct {
	order   []string
	options map[string]func(float64) k.ActivationOption
}{
	"relu":        {[]string{"negative_slope", "max_value", "threshold"}, map[string]func(float64) k.ActivationOption{"negative_slope": k.NegativeSlope, "max_value": k.MaxValue, "threshold": k.ThresholdAt}},
	"elu":         {[]string{"alpha"}, map[string]func(float64) k.ActivationOption{"alpha": k.Alpha}},
	"celu":        {[]string{"alpha"}, map[string]func(float64) k.ActivationOption{"alpha": k.Alpha}},
	"squareplus":  {[]string{"b"}, map[string]func(float64) k.ActivationOption{"b": k.Alpha}},
	"soft_shrink": {[]string{"threshold"}, map[string]func(float64) k.ActivationOption{"threshold": k.ThresholdAt}},
	"hard_shrink": {[]string{"threshold"}, map[string]func(float64) k.ActivationOption{"threshold": k.ThresholdAt}},
	"threshold":   {[]string{"threshold", "default_value"}, map[string]func(float64) k.ActivationOption{"threshold": k.ThresholdAt, "default_value": k.OtherValue}},
	"leaky_relu":  {[]string{"negative_slope"}, map[string]func(float64) k.ActivationOption{"negative_slope": k.NegativeSlope}},
}

func replayActivation(r *recordedCall) error {
	x := r.Args[0].asArray()
	want := r.Out.asArray()
	if x == nil || want == nil {
		return impossible("an activation of no array")
	}
	var options []k.ActivationOption
	known := activationArguments[r.Name]
	take := func(name string, v recorded) error {
		if v.v == nil {
			return nil
		}
		if name == "axis" {
			var axes []int
			for _, a := range v.flat() {
				axis := int(a.V[0])
				if axis == 0 && len(x.Shape) > 1 || axis == -len(x.Shape) {
					return impossible("an axis that is the batch")
				}
				if axis > 0 && len(x.Shape) == 1 {
					axis--
				}
				axes = append(axes, axis)
			}
			options = append(options, k.Axis(axes...))
			return nil
		}
		if b, ok := v.v.(bool); ok && name == "approximate" {
			if b {
				options = append(options, k.Approximate)
			}
			return nil
		}
		option, ok := known.options[name]
		if !ok {
			return missing("activation " + r.Name + " with " + name)
		}
		options = append(options, option(float64(v.flat()[0].V[0])))
		return nil
	}
	for i, v := range r.Args[1:] {
		name := "axis"
		if i < len(known.order) {
			name = known.order[i]
		}
		if err := take(name, v); err != nil {
			return err
		}
	}
	for name, v := range r.Kwargs {
		if err := take(name, v); err != nil {
			return err
		}
	}
	if len(x.Shape) == 1 {
		x = x.reshaped(1, x.Shape[0])
	}
	if len(x.Shape) == 0 {
		x = x.reshaped(1, 1)
	}
	name := k.ActivationFunc(r.Name)
	switch r.Name {
	case "threshold":
		name = k.Cutoff
	case "leaky_relu":
		name = k.ReLU
		if len(options) == 0 {
			options = append(options, k.NegativeSlope(0.2))
		}
	}
	in := k.Input(x.Shape[1:]...)
	m := k.NewModel("activation", []*k.Tensor{in}, []*k.Tensor{k.Activation(name, options...).Apply(in)})
	if err := m.Err(); err != nil {
		return lacking(r.Name, err)
	}
	if err := m.Build(1); err != nil {
		return lacking(r.Name, err)
	}
	arrays, err := arraysOf(x)
	if err != nil {
		return impossible("an array of shape " + r.Name)
	}
	got, err := m.Predict(arrays...)
	if err != nil {
		return err
	}
	return compare(r.Name, slices.Clone(got.Values()), want, tolerance)
}
