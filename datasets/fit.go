// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"slices"
)

// Fit learns means, categories and the like from the training rows. It sees nothing else of
// the file, with the exception of how cells are written: whether they are numbers, whether
// the day comes first.
//
// Rows that TrainTestSplit, Split or Fold held out for testing are an error. So is, when they
// are encoded, a held-out row to which the schema was fitted before the split. Statistics are
// of the values that are there, not of those that replace missing ones.
func (s Schema) Fit(train *Frame) (*TableEncoder, error) {
	if train.held {
		return nil, train.in(errors.New("fit: these rows are held out for testing; fit to the training part and encode these"))
	}
	if train.Len() == 0 {
		return nil, train.in(errors.New("fit: no rows"))
	}
	guesses := train.guessed()
	resolved := Schema{Features: slices.Clone(s.Features), Targets: slices.Clone(s.Targets), Weight: s.Weight}
	kinds := func(column string, kind *Kind) error {
		c, err := train.find(column)
		if err == nil && *kind == Guessed {
			*kind = guesses[c].kind
		}
		return err
	}
	for i := range resolved.Features {
		if err := kinds(resolved.Features[i].Column, &resolved.Features[i].Kind); err != nil {
			return nil, err
		}
	}
	for i := range resolved.Targets {
		if err := kinds(resolved.Targets[i].Column, &resolved.Targets[i].Kind); err != nil {
			return nil, err
		}
	}
	if s.Weight != "" {
		if _, err := train.find(s.Weight); err != nil {
			return nil, err
		}
	}
	if err := resolved.check(); err != nil {
		return nil, train.in(fmt.Errorf("schema: %w", err))
	}
	e := &TableEncoder{dialect: train.dialect, weight: s.Weight}
	for _, f := range resolved.Features {
		if err := f.check(); err != nil {
			return nil, train.in(fmt.Errorf("schema: %w", err))
		}
		c := &fittedColumn{Feature: f}
		if err := c.fit(train); err != nil {
			return nil, err
		}
		e.features = append(e.features, c)
	}
	for _, t := range resolved.Targets {
		c := &fittedTarget{Target: t}
		if err := c.fit(train); err != nil {
			return nil, err
		}
		e.targets = append(e.targets, c)
	}
	if err := e.arrange(); err != nil {
		return nil, train.in(err)
	}
	e.file, e.rows = train.id, make([]bool, len(train.lines))
	for _, row := range train.rows {
		e.rows[row] = true
	}
	return e, nil
}
