// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Options of layers
//
// A layer takes the options of its family: an option of another family does not
// compile. An option of the family that the layer itself cannot bear, such as
// CausalPadding for Conv2D, is a mistake that is reported when the model is built.
// The order of options never matters: of the same option given twice the last counts,
// and two different ones for one setting, such as SamePadding and CausalPadding, are a
// mistake.
//
// All of it is one mechanism: an option names a field of the layer's definition and
// holds its value. The fields that have an option say so by a tag with its name.

// setting is what an option sets.
type setting struct {
	option string       // for errors: the constant or function of the option
	field  string       // of the definition
	value  any          // of the field's type; see assign
	layer  func(*layer) // sets what the layer has beside its definition, in place of a field
	choice string       // the setting that options contradict each other about, by default the field
	err    error
}

func (s setting) sets() setting { return s }

// layerSetting is what all options of layers have in common.
type layerSetting interface{ sets() setting }

// The families. Each is an interface with a method of its own, which the options that
// belong to it get by embedding the mark.
type (
	// DenseOption is an option of Dense.
	DenseOption interface {
		layerSetting
		forDense()
	}
	// ConvOption is an option of the convolutions: Conv1D, Conv2D, DepthwiseConv2D,
	// SeparableConv2D and Conv2DTranspose.
	ConvOption interface {
		layerSetting
		forConv()
	}
	// PoolOption is an option of MaxPooling1D, MaxPooling2D, AveragePooling1D and
	// AveragePooling2D.
	PoolOption interface {
		layerSetting
		forPool()
	}
	// RecurrentOption is an option of SimpleRNN, GRU and LSTM.
	RecurrentOption interface {
		layerSetting
		forRecurrent()
	}
	// EmbeddingOption is an option of Embedding.
	EmbeddingOption interface {
		layerSetting
		forEmbedding()
	}
	// AttentionOption is an option of MultiHeadAttention.
	AttentionOption interface {
		layerSetting
		forAttention()
	}
	// NormalizationOption is an option of BatchNormalization, LayerNormalization,
	// GroupNormalization, UnitNormalization and Normalization.
	NormalizationOption interface {
		layerSetting
		forNormalization()
	}
	// SlopeOption is an option of LeakyReLU and PReLU.
	SlopeOption interface {
		layerSetting
		forSlope()
	}
	// MergeOption is an option of Concatenate and Dot.
	MergeOption interface {
		layerSetting
		forMerge()
	}
	// BidirectionalOption is an option of Bidirectional.
	BidirectionalOption interface {
		layerSetting
		forBidirectional()
	}
	// LayerOption is an option of every layer.
	LayerOption interface {
		DenseOption
		ConvOption
		PoolOption
		RecurrentOption
		EmbeddingOption
		AttentionOption
		NormalizationOption
		SlopeOption
		MergeOption
		BidirectionalOption
		forLayer()
	}
	// KernelOption is an option of every layer with a kernel: Dense, the convolutions,
	// the recurrent layers and MultiHeadAttention.
	KernelOption interface {
		DenseOption
		ConvOption
		RecurrentOption
		AttentionOption
	}
	// WindowOption is an option of every layer with a moving window: the convolutions
	// and the poolings.
	WindowOption interface {
		ConvOption
		PoolOption
	}
	// AxisOption is an option of the normalizations and of Concatenate.
	AxisOption interface {
		NormalizationOption
		MergeOption
	}
)

type (
	denseMark         struct{}
	convMark          struct{}
	poolMark          struct{}
	recurrentMark     struct{}
	embeddingMark     struct{}
	attentionMark     struct{}
	normalizationMark struct{}
	slopeMark         struct{}
	mergeMark         struct{}
	bidirectionalMark struct{}
	layerMark         struct{}
)

func (denseMark) forDense()                 {}
func (convMark) forConv()                   {}
func (poolMark) forPool()                   {}
func (recurrentMark) forRecurrent()         {}
func (embeddingMark) forEmbedding()         {}
func (attentionMark) forAttention()         {}
func (normalizationMark) forNormalization() {}
func (slopeMark) forSlope()                 {}
func (mergeMark) forMerge()                 {}
func (bidirectionalMark) forBidirectional() {}
func (layerMark) forLayer()                 {}

type (
	kernelOption struct {
		setting
		denseMark
		convMark
		recurrentMark
		attentionMark
	}
	windowOption struct {
		setting
		convMark
		poolMark
	}
	axisOption struct {
		setting
		normalizationMark
		mergeMark
	}
	convOption struct {
		setting
		convMark
	}
	poolOption struct {
		setting
		poolMark
	}
	recurrentOption struct {
		setting
		recurrentMark
	}
	embeddingOption struct {
		setting
		embeddingMark
	}
	attentionOption struct {
		setting
		attentionMark
	}
	normalizationOption struct {
		setting
		normalizationMark
	}
	slopeOption struct {
		setting
		slopeMark
	}
	bidirectionalOption struct {
		setting
		bidirectionalMark
	}
	layerOption struct {
		setting
		denseMark
		convMark
		poolMark
		recurrentMark
		embeddingMark
		attentionMark
		normalizationMark
		slopeMark
		mergeMark
		bidirectionalMark
		layerMark
	}
)

// Name gives a layer its name, which must not contain a slash. Names must differ within
// a model. A layer without one is named after its kind: "dense", "dense_1".
func Name(name string) LayerOption {
	return layerOption{setting: setting{option: "Name", layer: func(l *layer) { l.name = name }}}
}

// Trainable false keeps training from changing the layer's weights; the default is true.
// Model.SetTrainable changes it later.
func Trainable(trainable bool) LayerOption {
	return layerOption{setting: setting{option: "Trainable", layer: func(l *layer) { l.frozen = !trainable }}}
}

// set is the setting of the field that has the option's name.
func set(option string, value any) setting {
	return setting{option: option, field: option, value: value}
}

// setPair is set for one number for height and width alike, or one for each.
func setPair(option string, n []int) setting {
	s := set(option, [2]int{})
	switch len(n) {
	case 1:
		s.value = [2]int{n[0], n[0]}
	case 2:
		s.value = [2]int{n[0], n[1]}
	default:
		s.err = fmt.Errorf("%s: got %d numbers, want one, or two for height and width", option, len(n))
	}
	return s
}

// newLayer makes a layer of a definition and applies options.
func newLayer[O layerSetting](d Definition, options []O) *layer {
	l := &layer{def: d}
	var mistakes []error
	var nothing error
	for _, o := range given(options, &nothing) {
		mistakes = append(mistakes, l.apply(o.sets()))
	}
	l.mistake = errors.Join(append(mistakes, nothing, l.contradiction())...)
	return l
}

// choice is an option that has set something.
type choice struct{ setting, option string }

// apply sets what the option sets.
func (l *layer) apply(s setting) error {
	if s.err != nil {
		return s.err
	}
	if s.layer != nil {
		s.layer(l)
		return nil
	}
	field, ok := optionField(l.def, s.field)
	if r, picky := l.def.(refuser); !ok || picky && slices.Contains(r.refuses(), s.option) {
		return fmt.Errorf("%s does not fit, want %s", s.option, strings.Join(optionsOf(l.def), ", "))
	}
	if err := assign(field, s.value); err != nil {
		return fmt.Errorf("%s: %w", s.option, err)
	}
	c := choice{strings.ToLower(s.field), s.option}
	if s.choice != "" {
		c.setting = s.choice
	}
	if !slices.Contains(l.choices, c) {
		l.choices = append(l.choices, c)
	}
	return nil
}

// refuser is a definition that has fields which not every layer of its kind has a use
// for.
type refuser interface {
	// refuses are the options that do not fit this layer.
	refuses() []string
}

// chosen reports whether an option has set something.
func (l *layer) chosen(setting string) bool {
	return slices.ContainsFunc(l.choices, func(c choice) bool { return c.setting == setting })
}

// contradiction reports two options for one setting, in the same words for both orders.
func (l *layer) contradiction() error {
	for i, a := range l.choices {
		for _, b := range l.choices[i+1:] {
			if a.setting == b.setting {
				return fmt.Errorf("%s: got both %s and %s, want one of them", a.setting, min(a.option, b.option), max(a.option, b.option))
			}
		}
	}
	return nil
}

// optionField is the field of a definition that an option of this name sets.
func optionField(d Definition, name string) (field reflect.Value, ok bool) {
	v := reflect.Indirect(reflect.ValueOf(d))
	if v.Kind() != reflect.Struct {
		return field, false
	}
	f, ok := v.Type().FieldByName(name)
	if !ok || f.Tag.Get("option") == "" {
		return field, false
	}
	return v.FieldByIndex(f.Index), true
}

// optionsOf are the names of the options that a layer can be given.
func optionsOf(d Definition) []string {
	var refused []string
	if r, ok := d.(refuser); ok {
		refused = r.refuses()
	}
	list := []string{"Name", "Trainable"}
	for _, f := range reflect.VisibleFields(reflect.Indirect(reflect.ValueOf(d)).Type()) {
		if name := f.Tag.Get("option"); name != "" && !slices.Contains(refused, name) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// assign puts an option's value into a field of its type, of a pointer to it, or, of
// several whole numbers, of one.
func assign(field reflect.Value, value any) error {
	v := reflect.ValueOf(value)
	switch {
	case v.Type().AssignableTo(field.Type()):
		field.Set(v)
	case field.Kind() == reflect.Pointer && v.Type().AssignableTo(field.Type().Elem()):
		field.Set(reflect.New(v.Type()))
		field.Elem().Set(v)
	case v.Kind() == reflect.Slice && v.Type().Elem().AssignableTo(field.Type()): // Axis
		if v.Len() != 1 {
			return fmt.Errorf("got %d axes, want one", v.Len())
		}
		field.Set(v.Index(0))
	default: // a text converted to the type of flags
		return errors.New("is not a flag")
	}
	return nil
}
