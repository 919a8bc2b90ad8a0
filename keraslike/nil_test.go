// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/callbacks"
)

// noContext is nil, as a user may pass it.
var noContext context.Context

// Nothing where something is wanted is a mistake that says so.
func TestNilArguments(t *testing.T) {
	var noModel *keraslike.Model
	var noTensor *tensor.Dense
	var noSource *rudeSource
	var noCallback *ownCallback
	data, ctx := toyData(t, 20, 1), t.Context()
	fit := func(d keraslike.Samples, o ...keraslike.FitOption) error {
		_, err := toyModel(t).Fit(ctx, d, o...)
		return err
	}
	build := func(parts ...keraslike.Part) error {
		return keraslike.Sequential("m", append([]keraslike.Part{keraslike.Input(8, 8, 1)}, parts...)...).Build(0)
	}
	compile := func(o keraslike.Optimizer, l keraslike.Loss, options ...keraslike.CompileOption) error {
		m := keraslike.Sequential("m", keraslike.Input(4), keraslike.Dense(2, keraslike.Softmax))
		return m.Compile(o, l, options...)
	}
	second := func(_ any, err error) error { return err }
	third := func(_, _ any, err error) error { return err }
	sgd, mse := keraslike.SGD(0.1), keraslike.MeanSquaredError
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"reader":         {second(keraslike.LoadFrom(nil, 10, "x")), "x: the reader is nil"},
		"file system":    {second(keraslike.LoadFS(nil, "x")), "the file system is nil"},
		"save to":        {toyModel(t).SaveTo(nil), "the writer is nil"},
		"losses":         {compile(sgd, keraslike.Losses(mse, nil)), "loss 1 is nil"},
		"loss":           {compile(sgd, nil), "no loss"},
		"no losses":      {compile(sgd, keraslike.Losses()), "got losses for 0 outputs"},
		"optimizer":      {compile(nil, mse), "no optimizer"},
		"metric":         {compile(sgd, mse, nil), "option 0 is nil"},
		"output metric":  {compile(sgd, mse, keraslike.ForOutput("dense", nil)), "a metric is nil"},
		"weighted":       {compile(sgd, mse, keraslike.WeightedMetrics(nil)), "a metric is nil"},
		"weighted one":   {compile(sgd, mse, keraslike.WeightedForOutput("dense", nil)), "a metric is nil"},
		"no weights":     {compile(sgd, mse, keraslike.LossWeights()), "got 0 weights of losses"},
		"sgd option":     {compile(keraslike.SGD(0.1, nil), mse), "optimizer sgd: option 0 is nil"},
		"adam option":    {compile(keraslike.Adam(0.1, keraslike.Beta1(0.8), keraslike.OptimizerOption(nil)), mse), "optimizer adam: option 1 is nil"},
		"solver":         {compile(keraslike.FromSolver(nil), mse), "the solver is nil"},
		"solver option":  {compile(keraslike.FromSolver(gorgonia.NewVanillaSolver(), nil), mse), "option 0 is nil"},
		"loss option":    {compile(sgd, keraslike.CategoricalCrossentropy.With(nil)), "option 0 is nil"},
		"focal option":   {compile(sgd, keraslike.CategoricalFocalCrossentropy(nil)), "option 0 is nil"},
		"auc option":     {compile(sgd, mse, keraslike.AUC(nil)), "metric auc: option 0 is nil"},
		"f1 option":      {compile(sgd, mse, keraslike.F1Score(nil)), "metric f1_score: option 0 is nil"},
		"recall option":  {compile(sgd, mse, keraslike.Recall(nil)), "option 0 is nil"},
		"own loss":       {compile(sgd, keraslike.CustomLoss("mine", nil)), "want a name and a function"},
		"own metric":     {compile(sgd, mse, keraslike.CustomRowMetric("mine", nil)), "want a function"},
		"custom metric":  {compile(sgd, mse, keraslike.CustomMetric("mine", nil)), "want a name and a function"},
		"context":        {second(toyModel(t).Fit(noContext, data)), "the context is nil"},
		"fit option":     {fit(data, nil), "option 0 is nil"},
		"callback":       {fit(data, keraslike.Callbacks(callbacks.EarlyStopping("loss"), nil)), "callback 1 is nil"},
		"typed callback": {fit(data, keraslike.Callbacks(noCallback)), "callback 0 is nil"},
		"callback func":  {fit(data, keraslike.Callbacks(keraslike.CallbackFunc(nil))), "callback 0 is nil"},
		"stop option":    {fit(data, keraslike.Callbacks(callbacks.EarlyStopping("loss", nil))), "early stopping: option 0 is nil"},
		"plateau option": {fit(data, keraslike.Callbacks(callbacks.ReduceLROnPlateau("loss", nil))), "reduce on plateau: option 0 is nil"},
		"saver option":   {fit(data, keraslike.Callbacks(callbacks.ModelCheckpoint("m", nil))), "checkpoint: option 0 is nil"},
		"csv option":     {fit(data, keraslike.Callbacks(callbacks.CSVLogger("m", nil))), "csv logger: option 0 is nil"},
		"board option":   {fit(data, keraslike.Callbacks(callbacks.TensorBoard("m", nil))), "tensorboard: option 0 is nil"},
		"no clock":       {fit(data, keraslike.Callbacks(callbacks.TensorBoard(t.TempDir(), callbacks.Clock(nil)))), "tensorboard: option 0 is nil"},
		"until nothing":  {fit(data, keraslike.Until(0)), "until 0 epochs, want at least 1"},
		"no model":       {new(keraslike.Model).Compile(sgd, mse), "the model has no layers"},
		"nothing built":  {new(keraslike.Model).Build(1), "the model has no layers"},
		"nothing told":   {new(keraslike.Model).Summary(io.Discard), "the model has no layers"},
		"nothing saved":  {new(keraslike.Model).Save("m"), "no weights yet"},
		"writer":         {toyModel(t).Summary(nil), "summary: panic"},
		"dot writer":     {toyModel(t).WriteDOT(nil), "dot: panic"},
		"ops writer":     {toyModel(t).WriteOpsDOT(nil, 2), "dot: panic"},
		"history writer": {new(keraslike.History).WriteCSV(nil), "history: panic"},
		"empty tensor":   {second(keraslike.FromTensor(&tensor.Dense{})), "nil or empty"},
		"no tensor":      {second(keraslike.FromTensor(nil)), "nil or empty"},
		"empty array":    {second(toyModel(t).Predict(&keraslike.Array{})), "x is nil or empty"},
		"no inputs":      {second(toyModel(t).Predict()), "no inputs"},
		"predict ctx":    {second(toyModel(t).PredictSource(noContext, data)), "the context is nil"},
		"adapt ctx":      {keraslike.Adapt(noContext, keraslike.Normalization(), data), "the context is nil"},
		"read all ctx":   {third(keraslike.ReadAll(noContext, data)), "the context is nil"},
		"read all":       {third(keraslike.ReadAll(ctx, noSource)), "no data"},
		"mirrored":       {fit(keraslike.InputsAsTargets(noSource)), "no data"},
		"data":           {fit(nil), "no data"},
		"typed data":     {fit(noSource), "no data"},
		"validation":     {fit(data, keraslike.Validation(nil)), "validation: no data"},
		"typed valid":    {fit(data, keraslike.Validation(noSource)), "validation: no data"},
		"evaluate":       {second(toyModel(t).Evaluate(ctx, nil)), "no data"},
		"evaluate typed": {second(toyModel(t).Evaluate(ctx, noSource)), "no data"},
		"evaluate opt":   {second(toyModel(t).Evaluate(ctx, data, nil)), "option 0 is nil"},
		"measure":        {second(toyModel(t).EvaluateWith(ctx, data, nil)), "metric option 0 is nil"},
		"predict":        {second(toyModel(t).Predict(nil)), "x is nil"},
		"predict source": {second(toyModel(t).PredictSource(t.Context(), noSource)), "no data"},
		"predict batch":  {second(toyModel(t).PredictOnBatch(noTensor)), "want a built model with one input and a tensor"},
		"train batch":    {second(toyModel(t).TrainOnBatch(noTensor, noTensor)), "want tensors with the batch"},
		"weighted data":  {second(keraslike.Weighted(noSource, nil)), "got 0 weights for 0 samples"},
		"save option":    {toyModel(t).Save(filepath.Join(t.TempDir(), "m"), nil), "option 0 is nil"},
		"known":          {second(keraslike.Load(modelFile(t), keraslike.WithCustomLayer(nil))), "option 0"},
		"known loss":     {second(keraslike.Load(modelFile(t), keraslike.WithCustomLoss(nil))), "of nil"},
		"load option":    {second(keraslike.Load(modelFile(t), nil)), "option 0 is nil"},
		"part":           {build(nil), "part 1 is nil"},
		"typed part":     {build(noModel), "part 1 is nil"},
		"definition":     {build(keraslike.Custom(nil)), "has no definition"},
		"typed def":      {build(keraslike.Custom((*nilLayer)(nil))), "has no definition"},
		"name of layer":  {build(keraslike.Dense(3, nil)), "option 0 is nil"},
		"restraint":      {build(keraslike.Dense(3, keraslike.KernelOption(nil))), "option 0 is nil"},
		"conv":           {build(keraslike.Conv2D(3, 3, keraslike.ReLU, nil)), "option 1 is nil"},
		"pool":           {build(keraslike.MaxPooling2D(2, nil)), "option 0 is nil"},
		"flatten":        {build(keraslike.Flatten(nil)), "option 0 is nil"},
		"lambda":         {build(keraslike.Lambda(nil)), "got no function"},
		"norm":           {build(keraslike.BatchNormalization(nil)), "option 0 is nil"},
		"distributed":    {build(keraslike.TimeDistributed(nil)), "got no layer"},
		"dist. model":    {build(keraslike.TimeDistributed(noModel)), "the model is nil"},
		"bidirectional":  {build(keraslike.Bidirectional(nil)), "got no layer"},
		"both ways":      {build(keraslike.Bidirectional(keraslike.LSTM(3), nil)), "option 0 is nil"},
		"tensor":         {keraslike.NewModel("m", []*keraslike.Tensor{keraslike.Input(2)}, []*keraslike.Tensor{keraslike.Dense(2).Apply(nil)}).Build(0), "input 0 is nil"},
		"model of nil":   {keraslike.NewModel("m", []*keraslike.Tensor{keraslike.Input(2)}, []*keraslike.Tensor{noModel.Apply(keraslike.Input(2))}).Build(0), "the model is nil"},
		"outputs":        {keraslike.NewModel("m", []*keraslike.Tensor{keraslike.Input(2)}, nil).Build(0), "0 outputs"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, c.err, c.want)
		}
	}
}

// nilLayer panics in all its methods when it is nil.
type nilLayer struct{ kind string }

func (l *nilLayer) Kind() string { return l.kind }
func (l *nilLayer) Build(*keraslike.Builder, []keraslike.Shape) (keraslike.Shape, error) {
	return nil, io.EOF
}
func (l *nilLayer) Forward(*keraslike.Scope, []*graph.Node) *graph.Node { return nil }

func modelFile(t *testing.T) string {
	_, path := saved(t, toyModel(t))
	return path
}

// ownCallback is a callback with a pointer receiver, which may be nil.
type ownCallback struct{}

func (*ownCallback) On(keraslike.Event, *keraslike.Training) error { return nil }
