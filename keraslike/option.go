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
// compile. An option of the family that this layer does not support, such as CausalPadding
// for Conv2D, is an error when the model is built. The order of options never matters: if
// an option function is called twice, the last call counts; two different options for one
// setting, such as SamePadding and CausalPadding or ReLU and Tanh, are an error.
//
// All options use one mechanism: an option holds the name of a field of the layer's
// definition and its value. A field that can be set by an option has a struct tag with the
// option's name.

// setting is the field that an option sets, and its value.
type setting struct {
	option string       // the option's constant or function, for errors
	field  string       // of the definition
	value  any          // of the field's type; see assign
	layer  func(*layer) // sets a property of the layer instead of a field of its definition
	choice string       // the setting that only one option may set; "" for the field
	err    error
}

func (s setting) sets() setting { return s }

// layerSetting is the method that all options of layers share.
type layerSetting interface{ sets() setting }

// The option families. Each is an interface with a marker method; an option belongs to a
// family by embedding the struct that has this method.
type (
	// DenseOption is an option of Dense.
	DenseOption interface {
		layerSetting
		forDense()
	}
	// ConvOption is an option of the convolution layers: Conv1D to Conv3D, their transposes, and the
	// depthwise and separable ones.
	ConvOption interface {
		ConvLSTMOption
		forConv()
	}
	// PoolOption is an option of MaxPooling1D to MaxPooling3D, AveragePooling1D to AveragePooling3D
	// and the global pooling layers.
	PoolOption interface {
		layerSetting
		forPool()
	}
	// RecurrentOption is an option of SimpleRNN, GRU and LSTM, of their cells and of RNN.
	RecurrentOption interface {
		ConvLSTMOption
		forRecurrent()
	}
	// ConvLSTMOption is an option of ConvLSTM1D to ConvLSTM3D: any of the convolution layers or of
	// the recurrent layers.
	ConvLSTMOption interface {
		layerSetting
		forConvLSTM()
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
	// GroupNormalization, RMSNormalization, UnitNormalization and Normalization.
	NormalizationOption interface {
		layerSetting
		forNormalization()
	}
	// ActivationOption is an option of Activation, LeakyReLU and PReLU.
	ActivationOption interface {
		layerSetting
		forActivation()
	}
	// MergeOption is an option of Concatenate and Dot.
	MergeOption interface {
		layerSetting
		forMerge()
	}
	// DropoutOption is an option of Dropout and AlphaDropout.
	DropoutOption interface {
		layerSetting
		forDropout()
	}
	// BidirectionalOption is an option of Bidirectional.
	BidirectionalOption interface {
		layerSetting
		forBidirectional()
	}
	// LayerOption is an option of every layer: Name or Trainable.
	LayerOption interface {
		DenseOption
		ConvOption
		PoolOption
		RecurrentOption
		EmbeddingOption
		AttentionOption
		NormalizationOption
		ActivationOption
		MergeOption
		BidirectionalOption
		PreprocessingOption
		DropoutOption
		forLayer()
	}
	// KernelOption is an option of every layer with a kernel: Dense, the convolution
	// layers, the recurrent layers and MultiHeadAttention.
	KernelOption interface {
		DenseOption
		ConvOption
		RecurrentOption
		AttentionOption
	}
	// WindowOption is an option of every layer with a moving window: the convolution and
	// pooling layers.
	WindowOption interface {
		ConvOption
		PoolOption
	}
	// GroupsOption is an option of GroupNormalization and of the convolution layers.
	GroupsOption interface {
		ConvOption
		NormalizationOption
	}
	// AxisOption is an option of the normalization layers, of Concatenate and of Activation.
	AxisOption interface {
		NormalizationOption
		ActivationOption
		MergeOption
	}
)

type (
	denseMark         struct{}
	dropoutMark       struct{}
	convMark          struct{}
	poolMark          struct{}
	recurrentMark     struct{}
	convLSTMMark      struct{}
	embeddingMark     struct{}
	attentionMark     struct{}
	normalizationMark struct{}
	activationMark    struct{}
	mergeMark         struct{}
	bidirectionalMark struct{}
	layerMark         struct{}
)

func (denseMark) forDense()                 {}
func (dropoutMark) forDropout()             {}
func (convMark) forConv()                   {}
func (poolMark) forPool()                   {}
func (recurrentMark) forRecurrent()         {}
func (convLSTMMark) forConvLSTM()           {}
func (embeddingMark) forEmbedding()         {}
func (attentionMark) forAttention()         {}
func (normalizationMark) forNormalization() {}
func (activationMark) forActivation()       {}
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
		convLSTMMark
	}
	windowOption struct {
		setting
		convMark
		poolMark
		convLSTMMark
	}
	groupsOption struct {
		setting
		convMark
		normalizationMark
		convLSTMMark
	}
	axisOption struct {
		setting
		normalizationMark
		activationMark
		mergeMark
	}
	denseOption struct {
		setting
		denseMark
	}
	convOption struct {
		setting
		convMark
		convLSTMMark
	}
	poolOption struct {
		setting
		poolMark
	}
	recurrentOption struct {
		setting
		recurrentMark
		convLSTMMark
	}
	embeddingOption struct {
		setting
		embeddingMark
	}
	attentionOption struct {
		setting
		attentionMark
	}
	activationOption struct {
		setting
		activationMark
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
		activationMark
		mergeMark
		bidirectionalMark
		preprocessingMark
		layerMark
		dropoutMark
		convLSTMMark
	}
)

// Name sets the name of a layer, which must be unique within the model and must not contain
// a slash. By default a layer is named after its kind: "dense", "dense_1".
func Name(name string) LayerOption {
	return layerOption{setting: setting{option: "Name", layer: func(l *layer) { l.name = name }}}
}

// Trainable sets whether training updates the layer's weights; the default is true.
// Model.SetTrainable changes it later.
func Trainable(trainable bool) LayerOption {
	return layerOption{setting: setting{option: "Trainable", layer: func(l *layer) { l.frozen = !trainable }}}
}

// set returns the setting of the field that has the option's name.
func set(option string, value any) setting {
	return setting{option: option, field: option, value: value}
}

// newLayer makes a layer from a definition and applies options.
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

// choice is an option that was applied and the setting that it changed.
type choice struct{ setting, option string }

// apply applies one option.
func (l *layer) apply(s setting) error {
	if s.err != nil {
		return s.err
	}
	if s.layer != nil {
		s.layer(l)
		return nil
	}
	field, ok := optionField(l.def, s.field)
	if r, picky := l.def.(optionRefuser); !ok || picky && slices.Contains(r.refuses(), s.option) {
		return fmt.Errorf("%s does not fit, want %s", s.option, strings.Join(optionsOf(l.def), ", "))
	}
	if err := assign(field, s.value); err != nil {
		return fmt.Errorf("%s: %w", s.option, err)
	}
	c := choice{strings.ToLower(s.field), s.option}
	if v := reflect.ValueOf(s.value); v.Kind() == reflect.String && v.Type().Name() == s.option {
		c.option = v.String() // one of several constants, such as ReLU and Tanh
	}
	if s.choice != "" {
		c.setting = s.choice
	}
	if !slices.Contains(l.choices, c) {
		l.choices = append(l.choices, c)
	}
	return nil
}

// optionRefuser is a definition with fields that some of its layers do not support.
type optionRefuser interface {
	// refuses returns the options that do not fit this layer.
	refuses() []string
}

// chosen reports whether an option has changed a setting.
func (l *layer) chosen(setting string) bool {
	return slices.ContainsFunc(l.choices, func(c choice) bool { return c.setting == setting })
}

// contradiction returns an error if two different options change one setting. The error
// does not depend on their order.
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

// optionField returns the field of a definition that the named option sets.
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

// optionsOf returns the names of the options that fit a layer.
func optionsOf(d Definition) []string {
	var refused []string
	if r, ok := d.(optionRefuser); ok {
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

// assign sets a field to an option's value. The field's type is that of the value or a
// pointer to it; it may also be an int for a value of one-element []int.
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
	default: // a string converted to a flag type
		return errors.New("is not a flag")
	}
	return nil
}
