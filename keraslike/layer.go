// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"slices"

	"github.com/reef-dl/reef/graph"
)

// Definition is the computation of a layer. The constructors of this package wrap
// definitions; Custom wraps one of your own.
//
// A definition is plain data: Save stores its JSON encoding and Load decodes it.
type Definition interface {
	// Kind names the definition in summaries, errors and saved models.
	Kind() string
	// Build checks the shapes of the inputs, declares the weights and returns
	// the shape of the output; Builder.Output declares further outputs. It is
	// called at the first use, and again if the layer is applied to other shapes, for
	// which it must declare the same weights.
	Build(b *Builder, in []Shape) (Shape, error)
	// Forward adds the expression to the graph that s builds. The nodes have
	// the batch as their first axis. Further outputs go to Scope.Output.
	Forward(s *Scope, in []*graph.Node) *graph.Node
}

// checker is a definition that can reject invalid arguments before any shape is known, so
// that they are reported even after another error.
type checker interface{ check() error }

// multiplier is a definition whose number of multiplications is not one for each weight and
// position of a sample.
type multiplier interface {
	// multiplications returns the number for one sample; each is the default number.
	multiplications(in []Shape, out Shape, each float64) float64
}

// internalValues is a definition whose ops keep values for their gradients that are not in the
// memory plan of the graph.
type internalValues interface {
	// internalValues returns the number of these values for one sample.
	internalValues(in []Shape) float64
}

// noMultiplications is embedded by definitions whose weights multiply at most one value each.
type noMultiplications struct{}

func (noMultiplications) multiplications([]Shape, Shape, float64) float64 { return 0 }

// wrapper is a definition around another layer.
type wrapper interface{ inner() *layer }

// Part is an argument of Sequential: an Input, a Layer or a Model.
type Part interface{ part() }

// Layer is a named computation with its own weights.
type Layer interface {
	Part
	// Name returns the given name. By default the model names the layer after its kind:
	// "dense", "dense_1".
	Name() string
	// Apply applies the layer and returns its symbolic output; Tensor.Output returns
	// further outputs. All uses of a layer share its weights. The inputs may have
	// different shapes as long as the weights have the same. An error is kept in the
	// result and reported when the model is built.
	Apply(in ...*Tensor) *Tensor
	core() *layer
}

// layer is the Layer of every definition; Model is the only other Layer.
type layer struct {
	name         string
	autoNamed    bool // the name was given by a model
	def          Definition
	frozen       bool
	built        bool
	ignoresMasks bool    // neither sees the masks of its inputs nor passes them
	passesUnused bool    // passes the mask of its first input, which it does not see
	in, out      []Shape // of the first use
	weights      []*Weight
	carries      []carriedState // by one batch to the next
	mistake      error          // in the options
	choices      []choice       // that options have made
}

func (l *layer) part()        {}
func (l *layer) core() *layer { return l }

// Name is the layer's name.
func (l *layer) Name() string { return l.name }

// Apply applies the layer.
func (l *layer) Apply(in ...*Tensor) *Tensor {
	t := &Tensor{layer: l, in: in}
	if t.err = l.checkSettings(); t.err != nil {
		return t
	}
	shapes := make([]Shape, len(in))
	for i, x := range in {
		if x == nil {
			t.err = fmt.Errorf("input %d is nil", i)
			return t
		}
		if x.shape == nil {
			return t // the mistake that x carries is the one to report
		}
		shapes[i] = x.shape
	}
	if t.err = t.place(); t.err != nil {
		return t
	}
	var out []Shape
	if anyFree(shapes) {
		out, t.err = l.freeOutputs(t)
	} else {
		out, t.err = l.outputs(shapes, nil)
	}
	if t.err != nil {
		return t
	}
	t.shape = out[0]
	for _, s := range out[1:] {
		t.moreOutputs = append(t.moreOutputs, &Tensor{layer: l, in: in, first: t, shape: s})
	}
	return t
}

// holdsLayers reports whether the weights of a definition belong to inner layers, as in a
// nested model, so that it may be used in several places.
func holdsLayers(d Definition) bool {
	h, ok := d.(interface{ holdsLayers() bool })
	return ok && h.holdsLayers()
}

// checkSettings reports invalid arguments before the first use.
func (l *layer) checkSettings() error {
	if l.built {
		return nil
	}
	if l.mistake != nil {
		return l.mistake
	}
	if c, ok := l.def.(checker); ok {
		if err := c.check(); err != nil {
			return err
		}
	}
	return finiteSettings(l.def)
}

// outputs returns the output shapes for these input shapes, none of which has a free axis; the
// first use builds the layer.
func (l *layer) outputs(in []Shape, z *sizing) ([]Shape, error) {
	// Within a nested model there may be models at sizes of their own, which z records.
	if l.built && slices.EqualFunc(in, l.in, Shape.Equal) && (z == nil || !holdsLayers(l.def)) {
		return l.out, nil
	}
	out, made, err := l.evaluate(in, z)
	if err != nil {
		return nil, err
	}
	if !l.built {
		l.adopt(in, out, made)
	}
	return out, l.checkSameWeights(in, made.weights)
}

// adopt makes the result of the first evaluation that of the layer.
func (l *layer) adopt(in, out []Shape, made *layer) {
	l.built, l.in, l.out, l.weights, l.carries = true, in, out, made.weights, made.carries
}

// checkSameWeights reports that the layer would need other weights for these inputs.
func (l *layer) checkSameWeights(in []Shape, weights []*Weight) error {
	if slices.EqualFunc(weights, l.weights, func(a, b *Weight) bool { return a.name == b.name && slices.Equal(a.shape, b.shape) }) {
		return nil
	}
	return fmt.Errorf("is applied again to %v, its weights were built for %v", formatShapes(in), formatShapes(l.in))
}

// evaluate calls the definition's Build and checks the result, without changing the layer; made has what
// the layer declared.
func (l *layer) evaluate(in []Shape, z *sizing) (out []Shape, made *layer, err error) {
	twin := &layer{name: l.name, def: l.def}
	b := &Builder{layer: twin, sizing: z}
	err = attempt("Build", func() error {
		first, err := l.def.Build(b, in)
		if first == nil {
			first = Shape{}
		}
		out = append([]Shape{first}, b.more...)
		return err
	})
	if err == nil {
		err = b.err
	}
	if err != nil {
		return nil, nil, err
	}
	least := 1
	if _, ok := l.def.(*input); ok {
		least = Any
	}
	for _, s := range out {
		if slices.ContainsFunc(s, func(d int) bool { return d < least }) {
			return nil, nil, fmt.Errorf("output would have shape %v", s)
		}
		if !z.isTrial() && s.tooLarge() {
			return nil, nil, fmt.Errorf("output would have shape %v, more than %d values", s, maxSize)
		}
	}
	return out, twin, nil
}

// Tensor is a symbolic value: an input of a model or an output of a layer.
type Tensor struct {
	layer       *layer
	in          []*Tensor
	first       *Tensor   // the first output of the call that this is a further one of
	moreOutputs []*Tensor // the further outputs of the call that this is the first one of
	shape       Shape     // nil after a mistake
	strings     bool      // an input of strings
	raw         bool      // an input, or computed from inputs by layers that can run before the graph
	err         error
	tried       map[int]trial // the call at some lengths of the free axes
}

func (t *Tensor) part() {}

// Shape returns the shape of one sample, nil after an error.
func (t *Tensor) Shape() Shape { return t.shape }

// IsString reports whether the tensor is of strings: a StringInput.
func (t *Tensor) IsString() bool { return t.strings }

// Output returns output k of a layer with several outputs. Output 0 is the tensor that Apply
// returned:
//
//	y := keraslike.LSTM(64, keraslike.ReturnState).Apply(x)
//	h, c := y.Output(1), y.Output(2)
func (t *Tensor) Output(k int) *Tensor {
	first := t.call()
	switch {
	case k == 0:
		return first
	case first.shape == nil:
		return &Tensor{layer: t.layer, in: t.in, first: first} // the mistake that first carries is the one to report
	case k < 0 || k > len(first.moreOutputs):
		return &Tensor{layer: t.layer, in: t.in, err: fmt.Errorf("has no output %d, they are 0 to %d", k, len(first.moreOutputs))}
	}
	return first.moreOutputs[k-1]
}

// call returns the first output of the call that produced the tensor.
func (t *Tensor) call() *Tensor {
	if t.first != nil {
		return t.first
	}
	return t
}

// inputShapes returns the shapes of the inputs of the call.
func (t *Tensor) inputShapes() (in []Shape) {
	for _, x := range t.in {
		in = append(in, x.shape)
	}
	return in
}

// outputs returns all outputs of the call.
func (t *Tensor) outputs() []*Tensor {
	first := t.call()
	return append([]*Tensor{first}, first.moreOutputs...)
}

// mistake returns the tensor's own error with the name of the layer, or nil.
func (t *Tensor) mistake() error {
	if t.err == nil {
		return nil
	}
	return t.shapeError(nil, t.err)
}

// shapeError returns an error of the call with the shapes that lead to it, those of z or, where
// it is nil, the tensors' own.
func (t *Tensor) shapeError(z *sizes, err error) *ShapeError {
	e := &ShapeError{Layer: t.layer.name, Kind: t.layer.def.Kind(), Err: err}
	for _, x := range t.in {
		if x == nil || x.shape == nil {
			return e
		}
		e.In = append(e.In, z.shape(x))
	}
	for x := t; len(x.in) > 0; {
		x = x.in[0]
		if len(e.Path) == maxErrorPath && len(x.in) > 0 {
			continue // the model's input stays in sight
		}
		e.Path = append(e.Path, LayerShape{x.layer.name, z.shape(x)})
	}
	slices.Reverse(e.Path)
	return e
}

// maxErrorPath is the number of layers before an error that it lists.
const maxErrorPath = 24

// Input creates an input of a model with the shape of one sample: Input(28, 28, 1).
//
// Axes of any length are Any:
//
//	k.Input(k.Any, 13)         sequences of any number of steps
//	k.Input(k.Any, k.Any, 3)   images of any size
//
// All samples of a batch have the same lengths, and every batch may have other ones; each new
// length compiles a graph, which shares the weights. A layer whose weights would depend on a
// free axis, such as Dense behind Flatten, is an error. See RaggedSource for data whose samples
// differ in length.
func Input(shape ...int) *Tensor { return NamedInput("", shape...) }

// NamedInput is Input with a name, for models with several.
func NamedInput(name string, shape ...int) *Tensor {
	return newInput(name, &input{Shape: append(Shape{}, shape...)})
}

// StringInput creates an input of strings: StringInput(1) takes one string for each sample. Layers
// that make numbers of them are StringLookup, TextVectorization, Hashing and HashedCrossing; no other
// layer takes strings. Strings makes an Array of strings for Predict, and a StringSource has such
// inputs.
func StringInput(shape ...int) *Tensor { return NamedStringInput("", shape...) }

// NamedStringInput is StringInput with a name, for models with several inputs.
func NamedStringInput(name string, shape ...int) *Tensor {
	return newInput(name, &input{Shape: append(Shape{}, shape...), Strings: true})
}

func newInput(name string, d *input) *Tensor { return (&layer{name: name, def: d}).Apply() }

// input is the definition of an input, which has no expression: the model creates its node.
type input struct {
	Shape   Shape `json:"shape"`
	Strings bool  `json:"strings,omitempty"`
}

var _ = register[input]("Input")

func (d *input) Kind() string { return "Input" }

func (d *input) Build(_ *Builder, _ []Shape) (Shape, error) {
	for _, n := range d.Shape {
		if n <= 0 && n != Any {
			return nil, fmt.Errorf("axis of %d, want all axes positive or Any", n)
		}
		if n == Any && d.Strings {
			return nil, errors.New("axis of Any, want fixed lengths for strings")
		}
	}
	return d.Shape, nil
}

func (d *input) Forward(*Scope, []*graph.Node) *graph.Node { return nil }
