// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
)

func init() {
	replayers["optimizer"] = replayOptimizer
	replayers["schedule"] = replaySchedule
	replayers["constraint"] = replayConstraint
	replayers["regularizer"] = replayRegularizer
	replayers["initializer"] = replayInitializer
}

// scheduleOf returns Reef's schedule and the rate at its start.
func scheduleOf(c layerConfig) (k.Schedule, float64, error) {
	s := settingsOf(c)
	start := s.number("initial_learning_rate", 0)
	var out k.Schedule
	switch c.Class {
	case "ExponentialDecay":
		out = k.ExponentialDecay{Steps: s.count("decay_steps"), Rate: s.number("decay_rate", 0), Staircase: s.flag("staircase", false)}
	case "InverseTimeDecay":
		out = k.InverseTimeDecay{Steps: s.count("decay_steps"), Rate: s.number("decay_rate", 0), Staircase: s.flag("staircase", false)}
	case "PolynomialDecay":
		out = k.PolynomialDecay{Steps: s.count("decay_steps"), End: s.number("end_learning_rate", 0), Power: s.number("power", 1), Cycle: s.flag("cycle", false)}
	case "PiecewiseConstantDecay":
		var values []float64
		s.take("values", &values)
		if len(values) == 0 || values[0] == 0 {
			return nil, 0, missing("PiecewiseConstantDecay from 0")
		}
		start = values[0]
		factors := make([]float64, len(values))
		for i := range values {
			factors[i] = values[i] / start
		}
		out = k.PiecewiseConstantDecay{Boundaries: s.list("boundaries"), Factors: factors}
	case "CosineDecay":
		d := k.CosineDecay{Steps: s.count("decay_steps"), Alpha: s.number("alpha", 0), Warmup: s.whole("warmup_steps", 0)}
		var target float64
		if s.take("warmup_target", &target) {
			d.WarmupFrom, start = start, target
		}
		out = d
	case "CosineDecayRestarts":
		out = k.CosineDecayRestarts{Steps: s.count("first_decay_steps"), Grow: s.number("t_mul", 2), Shrink: s.number("m_mul", 1), Alpha: s.number("alpha", 0)}
	default:
		return nil, 0, missing("schedule " + c.Class)
	}
	if err := s.done(); err != nil {
		return nil, 0, err
	}
	return out, start, out.Check()
}

func replaySchedule(r *recordedCall) error {
	s, start, err := scheduleOf(r.Config)
	if err != nil {
		return err
	}
	if len(r.Args) == 0 {
		return impossible("a schedule without a step")
	}
	step := r.Args[0].flat()
	want := r.Out.flat()
	if len(step) != 1 || len(step[0].V) != 1 || len(want) != 1 {
		return impossible("a schedule of several steps")
	}
	at := float64(step[0].V[0])
	if at != math.Trunc(at) {
		return impossible("a fraction of a step")
	}
	return compare("rate", []float32{float32(s.At(start, int(at)))}, want[0], tolerance)
}

// given are weights whose gradients are the inputs.
type given struct {
	shapes [][]int
	inits  []k.Initializer
	limit  []k.Constraint
	decay  []k.Regularizer
	names  []string
}

func (given) Kind() string { return "given" }

func (d given) Build(b *k.Builder, in []k.Shape) (k.Shape, error) {
	for i, shape := range d.shapes {
		init, reg := k.Zeros(), k.Regularizer{}
		if i < len(d.inits) {
			init = d.inits[i]
		}
		if i < len(d.decay) {
			reg = d.decay[i]
		}
		b.Weight(d.names[i], init, reg, shape...)
		if i < len(d.limit) {
			b.Constrain(d.names[i], d.limit[i])
		}
	}
	return k.Shape{1}, nil
}

func (d given) Forward(s *k.Scope, in []*graph.Node) *graph.Node {
	var total *graph.Node
	for i, shape := range d.shapes {
		n := sizeOf(shape)
		w := s.Do(graph.Reshape(s.Weight(d.names[i]), 1, n))
		g := s.Do(graph.Reshape(in[i], 1, n))
		sum := s.Do(graph.Reshape(s.Do(graph.Sum(s.Do(graph.Mul(w, g)))), 1, 1))
		if total == nil {
			total = sum
		} else {
			total = s.Do(graph.Add(total, sum))
		}
	}
	return total
}

// prediction is a loss that is the prediction itself.
func prediction() k.Loss {
	return k.CustomLoss("prediction", func(p, _ *graph.Node) (*graph.Node, error) { return p, nil })
}

// model makes a model of weights and compiles it.
func (d given) model(o k.Optimizer) (*k.Model, error) {
	for i := range d.shapes {
		if len(d.names) <= i {
			d.names = append(d.names, fmt.Sprintf("w%d", i))
		}
	}
	var inputs []*k.Tensor
	for _, shape := range d.shapes {
		inputs = append(inputs, k.Input(sizeOf(shape)))
	}
	m := k.NewModel("given", inputs, []*k.Tensor{k.Custom(d).Apply(inputs...)})
	if err := m.Err(); err != nil {
		return nil, err
	}
	if err := m.Compile(o, prediction()); err != nil {
		return nil, err
	}
	return m, m.Build(1)
}

// step makes an update with the gradients.
func (d given) step(m *k.Model, gradients []*numbers) error {
	var in []graph.Value
	for _, g := range gradients {
		x, err := k.NewArray(g.floats(), 1, len(g.V))
		if err != nil {
			return err
		}
		in = append(in, x.Tensor())
	}
	y, err := k.NewArray([]float32{0}, 1, 1)
	if err != nil {
		return err
	}
	_, err = m.TrainOnBatchOf(in, []graph.Value{y.Tensor()}, nil)
	return err
}

// optimizerOf returns Reef's optimizer.
func optimizerOf(r *recordedCall, paths []string) (k.Optimizer, bool, error) {
	s := settingsOf(r.Config)
	var options []k.OptimizerOption
	add := func(o ...k.OptimizerOption) { options = append(options, o...) }
	var rate float64
	var raw json.RawMessage
	scheduled := false
	s.take("learning_rate", &raw)
	if json.Unmarshal(raw, &rate) != nil {
		var c layerConfig
		if err := json.Unmarshal(raw, &c); err != nil {
			return nil, false, err
		}
		if c.Class == "__lambda__" {
			rate = r.Steps[0].Rate
		} else {
			schedule, start, err := scheduleOf(c)
			if err != nil {
				return nil, false, err
			}
			rate, scheduled = start, true
			add(k.WithSchedule(schedule))
		}
	}
	number := func(name string, option func(float64) k.OptimizerOption) {
		var v float64
		if s.take(name, &v) {
			add(option(v))
		}
	}
	number("weight_decay", k.WeightDecay)
	number("clipnorm", k.ClipNorm)
	number("global_clipnorm", k.GlobalClipNorm)
	number("clipvalue", k.ClipValue)
	momentum := s.number("ema_momentum", 0.99)
	if s.flag("use_ema", false) {
		add(k.AverageWeights(momentum))
		if n := s.whole("ema_overwrite_frequency", 0); n != 0 {
			add(k.OverwriteWeights(n))
		}
	}
	if n := s.whole("gradient_accumulation_steps", 1); n > 1 {
		add(k.AccumulateGradients(n))
	}
	number("beta_1", k.Beta1)
	number("beta_2", k.Beta2)
	var v float64
	if s.take("epsilon", &v) {
		add(k.Epsilon(v))
	}
	if s.flag("amsgrad", false) {
		add(k.AMSGrad)
	}
	number("rho", k.Rho)
	if s.take("momentum", &v) && v != 0 {
		add(k.Momentum(v))
	}
	nesterov := s.flag("nesterov", false)
	if nesterov && r.Config.Class != "Muon" {
		add(k.Nesterov)
	}
	if s.flag("centered", false) {
		add(k.Centered)
	}
	number("initial_accumulator_value", k.InitialAccumulator)
	number("learning_rate_power", k.LearningRatePower)
	number("l1_regularization_strength", k.L1Strength)
	number("l2_regularization_strength", k.L2Strength)
	number("l2_shrinkage_regularization_strength", k.L2Shrinkage)
	number("beta", k.FtrlBeta)
	number("beta_2_decay", k.Beta2Decay)
	number("epsilon_1", k.Epsilon1)
	number("epsilon_2", k.Epsilon2)
	number("clip_threshold", k.ClipThreshold)
	delete(s.raw, "relative_step")
	if n := s.whole("warmup_steps", 0); n != 0 {
		add(k.WarmupSteps(n))
	}
	if r.Config.Class == "Muon" {
		if !nesterov {
			add(k.PlainMomentum)
		}
		number("adam_weight_decay", k.AdamWeightDecay)
		number("rms_rate", k.MuonScale)
		if n := s.whole("ns_steps", 5); n != 5 {
			add(k.MuonSteps(n))
		}
		var names []string
		if s.take("exclude_layers", &names) && len(names) > 0 {
			add(k.AdamFor(names...))
		}
		for _, name := range []string{"exclude_embeddings", "muon_a", "muon_b", "muon_c", "adam_lr_ratio"} {
			delete(s.raw, name)
		}
	}
	if r.Excluded != nil {
		var names []string
		for _, i := range r.Excluded {
			names = append(names, paths[i])
		}
		add(k.ExcludeFromWeightDecay(names...))
	}
	make, ok := map[string]func(float64, ...k.OptimizerOption) k.Optimizer{
		"SGD": k.SGD, "Adam": k.Adam, "AdamW": k.AdamW, "Nadam": k.Nadam, "Adamax": k.Adamax, "Adagrad": k.Adagrad, "Adadelta": k.Adadelta, "RMSprop": k.RMSprop,
		"Lion": k.Lion, "Ftrl": k.Ftrl, "Lamb": k.Lamb, "Adafactor": k.Adafactor, "ScheduleFreeAdamW": k.ScheduleFreeAdamW, "Muon": k.Muon,
	}[r.Config.Class]
	if !ok {
		return nil, false, missing("optimizer " + r.Config.Class)
	}
	return make(rate, options...), scheduled, s.done()
}

func replayOptimizer(r *recordedCall) error {
	var weights []*numbers
	var list []recorded
	if err := json.Unmarshal(r.Weights, &list); err != nil {
		return err
	}
	d := given{}
	for i, v := range list {
		a := v.asArray()
		if a == nil {
			return impossible("too large to be recorded")
		}
		weights = append(weights, a)
		shape := a.Shape
		if len(shape) == 0 {
			shape = []int{1}
		}
		d.shapes, d.names = append(d.shapes, shape), append(d.names, fmt.Sprintf("weight%d_", i))
	}
	switch {
	case r.Overwrite:
		return missing("overwrite_with_gradient")
	case r.Other != "":
		return impossible(r.Other)
	}
	for _, c := range r.Limits {
		limit := k.Constraint{}
		if c != nil {
			var err error
			if limit, err = constraintOf(*c); err != nil {
				return err
			}
		}
		d.limit = append(d.limit, limit)
	}
	o, scheduled, err := optimizerOf(r, d.names)
	if err != nil {
		return err
	}
	m, err := d.model(o)
	if err != nil {
		return lacking(r.Config.Class, err)
	}
	own := m.Weights()
	set := func(values []*numbers) error {
		for i, a := range values {
			if err := own[i].Set(a.floats()); err != nil {
				return err
			}
		}
		return nil
	}
	if err := set(weights); err != nil {
		return err
	}
	rate := o.Rate()
	for i, step := range r.Steps {
		if step.Before != nil {
			var before []*numbers
			for _, b := range step.Before {
				before = append(before, b.asArray())
			}
			if err := set(before); err != nil {
				return err
			}
		}
		if !scheduled && float32(step.Rate) != float32(rate) {
			if err := m.SetLearningRate(step.Rate); err != nil {
				return fmt.Errorf("refused: %w", err)
			}
			rate = step.Rate
		}
		var gradients []*numbers
		for _, g := range step.Gradients {
			a := g.asArray()
			if a == nil {
				return impossible("gradient missing or sparse")
			}
			gradients = append(gradients, a)
		}
		if err := d.step(m, gradients); err != nil {
			return fmt.Errorf("refused: %w", err)
		}
		for j, want := range step.After {
			if err := compareFrom(fmt.Sprintf("step %d, weight %d", i+1, j), own[j].Values(), want.asArray(), largest(weights)); err != nil {
				return err
			}
		}
	}
	return nil
}

func constraintOf(c layerConfig) (k.Constraint, error) {
	s := settingsOf(c)
	axes := s.list("axis")
	var out k.Constraint
	switch c.Class {
	case "MaxNorm":
		out = k.MaxNorm(s.number("max_value", 2), axes...)
	case "MinMaxNorm":
		out = k.MinMaxNorm(s.number("min_value", 0), s.number("max_value", 1), s.number("rate", 1), axes...)
	case "Constraint": // which limits nothing
	case "NonNeg":
		out = k.NonNeg()
	case "UnitNorm":
		out = k.UnitNorm(axes...)
	default:
		return out, missing("constraint " + c.Class)
	}
	return out, s.done()
}

func replayConstraint(r *recordedCall) error {
	c, err := constraintOf(r.Config)
	if err != nil {
		return err
	}
	w := r.Args[0].asArray()
	want := r.Out.asArray()
	if w == nil || want == nil {
		return impossible("a constraint of no array")
	}
	d := given{shapes: [][]int{w.Shape}, names: []string{"w"}, limit: []k.Constraint{c}}
	m, err := d.model(k.SGD(0.1))
	if err != nil {
		return lacking(r.Config.Class, err)
	}
	if err := m.Weights()[0].Set(w.floats()); err != nil {
		return err
	}
	if err := d.step(m, []*numbers{{V: make([]number, len(w.V))}}); err != nil {
		return err
	}
	return compare("constrained", m.Weights()[0].Values(), want, tolerance)
}

func replayRegularizer(r *recordedCall) error {
	a := newArgs(json.RawMessage(`{}`), 3, nil, nil)
	text, err := json.Marshal(map[string]any{"class_name": r.Config.Class, "config": r.Config.Config})
	if err != nil {
		return err
	}
	a.raw["r"] = text
	reg := a.regularizer("r")
	if len(a.notes) > 0 {
		return missing("regularizer " + r.Config.Class)
	}
	w := r.Args[0].asArray()
	if w == nil {
		return impossible("a regularizer of no array")
	}
	if slices.Contains(w.Shape, 0) {
		return impossible("an axis of length 0")
	}
	shape := w.Shape
	if len(shape) == 0 {
		shape = []int{1}
	}
	d := given{shapes: [][]int{shape}, names: []string{"w"}, decay: []k.Regularizer{reg}}
	m, err := d.model(k.SGD(0.1))
	if err != nil {
		return lacking(r.Config.Class, err)
	}
	if err := m.Weights()[0].Set(w.floats()); err != nil {
		return err
	}
	x, err := k.NewArray(make([]float32, len(w.V)), 1, len(w.V))
	if err != nil {
		return err
	}
	y, err := k.NewArray([]float32{0}, 1, 1)
	if err != nil {
		return err
	}
	data, err := k.Data(x, y)
	if err != nil {
		return err
	}
	logs, err := m.Evaluate(context.Background(), data)
	if err != nil {
		return err
	}
	return compare("penalty", []float32{float32(logs.Get("loss"))}, r.Out.flat()[0], tolerance)
}

func replayInitializer(r *recordedCall) error {
	s := settingsOf(r.Config)
	var init k.Initializer
	switch r.Config.Class {
	case "Zeros":
		init = k.Zeros()
	case "Ones":
		init = k.Ones()
	case "Constant":
		if s.raw["value"][0] == '{' {
			return missing("Constant of an array")
		}
		init = k.Constant(s.number("value", 0))
	case "Identity", "IdentityInitializer":
		init = k.Identity(s.number("gain", 1))
	case "STFT", "STFTInitializer":
		return missing("initializer STFT")
	default:
		return impossible("random initializer")
	}
	if err := s.done(); err != nil {
		return err
	}
	want := r.Out.asArray()
	if want == nil {
		return impossible("an initializer of no array")
	}
	if want.Type == "bfloat16" {
		return impossible("bfloat16")
	}
	d := given{shapes: [][]int{want.Shape}, names: []string{"w"}, inits: []k.Initializer{init}}
	m, err := d.model(k.SGD(0.1))
	if err != nil {
		return lacking(r.Config.Class, err)
	}
	return compare("initial", slices.Clone(m.Weights()[0].Values()), want, tolerance)
}
