// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// fields maps the names of the options of an optimizer, a loss or a metric to pointers to
// the settings, or to functions that set them.
type fields map[string]any

// settable holds the settings of an optimizer, a loss or a metric while options are applied.
type settable struct {
	fields   fields
	misfit   []string // options that do not fit
	mistakes []error
}

// assignOption sets the setting with the option's name, if there is one.
func assignOption[T any](s *settable, option string, value T) {
	switch field := s.fields[option].(type) {
	case *T:
		*field = value
	case func(T):
		field(value)
	default:
		if !slices.Contains(s.misfit, option) {
			s.misfit = append(s.misfit, option)
		}
	}
}

// configure applies options to the settings of an optimizer, a loss or a metric. Its error
// names every option that does not fit, and those that fit.
func configure[O any](options []O, apply func(O, *settable), f fields) error {
	var missing error
	s := settable{fields: f}
	for _, o := range given(options, &missing) {
		apply(o, &s)
	}
	mistakes := append(s.mistakes, missing)
	for _, option := range s.misfit {
		want := "there are no options"
		if len(f) > 0 {
			want = "want " + strings.Join(slices.Sorted(maps.Keys(f)), ", ")
		}
		mistakes = append(mistakes, fmt.Errorf("%s does not fit, %s", option, want))
	}
	return errors.Join(mistakes...)
}

// optionValue is an option that sets a value of type T. Its family is the interface that
// its constructor returns.
type optionValue[T any] struct {
	option string
	value  T
}

func (o optionValue[T]) applyOptimizer(s *settable) { assignOption(s, o.option, o.value) }
func (o optionValue[T]) applyLoss(s *settable)      { assignOption(s, o.option, o.value) }
func (o optionValue[T]) applyMetric(s *settable)    { assignOption(s, o.option, o.value) }
