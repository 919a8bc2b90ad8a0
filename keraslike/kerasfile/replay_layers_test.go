// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
)

func init() { replayers["layer"] = replayLayer }

// masked gives its first input the mask that is its second input.
type masked struct{}

func (masked) Kind() string { return "masked" }

func (masked) Build(_ *k.Builder, in []k.Shape) (k.Shape, error) { return in[0], nil }

func (masked) Forward(s *k.Scope, in []*graph.Node) *graph.Node {
	s.SetMask(0, in[1])
	return in[0]
}

// trainable has a weight and gives its input.
type trainable struct{}

func (trainable) Kind() string { return "trainable" }

func (trainable) Build(b *k.Builder, in []k.Shape) (k.Shape, error) {
	b.Weight("w", k.Zeros(), k.Regularizer{}, 1)
	return in[0], nil
}

func (trainable) Forward(s *k.Scope, in []*graph.Node) *graph.Node {
	w := s.Do(graph.Sum(s.Weight("w")))
	return s.Do(graph.Add(in[0], s.Do(graph.BroadcastTo(w, in[0].Shape()...))))
}

// trainedByDefault are layers whose call is in training mode unless it says otherwise, besides those named Random....
var trainedByDefault = []string{"MixUp", "CutMix", "RandAugment", "AugMix", "Pipeline", "Solarization"}

// randomRates are arguments of layers whose output is random in training.
var randomRates = []string{"rate", "dropout", "recurrent_dropout", "stddev", "attention_dropout", "factor"}

// random reports whether a layer's output in training depends on random numbers.
func (c layerConfig) random() bool {
	if strings.HasPrefix(c.Class, "Random") || slices.Contains(trainedByDefault, c.Class) {
		return true
	}
	var rates map[string]any
	if json.Unmarshal(c.Config, &rates) != nil {
		return false
	}
	return hasRate(rates)
}

func hasRate(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for key, e := range v {
			if n, ok := e.(float64); ok && n != 0 && slices.Contains(randomRates, key) || hasRate(e) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, hasRate)
	}
	return false
}

// dtype returns what a configuration computes in if that is not float32, "" otherwise.
func (c layerConfig) dtype() string {
	var o struct {
		Type json.RawMessage `json:"dtype"`
		LoRA *int            `json:"lora_rank"`
		Q    json.RawMessage `json:"quantization_config"`
	}
	if json.Unmarshal(c.Config, &o) != nil {
		return ""
	}
	text := string(o.Type)
	for _, t := range []string{"bfloat16", "float16", "int8", "int4", "float8", "float64", "gptq", "awq"} {
		if strings.Contains(text, t) {
			return t
		}
	}
	if o.LoRA != nil {
		return "LoRA"
	}
	if len(o.Q) > 0 && string(o.Q) != "null" {
		return "quantization"
	}
	return ""
}

// excluded returns an error for what Reef leaves out: other types of numbers, quantization, LoRA.
func (r *recordedCall) excluded() error {
	switch t := r.Config.dtype(); t {
	case "":
	case "bfloat16", "float16", "float64":
		return impossible(t)
	default:
		return missing("LoRA and quantization")
	}
	if strings.Contains(string(r.Weights), "lora_") {
		return missing("LoRA and quantization")
	}
	return nil
}

// replayModel is a layer with inputs for what it was called with.
type replayModel struct {
	b        *builder
	inputs   []*k.Tensor
	values   []*numbers
	results  map[callRef]*k.Tensor
	training bool
}

// input adds an input of the model and returns Keras's JSON of a tensor.
func (m *replayModel) input(a *numbers, mask *numbers) json.RawMessage {
	name := fmt.Sprintf("in%d", len(m.results))
	shape := a.Shape
	if len(shape) > 0 {
		shape = shape[1:]
	}
	x := k.Input(shape...)
	if a.Type == "string" {
		x = k.StringInput(shape...)
	}
	m.inputs, m.values = append(m.inputs, x), append(m.values, a)
	if mask != nil {
		in := k.Input(mask.Shape[1:]...)
		m.inputs, m.values = append(m.inputs, in), append(m.values, mask)
		x = k.Custom(masked{}).Apply(x, in)
	}
	m.results[callRef{name, 0}] = x
	return json.RawMessage(fmt.Sprintf(`{"class_name":"__keras_tensor__","config":{"keras_history":[%q,0,0]}}`, name))
}

// argument returns Keras's JSON of an argument of a call; arrays become inputs.
func (m *replayModel) argument(r recorded, masks func() *numbers) (json.RawMessage, error) {
	switch v := r.v.(type) {
	case *numbers:
		if v.Large != nil {
			return nil, impossible("too large to be recorded")
		}
		return m.input(v, masks()), nil
	case []recorded:
		if a := r.asArray(); a != nil && len(v) > 0 {
			if _, tensors := v[0].v.(*numbers); !tensors {
				return m.input(a, masks()), nil
			}
		}
		var list []json.RawMessage
		for _, e := range v {
			one, err := m.argument(e, masks)
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
		return json.Marshal(list)
	case map[string]recorded:
		named := map[string]json.RawMessage{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			one, err := m.argument(v[name], masks)
			if err != nil {
				return nil, err
			}
			named[name] = one
		}
		return json.Marshal(named)
	case unknown:
		return nil, impossible("an argument that is a " + string(v))
	}
	return json.Marshal(r.v)
}

func maskList(list []recorded) func() *numbers {
	return func() *numbers {
		if len(list) == 0 {
			return nil
		}
		first := list[0]
		list = list[1:]
		return first.asArray()
	}
}

func replayLayer(r *recordedCall) error {
	c := r.Config
	if err := r.excluded(); err != nil {
		return err
	}
	if len(c.Config) == 0 {
		return impossible("configuration not recorded")
	}
	if c.Class == "Lambda" {
		return impossible("Python code of the test: Lambda")
	}
	own, err := ownRNN(c)
	if err != nil {
		return err
	}
	if name := pythonClass(c.Config, 0); name != "" && own == nil {
		return impossible("Python code of the test: " + name)
	}
	if c.Class == "GlobalAveragePooling1D" && len(r.Args) == 2 {
		r.Args, r.Kwargs = r.Args[:1], map[string]recorded{"mask": r.Args[1]}
	}
	if r.pictures() {
		in, out, err := r.picture()
		if err != nil {
			return err
		}
		r.Args, r.Out = []recorded{{in}}, recorded{out}
	}
	for _, a := range r.Args { // without elements
		if x := a.asArray(); x != nil && slices.Contains(x.Shape, 0) {
			return impossible("an axis of length 0")
		}
	}
	r.batched()
	training := false
	if v, ok := r.Kwargs["training"]; ok {
		b, _ := v.v.(bool)
		training = b
	}
	if picture := strings.HasPrefix(c.Class, "Random") || slices.Contains(trainedByDefault, c.Class); (training || picture && r.Kwargs["training"].v == nil) && c.random() {
		if r.Drawn != nil {
			return replayDrawn(r)
		}
		return impossible("random layer in training mode")
	}
	m := &replayModel{b: newBuilder(3, 1<<20), results: map[callRef]*k.Tensor{}, training: training}
	masks := maskList(r.Masks)
	kwargs := map[string]json.RawMessage{}
	given := maps.Clone(r.Kwargs)
	delete(given, "training")
	if c.Class == "GlobalAveragePooling1D" && given["mask"].v != nil && strings.Contains(string(c.Config), "channels_first") {
		return missing("GlobalAveragePooling1D channels_first with a mask")
	}
	if mask, ok := given["mask"]; ok {
		delete(given, "mask")
		var list []recorded
		switch v := mask.v.(type) {
		case *numbers:
			list = []recorded{mask}
		case []recorded:
			if a := mask.asArray(); a != nil && len(v) > 0 && !isNumbers(v[0]) {
				list = []recorded{{a}}
			} else {
				list = v
			}
		}
		if len(list) > 0 {
			masks = maskList(list)
		}
		if c.Class == "Softmax" && mask.v != nil {
			return replaySoftmax(r, mask.asArray())
		}
		for _, one := range list {
			if a := one.asArray(); a != nil && len(a.Shape) > 2 {
				return impossible("a mask of more axes than steps")
			}
		}
	}
	args := make([]json.RawMessage, 0, len(r.Args))
	for _, a := range r.Args {
		one, err := m.argument(a, masks)
		if err != nil {
			return err
		}
		args = append(args, one)
	}
	r.broadcastMask(given)
	none := maskList(nil)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		from := none
		if mask, ok := r.Named[name]; ok {
			from = maskList([]recorded{mask})
		} else if len(r.Args) == 0 {
			from = masks
		}
		one, err := m.argument(given[name], from)
		if err != nil {
			return err
		}
		kwargs[name] = one
	}
	if len(m.inputs) == 0 {
		return impossible("a call without arrays")
	}
	node, err := json.Marshal([]any{map[string]any{"args": args, "kwargs": kwargs}})
	if err != nil {
		return err
	}
	c.Name, c.Inbound = "layer", node
	var named struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(c.Config, &named) == nil && named.Name != "" {
		c.Name = named.Name
	}
	calls, err := callsOf(&c, m.b.look)
	if err != nil {
		return lacking(c.Class, err)
	}
	var x *k.Tensor
	switch in, _ := calls[0].inputs(m.results); {
	case own != nil:
		x = own.Apply(in...)
		err = x.Err()
	default:
		x, err = m.applied(&calls[0], r)
	}
	if err != nil {
		return lacking(c.Class, err)
	}
	return m.check(r, x)
}

// first gives the first of its inputs.
type first struct{}

func (first) Kind() string { return "first" }

func (first) Build(_ *k.Builder, in []k.Shape) (k.Shape, error) { return in[0], nil }

func (first) Forward(_ *k.Scope, in []*graph.Node) *graph.Node { return in[0] }

// applied makes the call; the reverse of an embedding wants that it is applied, too.
func (m *replayModel) applied(call *layerCall, r *recordedCall) (*k.Tensor, error) {
	made := map[string]k.Layer{}
	if !call.reversed() {
		return m.b.call(call, made, m.results, 0)
	}
	rows := r.Args[0].asArray().Shape[0]
	forward := &layerCall{layer: call.layer}
	if err := forward.take(m.input(&numbers{Shape: []int{rows, 1}, V: make([]number, rows)}, nil)); err != nil {
		return nil, err
	}
	table, err := m.b.call(forward, made, m.results, 0)
	if err != nil {
		return nil, err
	}
	x, err := m.b.call(call, made, m.results, 0)
	if err != nil {
		return nil, err
	}
	return k.Custom(first{}).Apply(x, table), nil
}

// batched gives one sample without a batch, which preprocessing layers of Keras take, a batch.
func (r *recordedCall) batched() {
	rank := map[string]int{
		"CategoryEncoding": 1, "CenterCrop": 3, "Resizing": 3, "RandomCrop": 3, "RandomFlip": 3, "RandomRotation": 3, "RandomZoom": 3,
		"RandomTranslation": 3, "RandomContrast": 3, "RandomBrightness": 3,
		"AutoContrast": 3, "Equalization": 3, "ContrastLimitedAdaptiveHistogramEqualization": 3, "Solarization": 3,
		"RandomColorDegeneration": 3, "RandomColorJitter": 3, "RandomErasing": 3, "RandomGaussianBlur": 3, "RandomGrayscale": 3, "RandomHue": 3,
		"RandomInvert": 3, "RandomPosterization": 3, "RandomSaturation": 3, "RandomSharpness": 3, "RandomShear": 3,
		"RandomPerspective": 3, "RandomElasticTransform": 3, "RandAugment": 3, "AugMix": 3,
	}[r.Config.Class]
	made := rank
	if r.Config.Class == "MelSpectrogram" { // of a signal
		rank, made = 1, 2
	}
	out := r.Out.asArray()
	if rank == 0 || len(r.Args) != 1 || out == nil || len(out.Shape) != made {
		return
	}
	if x := r.Args[0].asArray(); x != nil && len(x.Shape) == rank {
		r.Args = []recorded{{x.reshaped(append([]int{1}, x.Shape...)...)}}
		r.Out = recorded{out.reshaped(append([]int{1}, out.Shape...)...)}
	}
}

// pythonClass returns a class in a configuration that is defined by a test, or Lambda.
func pythonClass(raw json.RawMessage, depth int) string {
	var o map[string]json.RawMessage
	var list []json.RawMessage
	switch {
	case depth > 12:
	case json.Unmarshal(raw, &o) == nil:
		var c layerConfig
		if json.Unmarshal(raw, &c) == nil && c.Class != "" && len(c.Config) > 0 && (c.Class == "Lambda" || c.Class == "function" && string(c.Config) == `"custom_fn"` || strings.HasSuffix(c.Module, "_test") || c.Module != "" && !strings.HasPrefix(c.Module, "keras.") && c.Module != "keras" && c.Module != "builtins" || c.Module == "" && c.Registered != "" && c.Registered != c.Class) {
			return c.Class
		}
		for _, name := range slices.Sorted(maps.Keys(o)) {
			if found := pythonClass(o[name], depth+1); found != "" {
				return found
			}
		}
	case json.Unmarshal(raw, &list) == nil:
		for _, v := range list {
			if found := pythonClass(v, depth+1); found != "" {
				return found
			}
		}
	}
	return ""
}

// broadcastMask repeats an attention mask for each sample of the query.
func (r *recordedCall) broadcastMask(given map[string]recorded) {
	query, value := given["query"], given["value"]
	if len(r.Args) > 0 {
		query, value = r.Args[0], r.Args[0]
	}
	if len(r.Args) > 1 {
		value = r.Args[1]
	}
	mask, q, v := given["attention_mask"].asArray(), query.asArray(), value.asArray()
	if mask == nil || q == nil || v == nil || len(q.Shape) != 3 {
		return
	}
	full := &numbers{Shape: []int{q.Shape[0], q.Shape[1], v.Shape[1]}}
	values := mask.broadcast(full.Shape)
	if values == nil {
		return
	}
	for _, x := range values {
		full.V = append(full.V, number(x))
	}
	given["attention_mask"] = recorded{full}
}

// replaySoftmax has the mask as an input.
func replaySoftmax(r *recordedCall, mask *numbers) error {
	s := settingsOf(r.Config, "trainable")
	axes := s.list("axis")
	if err := s.done(); err != nil {
		return err
	}
	x := r.Args[0].asArray()
	if x == nil || mask == nil || mask.broadcast(x.Shape) == nil {
		return impossible("a mask of another shape")
	}
	full := &numbers{Shape: x.Shape}
	for _, v := range mask.broadcast(x.Shape) {
		full.V = append(full.V, number(v))
	}
	m := &replayModel{}
	a, b := k.Input(x.Shape[1:]...), k.Input(x.Shape[1:]...)
	m.inputs, m.values = []*k.Tensor{a, b}, []*numbers{x, full}
	if slices.Contains(axes, 0) {
		return impossible("an axis that is the batch")
	}
	return m.check(r, k.Activation(k.Softmax, k.Axis(axes...), k.MaskInput).Apply(a, b))
}

func isNumbers(r recorded) bool {
	_, ok := r.v.(*numbers)
	return ok
}

// lacking makes an error of Reef a missing part.
func lacking(class string, err error) error {
	text := err.Error()
	if i := strings.LastIndex(text, `": `); i >= 0 && strings.Contains(text[:i], class) {
		text = text[i+3:]
	}
	return missing(fmt.Sprintf("%s: %.160s", class, text))
}

// check sets the weights, computes the model and compares the results.
func (m *replayModel) check(r *recordedCall, x *k.Tensor) error {
	want := r.Out.flat()
	if len(want) == 0 {
		return impossible("no output")
	}
	var outputs []*k.Tensor
	for i := range want {
		outputs = append(outputs, x.Output(i))
		if err := outputs[i].Err(); err != nil {
			return lacking(r.Config.Class, err)
		}
	}
	model := r.carries()
	if model == nil {
		model = k.NewModel("replay", m.inputs, outputs)
		if err := model.Err(); err != nil {
			return lacking(r.Config.Class, err)
		}
		if err := model.Build(1); err != nil {
			return lacking(r.Config.Class, err)
		}
	}
	if strings.Contains(string(r.Config.Config), `"stateful":true`) {
		carried[r.name()] = model
	}
	if err := r.setWeights(model); err != nil {
		return err
	}
	arrays, err := m.arrays()
	if err != nil {
		return err
	}
	if m.training {
		return m.checkTraining(r, model, arrays)
	}
	got, err := model.PredictAll(arrays...)
	if err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	for i, w := range want {
		if w.Large != nil {
			return impossible("too large to be recorded")
		}
		if len(w.Shape) > 0 && !slices.Equal(got[i].Shape(), w.Shape) {
			return fmt.Errorf("output %d has shape %v, want %v", i, got[i].Shape(), w.Shape)
		}
		if err := compare(fmt.Sprintf("output %d", i), got[i].Values(), w, tolerance); err != nil {
			return err
		}
	}
	if text := string(r.Config.Config); strings.Contains(r.Config.Class+text, "BatchNormalization") || strings.Contains(r.Config.Class+text, "SpectralNormalization") || r.Config.random() {
		return nil // trains another function
	}
	if len(r.Losses) > 0 {
		return m.checkPenalties(r, model, arrays)
	}
	if r.Gradients != nil && carried[r.name()] == nil && !restrained.Match(r.Config.Config) {
		return m.checkGradients(r, model, arrays)
	}
	return nil
}

// restrained matches arguments that change weights after an update, or gradients.
var restrained = regexp.MustCompile(`_(constraint|regularizer)": ?[{"]`)

// carried are the models of stateful layers of a test, by the names of the layers.
var carried map[string]*k.Model

func (r *recordedCall) name() string {
	var c struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(r.Config.Config, &c) != nil {
		return ""
	}
	return c.Name
}

// carries returns the model of an earlier record whose states go on, nil if there is none or they were
// reset. The integers among the states are seeds of random numbers.
func (r *recordedCall) carries() *k.Model {
	for _, s := range r.States {
		if a := s.asArray(); a != nil && strings.HasPrefix(a.Type, "float") && largest([]*numbers{a}) != 0 {
			return carried[r.name()]
		}
	}
	return nil
}

// coefficients are those of the recorder, for the outputs.
func coefficients(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32((i*7)%11-5) / 5
	}
	return out
}

// product is the loss Σ p·t.
func product() k.Loss {
	return k.CustomLoss("product", func(p, t *graph.Node) (*graph.Node, error) {
		var try graph.Try
		return try.Do(graph.Sum(try.Do(graph.Mul(p, t)))), try.Err()
	})
}

// compile compiles the model with the loss Σ p·t for each output.
func (m *replayModel) compile(model *k.Model, rate float64) error {
	losses := slices.Repeat([]k.Loss{product()}, len(model.Outputs()))
	loss := losses[0]
	if len(losses) > 1 {
		loss = k.Losses(losses...)
	}
	return model.Compile(k.SGD(rate), loss)
}

// checkGradients compares the gradients of the weights.
func (m *replayModel) checkGradients(r *recordedCall, model *k.Model, arrays []*k.Array) error {
	for _, x := range arrays {
		if x.Strings() != nil {
			return nil
		}
	}
	if err := m.compile(model, 1); err != nil {
		return lacking(r.Config.Class, err)
	}
	var in, targets []graph.Value
	for _, x := range arrays {
		in = append(in, x.Tensor())
	}
	for _, w := range r.Out.flat() {
		y, err := k.NewArray(coefficients(len(w.V)), w.Shape...)
		if err != nil {
			return err
		}
		targets = append(targets, y.Tensor())
	}
	var weights []*k.Weight
	var before [][]float32
	scale := 0.0
	for _, w := range r.ordered {
		if !w.IsState() {
			weights = append(weights, w)
			before = append(before, slices.Clone(w.Values()))
			for _, v := range w.Values() {
				scale = max(scale, math.Abs(float64(v)))
			}
		}
	}
	for _, g := range r.Gradients {
		if a := g.asArray(); a != nil {
			scale = max(scale, largest([]*numbers{a}))
		}
	}
	if len(weights) != len(r.Gradients) {
		return nil // some are frozen, or joined
	}
	if _, err := model.TrainOnBatchOf(in, targets, nil); err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	for i, g := range r.Gradients {
		want := g.asArray()
		if want == nil {
			continue
		}
		got := make([]float32, len(before[i]))
		for j, v := range weights[i].Values() {
			got[j] = before[i][j] - v
		}
		if len(got) != len(want.V) || !slices.Equal(weights[i].Shape(), want.Shape) {
			return nil // another layout
		}
		if err := compareFrom("gradient of "+weights[i].Name(), got, want, scale); err != nil {
			return err
		}
	}
	return nil
}

// checkPenalties compares the sum of the penalties.
func (m *replayModel) checkPenalties(r *recordedCall, model *k.Model, arrays []*k.Array) error {
	if err := m.compile(model, 1); err != nil {
		return lacking(r.Config.Class, err)
	}
	var targets []*k.Array
	for _, w := range r.Out.flat() {
		y, err := k.NewArray(make([]float32, len(w.V)), w.Shape...)
		if err != nil {
			return err
		}
		targets = append(targets, y)
	}
	data, err := k.MultiData(arrays, targets)
	if err != nil {
		return err
	}
	logs, err := model.Evaluate(context.Background(), data)
	if err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	sum := 0.0
	for _, v := range r.Losses {
		sum += v
	}
	err = compare("penalties", []float32{float32(logs.Get("loss"))}, &numbers{V: []number{number(sum)}}, tolerance)
	if err != nil && len(m.b.notes) > 0 {
		return missing(fmt.Sprintf("%.120s", m.b.notes[0]))
	}
	return err
}

// checkTraining compares the outputs in training, the states after it and, if they were recorded,
// the gradients of the weights: the loss is the sum of the outputs, each number times its
// coefficient, and the rate of the only step is 1.
func (m *replayModel) checkTraining(r *recordedCall, model *k.Model, arrays []*k.Array) error {
	if _, trained := model.Parameters(); trained == 0 {
		var outputs []*k.Tensor
		for _, x := range model.Outputs() {
			outputs = append(outputs, k.Custom(trainable{}).Apply(x))
		}
		all := k.NewModel("replay", model.Inputs(), outputs)
		if err := all.Build(1); err != nil {
			return err
		}
		model = all
	}
	var losses []k.Loss
	for range model.Outputs() {
		losses = append(losses, prediction())
	}
	loss := losses[0]
	if len(losses) > 1 {
		loss = k.Losses(losses...)
	}
	if err := model.Compile(k.SGD(1e-12), loss); err != nil {
		return lacking(r.Config.Class, err)
	}
	var in, targets []graph.Value
	for _, x := range arrays {
		if x.Strings() != nil {
			return impossible("strings in training")
		}
		in = append(in, x.Tensor())
	}
	want := r.Out.flat()
	for _, w := range want {
		if w.Large != nil {
			return impossible("too large to be recorded")
		}
		y, err := k.NewArray(make([]float32, len(w.V)), w.Shape...)
		if err != nil {
			return err
		}
		targets = append(targets, y.Tensor())
	}
	result, err := model.TrainOnBatchOf(in, targets, nil)
	if err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	for i, w := range want {
		if err := compare(fmt.Sprintf("output %d in training", i), result.Outputs[i], w, tolerance); err != nil {
			return err
		}
	}
	var states []*k.Weight
	for _, w := range model.Weights() {
		if w.IsState() {
			states = append(states, w)
		}
	}
	if len(states) != len(r.After) {
		return nil // states of random numbers
	}
	for i, w := range r.After {
		if err := compare(fmt.Sprintf("state %d after training", i), states[i].Values(), w.asArray(), tolerance); err != nil {
			return err
		}
	}
	return nil
}

func (m *replayModel) arrays() (list []*k.Array, err error) {
	for _, a := range m.values {
		shape := a.Shape
		if len(shape) == 0 {
			return nil, impossible("an input without a batch")
		}
		if a.Type == "string" {
			x, err := k.Strings(a.text, shape...)
			if err != nil {
				return nil, err
			}
			list = append(list, x)
			continue
		}
		x, err := k.NewArray(a.floats(), shape...)
		if err != nil {
			return nil, impossible(fmt.Sprintf("an array of shape %v", shape))
		}
		list = append(list, x)
	}
	return list, nil
}
