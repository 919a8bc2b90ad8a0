// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
)

func init() {
	replayers["loss"] = replayLoss
	replayers["loss_function"] = replayLossFunction
	replayers["metric"] = replayMetric
	replayers["metric_function"] = func(r *recordedCall) error { return impossible("a function behind a metric: " + r.Name) }
}

// settings reads a configuration of a loss, metric or optimizer; what is not read is missing.
type settings struct {
	args
	class     string
	reduction []k.LossOption
}

func settingsOf(c layerConfig, without ...string) *settings {
	s := &settings{args: *newArgs(c.Config, 3, nil, nil), class: c.Class}
	for _, name := range append(without, "name", "dtype") {
		delete(s.raw, name)
	}
	return s
}

func (s *settings) done() error {
	if err := s.finish(); err != nil {
		return missing(s.class + ": " + err.Error())
	}
	return nil
}

func (s *settings) axis(absent int) []k.ScoreOption {
	axes := s.list("axis")
	if len(axes) == 0 || len(axes) == 1 && axes[0] == absent {
		return nil
	}
	return []k.ScoreOption{k.AlongAxis(axes...)}
}

var plainLosses = map[string]k.LossFunc{
	"MeanSquaredError": k.MeanSquaredError, "MeanAbsoluteError": k.MeanAbsoluteError, "MeanAbsolutePercentageError": k.MeanAbsolutePercentageError,
	"MeanSquaredLogarithmicError": k.MeanSquaredLogarithmicError, "Hinge": k.Hinge, "SquaredHinge": k.SquaredHinge, "CategoricalHinge": k.CategoricalHinge,
	"LogCosh": k.LogCosh, "LogCoshError": k.LogCosh, "KLDivergence": k.KLDivergence, "Poisson": k.Poisson,
}

// lossOf returns Reef's loss.
func lossOf(s *settings, length int) (k.Loss, error) {
	if s.class == "LossFunctionWrapper" { // of a function
		var fn object
		var name string
		s.take("fn", &fn)
		if json.Unmarshal(fn.Config, &name) != nil || functionClasses[name] == "" {
			return nil, missing("loss of the function " + name)
		}
		s.class = functionClasses[name]
	}
	options := s.reduction
	if l, ok := plainLosses[s.class]; ok {
		if len(options) > 0 {
			return l.With(options...), s.done()
		}
		return l, s.done()
	}
	add := func(o ...k.ScoreOption) {
		for _, one := range o {
			options = append(options, one)
		}
	}
	logits := func() {
		if s.flag("from_logits", false) {
			options = append(options, k.FromLogits)
		}
		if v := s.number("label_smoothing", 0); v != 0 {
			options = append(options, k.LabelSmoothing(v))
		}
	}
	var l k.Loss
	switch s.class {
	case "CosineSimilarity":
		add(s.axis(-1)...)
		l = k.CosineSimilarity.With(options...)
	case "Huber":
		l = k.Huber(s.number("delta", 1), options...)
	case "BinaryCrossentropy":
		logits()
		add(s.axis(-1)...)
		l = k.BinaryCrossentropy.With(options...)
	case "CategoricalCrossentropy":
		logits()
		add(s.axis(-1)...)
		l = k.CategoricalCrossentropy.With(options...)
	case "SparseCategoricalCrossentropy":
		logits()
		add(s.axis(-1)...)
		var class int
		if s.take("ignore_class", &class) {
			options = append(options, k.IgnoreClass(class))
		}
		l = k.SparseCategoricalCrossentropy.With(options...)
	case "BinaryFocalCrossentropy":
		logits()
		add(s.axis(-1)...)
		options = append(options, k.FocalAlpha(s.number("alpha", 0.25)), k.FocalGamma(s.number("gamma", 2)))
		if s.flag("apply_class_balancing", false) {
			options = append(options, k.ClassBalancing)
		}
		l = k.BinaryFocalCrossentropy(options...)
	case "CategoricalFocalCrossentropy":
		logits()
		add(s.axis(-1)...)
		options = append(options, k.FocalAlpha(s.number("alpha", 0.25)), k.FocalGamma(s.number("gamma", 2)))
		l = k.CategoricalFocalCrossentropy(options...)
	case "CategoricalGeneralizedCrossEntropy":
		l = k.CategoricalGeneralizedCrossEntropy(s.number("q", 0.5), options...)
	case "Dice":
		add(s.axis(99)...)
		l = k.Dice(options...)
	case "Tversky":
		add(s.axis(99)...)
		l = k.Tversky(s.number("alpha", 0.5), s.number("beta", 0.5), options...)
	case "Circle":
		options = append(options, k.CircleGamma(s.number("gamma", 80)), k.CircleMargin(s.number("margin", 0.4)))
		if !s.flag("remove_diagonal", true) {
			options = append(options, k.KeepDiagonal)
		}
		l = k.Circle(options...)
	case "CTC":
		l = k.CTC(length, options...)
	default:
		return nil, missing("loss " + s.class)
	}
	return l, s.done()
}

// rowsOf computes a loss for each row, of its prediction and target.
type rowsOf struct {
	loss  k.Loss
	shape []int // of the result, without the batch
}

func (rowsOf) Kind() string { return "rowsOf" }

func (d rowsOf) Build(_ *k.Builder, in []k.Shape) (k.Shape, error) { return d.shape, nil }

func (d rowsOf) Forward(s *k.Scope, in []*graph.Node) *graph.Node {
	rows := s.Do(d.loss.Rows(in[0], nil, in[1]))
	return s.Do(graph.Reshape(rows, append([]int{s.Batch()}, d.shape...)...))
}

// pairOf returns target and prediction as arrays of one rank, and the weights.
func pairOf(r *recordedCall) (target, prediction, weights *numbers, err error) {
	all := slices.Clone(r.Args)
	for _, name := range []string{"y_true", "y_pred", "sample_weight"} {
		if v, ok := r.Kwargs[name]; ok {
			all = append(all, v)
		}
	}
	for i, a := range all {
		switch v := a.asArray(); {
		case v == nil && a.v != nil:
			return nil, nil, nil, impossible(fmt.Sprintf("argument %d is %T of numbers that are no array", i, a.v))
		case i == 0:
			target = v
		case i == 1:
			prediction = v
		case i == 2:
			weights = v
		}
	}
	if target == nil || prediction == nil {
		return nil, nil, nil, impossible("no pair of target and prediction")
	}
	return target, prediction, weights, nil
}

func (a *numbers) reshaped(shape ...int) *numbers {
	b := *a
	b.Shape = shape
	return &b
}

func sizeOf(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func replayLoss(r *recordedCall) error {
	return lossValue(r, settingsOf(r.Config))
}

func lossValue(r *recordedCall, s *settings) error {
	target, prediction, weights, err := pairOf(r)
	if err != nil {
		return err
	}
	reduction := "none"
	s.take("reduction", &reduction)
	switch reduction {
	case "sum":
		s.reduction = []k.LossOption{k.SumReduction}
	case "mean_with_sample_weight":
		s.reduction = []k.LossOption{k.WeightedMeanReduction}
	}
	length := 1
	if len(target.Shape) > 1 {
		length = target.Shape[1]
	}
	loss, err := lossOf(s, length)
	if err != nil {
		return err
	}
	want := r.Out.flat()[0]
	if len(prediction.Shape) == 1 {
		n := prediction.Shape[0]
		if weights == nil || sizeOf(weights.Shape) == 1 {
			prediction = prediction.reshaped(1, n)
			if sizeOf(target.Shape) == n {
				target = target.reshaped(1, n)
			}
		} else {
			prediction = prediction.reshaped(n, 1)
		}
	}
	targetShape, err := loss.Target(prediction.Shape[1:])
	if err != nil {
		return lacking(s.class, err)
	}
	if full := append([]int{prediction.Shape[0]}, targetShape...); sizeOf(full) == sizeOf(target.Shape) {
		target = target.reshaped(full...)
	}
	if reduction == "none" && len(r.Masks) == 0 {
		return lossRows(loss, target, prediction, weights, want, s.class)
	}
	if reduction == "none" {
		return impossible("reduction none with masks")
	}
	return lossMean(r, loss, target, prediction, weights, want, s.class)
}

// lossRows compares what Loss.Rows gives, times the weights, which Keras multiplies by.
func lossRows(loss k.Loss, target, prediction, weights, want *numbers, class string) error {
	shape := want.Shape
	if len(shape) > 0 {
		shape = shape[1:]
	}
	p, t := k.Input(prediction.Shape[1:]...), k.Input(target.Shape[1:]...)
	out := k.Custom(rowsOf{loss: loss, shape: shape}).Apply(p, t)
	m := k.NewModel("rows", []*k.Tensor{p, t}, []*k.Tensor{out})
	if err := m.Err(); err != nil {
		return lacking(class, err)
	}
	if err := m.Build(1); err != nil {
		return lacking(class, err)
	}
	x, err := arraysOf(prediction, target)
	if err != nil {
		return err
	}
	got, err := m.PredictAll(x...)
	if err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	rows := got[0].Values()
	if weights != nil {
		factors := weights.reshaped(squeezed(weights.Shape)...).broadcastFirst(want.Shape)
		if factors == nil {
			return impossible("weights of another shape")
		}
		for i, f := range factors {
			rows[i] *= f
		}
	}
	return compare("rows", rows, want, tolerance)
}

func arraysOf(list ...*numbers) (out []*k.Array, err error) {
	for _, a := range list {
		x, err := k.NewArray(a.floats(), a.Shape...)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// spread gives each sample its weight: one for all, one for each, or rows become samples.
func spread(target, prediction, weights *numbers) (t, p *numbers, w []float32, err error) {
	if weights == nil {
		return target, prediction, nil, nil
	}
	n := prediction.Shape[0]
	values := weights.floats()
	switch size := len(values); {
	case size == 1:
		return target, prediction, slices.Repeat(values, n), nil
	case size == n && weights.Shape[0] == n:
		return target, prediction, values, nil
	case len(weights.Shape) <= len(prediction.Shape) && sizeOf(prediction.Shape)%size == 0 && sizeOf(target.Shape)%size == 0 && slices.Equal(squeezed(weights.Shape), squeezed(prediction.Shape[:len(squeezed(weights.Shape))])):
		return target.reshaped(size, sizeOf(target.Shape)/size), prediction.reshaped(size, sizeOf(prediction.Shape)/size), values, nil
	}
	if full := weights.broadcast(prediction.Shape); full != nil && sizeOf(target.Shape) == sizeOf(prediction.Shape) {
		size := len(full)
		return target.reshaped(size, 1), prediction.reshaped(size, 1), full, nil
	}
	return nil, nil, nil, missing(fmt.Sprintf("weights of shape %v for predictions of shape %v", weights.Shape, prediction.Shape))
}

// squeezed omits a last axis of length 1.
func squeezed(shape []int) []int {
	if n := len(shape); n > 0 && shape[n-1] == 1 {
		return shape[:n-1]
	}
	return shape
}

func lossMean(r *recordedCall, loss k.Loss, target, prediction, weights, want *numbers, class string) error {
	target, prediction, w, err := spread(target, prediction, weights)
	if err != nil {
		return err
	}
	in := k.Input(prediction.Shape[1:]...)
	inputs, x := []*k.Tensor{in}, k.Activation(k.Linear).Apply(in)
	values := []*numbers{prediction}
	for _, m := range r.Masks {
		if a := m.asArray(); a != nil {
			mask := k.Input(a.Shape[1:]...)
			inputs, values = append(inputs, mask), append(values, a)
			x = k.Custom(masked{}).Apply(x, mask)
		}
	}
	m := k.NewModel("loss", inputs, []*k.Tensor{x})
	if err := m.Compile(k.SGD(0.01), loss); err != nil {
		return lacking(class, err)
	}
	arrays, err := arraysOf(values...)
	if err != nil {
		return err
	}
	targets, err := arraysOf(target)
	if err != nil {
		return err
	}
	source, err := k.MultiData(arrays, targets)
	if err != nil {
		return err
	}
	if w != nil {
		if source, err = k.Weighted(source, w); err != nil {
			return err
		}
	}
	logs, err := m.Evaluate(context.Background(), source)
	if err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	return compare("loss", []float32{float32(logs.Get("loss"))}, want, tolerance)
}

// functionClasses are the classes of Keras's loss functions.
var functionClasses = map[string]string{
	"mean_squared_error": "MeanSquaredError", "mean_absolute_error": "MeanAbsoluteError", "binary_crossentropy": "BinaryCrossentropy",
	"categorical_crossentropy": "CategoricalCrossentropy", "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy", "circle": "Circle",
}

func replayLossFunction(r *recordedCall) error {
	class := functionClasses[r.Name]
	if class == "" {
		return missing("loss function " + r.Name)
	}
	raw := map[string]json.RawMessage{}
	rest := map[string]recorded{}
	for _, name := range slices.Sorted(maps.Keys(r.Kwargs)) {
		v := r.Kwargs[name]
		if name == "y_true" || name == "y_pred" {
			rest[name] = v
			continue
		}
		if isNumbers(v) {
			return missing(r.Name + ": " + name)
		}
		text, err := json.Marshal(v.v)
		if err != nil {
			return err
		}
		raw[name] = text
	}
	text, err := json.Marshal(raw)
	if err != nil {
		return err
	}
	s := settingsOf(layerConfig{Class: class, Config: text})
	c := *r
	c.Kwargs = rest
	return lossValue(&c, s)
}

// metricOf returns Reef's metric.
func metricOf(s *settings) (k.Metric, error) {
	var options []k.MetricOption
	add := func(o ...k.MetricOption) { options = append(options, o...) }
	floats := func(name string) (list []float64) {
		var raw json.RawMessage
		if !s.take(name, &raw) {
			return nil
		}
		var one float64
		if json.Unmarshal(raw, &one) == nil {
			return []float64{one}
		}
		var o struct {
			Config struct {
				Value []float64 `json:"value"`
			} `json:"config"`
		}
		if json.Unmarshal(raw, &list) != nil && json.Unmarshal(raw, &o) == nil {
			list = o.Config.Value
		}
		return list
	}
	threshold := func(name string) {
		if list := floats(name); list != nil {
			add(k.Threshold(list...))
		}
	}
	class := func() {
		var id int
		if s.take("class_id", &id) {
			add(k.ClassID(id))
		}
	}
	along := func() {
		for _, o := range s.axis(-1) {
			add(o)
		}
	}
	at := func() {
		class()
		if n := s.whole("num_thresholds", 200); n != 200 {
			add(k.Thresholds(n))
		}
	}
	iou := func(sparse bool) {
		var ignore int
		if s.take("ignore_class", &ignore) {
			add(k.IgnoreClass(ignore))
		}
		along()
		if !s.flag("sparse_y_true", true) {
			add(k.OneHotTargets)
		}
		switch p := s.flag("sparse_y_pred", sparse); {
		case sparse && !p:
			add(k.OneHotPredictions)
		case !sparse && p:
			add(k.SparsePredictions)
		}
	}
	targets := func() []int { return s.list("target_class_ids") }
	var m k.Metric
	switch s.class {
	case "Accuracy":
		m = k.ExactAccuracy
	case "BinaryAccuracy":
		m = k.BinaryAccuracyAt(s.number("threshold", 0.5))
	case "CategoricalAccuracy":
		m = k.CategoricalAccuracy
	case "SparseCategoricalAccuracy":
		m = k.SparseCategoricalAccuracy
	case "TopKCategoricalAccuracy":
		m = k.TopKCategoricalAccuracy(s.whole("k", 5))
	case "SparseTopKCategoricalAccuracy":
		if s.flag("from_sorted_ids", false) {
			add(k.FromSortedIDs)
		}
		m = k.SparseTopKCategoricalAccuracy(s.whole("k", 5), options...)
	case "TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives":
		threshold("thresholds")
		m = map[string]func(...k.MetricOption) k.Metric{"TruePositives": k.TruePositives, "TrueNegatives": k.TrueNegatives, "FalsePositives": k.FalsePositives, "FalseNegatives": k.FalseNegatives}[s.class](options...)
	case "Precision", "Recall":
		threshold("thresholds")
		class()
		var top int
		if s.take("top_k", &top) {
			add(k.TopK(top))
		}
		m = map[string]func(...k.MetricOption) k.Metric{"Precision": k.Precision, "Recall": k.Recall}[s.class](options...)
	case "SensitivityAtSpecificity":
		at()
		m = k.SensitivityAtSpecificity(s.number("specificity", 0), options...)
	case "SpecificityAtSensitivity":
		at()
		m = k.SpecificityAtSensitivity(s.number("sensitivity", 0), options...)
	case "PrecisionAtRecall":
		at()
		m = k.PrecisionAtRecall(s.number("recall", 0), options...)
	case "RecallAtPrecision":
		at()
		m = k.RecallAtPrecision(s.number("precision", 0), options...)
	case "AUC":
		add(k.AUCCurve(s.text("curve", "ROC")), k.AUCSummation(s.text("summation_method", "interpolation")))
		n := s.whole("num_thresholds", 200)
		if list := floats("thresholds"); list != nil {
			add(k.Threshold(list...))
		} else {
			add(k.Thresholds(n))
		}
		if s.flag("multi_label", false) {
			add(k.MultiLabel)
		}
		if list := floats("label_weights"); list != nil {
			add(k.LabelWeights(list...))
		}
		if s.flag("from_logits", false) {
			add(k.FromLogits)
		}
		m = k.AUC(options...)
	case "ConcordanceCorrelation":
		along()
		m = k.ConcordanceCorrelation(options...)
	case "PearsonCorrelation":
		along()
		m = k.PearsonCorrelation(options...)
	case "FBetaScore", "F1Score":
		if average := s.text("average", ""); average != "" {
			add(k.ClassAverage(average))
		}
		threshold("threshold")
		m = k.FBetaScore(s.number("beta", 1), options...)
	case "IoU":
		iou(true)
		m = k.IoU(s.count("num_classes"), targets(), options...)
	case "MeanIoU":
		iou(true)
		m = k.MeanIoU(s.count("num_classes"), options...)
	case "BinaryIoU":
		threshold("threshold")
		if list := targets(); list != nil {
			add(k.TargetClasses(list...))
		}
		m = k.BinaryIoU(options...)
	case "OneHotIoU":
		iou(false)
		m = k.OneHotIoU(s.count("num_classes"), targets(), options...)
	case "OneHotMeanIoU":
		iou(false)
		m = k.OneHotMeanIoU(s.count("num_classes"), options...)
	case "CosineSimilarity":
		along()
		m = k.Cosine(options...)
	case "RootMeanSquaredError":
		m = k.RMSE
	case "Sum":
		m = k.Sum
	case "Mean":
		m = k.Mean
	case "R2Score":
		if average := s.text("class_aggregation", ""); average != "" {
			add(k.OutputAverage(average))
		}
		if n := s.whole("num_regressors", 0); n != 0 {
			add(k.Regressors(n))
		}
		m = k.R2Score(options...)
	case "MeanMetricWrapper":
		delete(s.raw, "fn")
		m = k.CustomRowMetric("mse", func(p, t []float32) float64 {
			sum := 0.0
			for i := range p {
				sum += float64(p[i]-t[i]) * float64(p[i]-t[i])
			}
			return sum / float64(len(p))
		})
	default:
		l, err := lossOf(s, 1)
		if err != nil {
			return nil, missing("metric " + s.class)
		}
		m = k.LossMetric(l)
	}
	return m, s.done()
}

func replayMetric(r *recordedCall) error {
	if len(r.Updates) == 0 {
		return impossible("a metric without samples")
	}
	s := settingsOf(r.Config)
	_, rows := s.raw["top_k"]
	rows = rows && string(s.raw["top_k"]) != "null"
	m, err := metricOf(s)
	if err != nil {
		return err
	}
	var measurement k.Measurement
	for i := range r.Updates {
		if s.class == "Sum" || s.class == "Mean" {
			u := &r.Updates[i]
			if v, ok := u.Kwargs["values"]; ok {
				u.Args = append([]recorded{v}, u.Args...)
				delete(u.Kwargs, "values")
			}
			if len(u.Args) > 0 {
				u.Args = append([]recorded{u.Args[0]}, u.Args...)
			}
		}
		target, prediction, weights, err := pairOf(&r.Updates[i])
		if err != nil {
			return err
		}
		measurement, err = addTo(m, measurement, s.class, rows, target, prediction, weights)
		if err != nil {
			return err
		}
	}
	want := r.Out.flat()
	if len(want) == 0 {
		return impossible("no result")
	}
	all := &numbers{}
	for _, w := range want {
		all.V = append(all.V, w.V...)
	}
	got := []float32{float32(measurement.Value())}
	if v, ok := measurement.(k.VectorMeasurement); ok && (len(all.V) > 1 || len(v.Values()) == 1) {
		got = got[:0]
		for _, x := range v.Values() {
			got = append(got, float32(x))
		}
	}
	return compare(s.class, got, all, tolerance)
}

// addTo adds samples to a measurement, which it begins at first. rows is set if the metric ranks the
// elements of a row.
func addTo(m k.Metric, to k.Measurement, class string, rows bool, target, prediction, weights *numbers) (k.Measurement, error) {
	switch {
	case len(prediction.Shape) == 0:
		prediction = prediction.reshaped(1, 1)
	case len(prediction.Shape) == 1:
		if rows || slices.Contains([]string{"SparseCategoricalAccuracy", "CategoricalAccuracy"}, class) {
			prediction = prediction.reshaped(1, prediction.Shape[0])
		} else {
			prediction = prediction.reshaped(prediction.Shape[0], 1)
		}
	}
	if n, last := sizeOf(target.Shape), prediction.Shape[len(prediction.Shape)-1]; class == "SparseCategoricalAccuracy" && n*last == sizeOf(prediction.Shape) {
		target, prediction = target.reshaped(n), prediction.reshaped(n, last)
	}
	if s := squeezed(target.Shape); len(s) < len(target.Shape) && len(s) > 1 && slices.Equal(s, prediction.Shape[:len(prediction.Shape)-1]) {
		target = target.reshaped(s...)
	}
	if sizeOf(target.Shape) == sizeOf(prediction.Shape) {
		target = target.reshaped(prediction.Shape...)
	} else if len(target.Shape) < 2 {
		target = target.reshaped(prediction.Shape[0], max(1, sizeOf(target.Shape)/prediction.Shape[0]))
	}
	var w []float32
	var err error
	if rows && weights != nil && sizeOf(weights.Shape) == sizeOf(prediction.Shape) { // of the elements of rows, which stay whole
		w = weights.floats()
	} else if target, prediction, w, err = spread(target, prediction, weights); err != nil {
		return nil, err
	}
	if _, err := m.Begin(prediction.Shape[1:], target.Shape[1:]); err != nil && len(target.Shape) > 1 && target.Shape[len(target.Shape)-1] == 1 {
		target = target.reshaped(target.Shape[:len(target.Shape)-1]...)
	}
	if to == nil {
		if to, err = m.Begin(prediction.Shape[1:], target.Shape[1:]); err != nil {
			return nil, lacking(class, err)
		}
	}
	if checked, ok := to.(interface {
		Check(prediction, target []float32) error
	}); ok {
		if err := checked.Check(prediction.floats(), target.floats()); err != nil {
			return nil, fmt.Errorf("refused: %w", err)
		}
	}
	n := prediction.Shape[0]
	if w == nil {
		to.Add(n, prediction.floats(), target.floats())
		return to, nil
	}
	weighted, ok := to.(k.WeightedMeasurement)
	if !ok {
		return nil, errors.New("does not support weights")
	}
	weighted.AddWeighted(max(n, len(w)), prediction.floats(), target.floats(), w)
	return to, nil
}

// broadcastFirst returns the values repeated along the axes of a shape that they lack.
func (a *numbers) broadcastFirst(shape []int) []float32 {
	if len(a.Shape) == 0 {
		return slices.Repeat(a.floats(), sizeOf(shape))
	}
	for len(a.Shape) < len(shape) {
		a = a.reshaped(append(slices.Clone(a.Shape), 1)...)
	}
	return a.broadcast(shape)
}

// broadcast returns the values repeated to a shape as in numpy, nil if they do not fit.
func (a *numbers) broadcast(shape []int) []float32 {
	if len(a.Shape) > len(shape) {
		return nil
	}
	from := append(slices.Repeat([]int{1}, len(shape)-len(a.Shape)), a.Shape...)
	for i, n := range from {
		if n != 1 && n != shape[i] {
			return nil
		}
	}
	values := a.floats()
	out := make([]float32, sizeOf(shape))
	for i := range out {
		at, rest, size := 0, i, len(out)
		for axis, n := range shape {
			size /= n
			j := rest / size
			rest %= size
			at *= from[axis]
			if from[axis] > 1 {
				at += j
			}
		}
		out[i] = values[at]
	}
	return out
}
