// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
)

// encoderVersion is the version of the JSON of a TableEncoder. Later ones are rejected.
const encoderVersion = 1

// maxEncoderBytes is the largest JSON of an encoder.
const maxEncoderBytes = 1 << 26

// savedTable is the JSON of a TableEncoder.
type savedTable struct {
	Version   int             `json:"version"`
	Decimal   string          `json:"decimal"`
	Thousands string          `json:"thousands,omitempty"`
	Missing   []string        `json:"missing_cells"`
	Features  []*fittedColumn `json:"features"`
	Targets   []*fittedTarget `json:"targets,omitempty"`
	Weight    string          `json:"weight,omitempty"`
}

// MarshalJSON returns all that was fitted. Which rows it was fitted to is not saved.
func (e *TableEncoder) MarshalJSON() ([]byte, error) {
	s := savedTable{
		Version: encoderVersion,
		Decimal: string(e.dialect.decimal), Missing: e.dialect.missing,
		Features: e.features, Targets: e.targets, Weight: e.weight,
	}
	if e.dialect.thousands != 0 {
		s.Thousands = string(e.dialect.thousands)
	}
	return json.Marshal(s)
}

// UnmarshalJSON reads what MarshalJSON returned.
func (e *TableEncoder) UnmarshalJSON(raw []byte) error {
	var s savedTable
	if len(raw) > maxEncoderBytes {
		return fmt.Errorf("table encoder: %d bytes, want at most %d", len(raw), maxEncoderBytes)
	}
	if err := decodeStrict(raw, &s); err != nil {
		return fmt.Errorf("table encoder: %w", err)
	}
	if s.Version < 1 || s.Version > encoderVersion {
		return fmt.Errorf("table encoder: version %d, want 1 to %d", s.Version, encoderVersion)
	}
	read, err := s.encoder()
	if err != nil {
		return fmt.Errorf("table encoder: %w", err)
	}
	*e = *read
	return nil
}

// dialect checks how cells are written.
func (s savedTable) dialect() (d dialect, err error) {
	decimal, thousands := []rune(s.Decimal), []rune(s.Thousands)
	if len(decimal) != 1 || len(thousands) > 1 {
		return d, fmt.Errorf("decimal %.10q, thousands %.10q, want one character and at most one", s.Decimal, s.Thousands)
	}
	o := CSVOptions{Decimal: decimal[0], Missing: s.Missing}
	if len(thousands) == 1 {
		o.Thousands = thousands[0]
	}
	return dialect{decimal: o.Decimal, thousands: o.Thousands, missing: s.Missing}, o.check()
}

// encoder checks the values and returns what they describe.
func (s savedTable) encoder() (*TableEncoder, error) {
	d, err := s.dialect()
	if err != nil {
		return nil, err
	}
	if len(s.Features) > maxFrameColumns || len(s.Targets) > maxFrameColumns {
		return nil, fmt.Errorf("%d features and %d targets, want at most %d", len(s.Features), len(s.Targets), maxFrameColumns)
	}
	e := &TableEncoder{dialect: d, weight: s.Weight}
	schema := Schema{Weight: s.Weight}
	for i, c := range s.Features {
		if c == nil {
			return nil, fmt.Errorf("feature %d is null", i)
		}
		if err := c.Feature.check(); err != nil {
			return nil, err
		}
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("feature %q: %w", c.Column, err)
		}
		schema.Features, e.features = append(schema.Features, c.Feature), append(e.features, c)
	}
	for i, t := range s.Targets {
		if t == nil {
			return nil, fmt.Errorf("target %d is null", i)
		}
		names := t.Categories
		if t.Kind == Boolean {
			t.Target.Categories = nil // for the check of schemas
		}
		schema.Targets = append(schema.Targets, t.Target)
		t.Target.Categories = names
		if t.Kind != Number {
			if err := distinct(names); err != nil || len(names) < 2 || t.Kind == Boolean && len(names) != 2 {
				return nil, fmt.Errorf("target %q: %d classes, want at least two different ones with names", t.Column, len(names))
			}
		}
		e.targets = append(e.targets, t)
	}
	if err := schema.check(); err != nil {
		return nil, err
	}
	if err := e.arrange(); err != nil {
		return nil, err
	}
	for _, c := range e.features {
		if err := c.checkFill(e.dialect); err != nil {
			return nil, fmt.Errorf("feature %q: fill: %w", c.Column, err)
		}
	}
	return e, nil
}

// check rejects values that Fit does not produce.
func (c *fittedColumn) check() error {
	scaled := 0
	switch c.Kind {
	case Number:
		scaled = 1
	case Date:
		if len(c.Parts) == 0 {
			return errors.New("no parts")
		}
		for _, p := range c.Parts {
			if !p.cyclic() {
				scaled++
			}
		}
	case Category:
		if (c.Buckets > 0) == (len(c.Categories) > 0) {
			return fmt.Errorf("%d categories and %d buckets, want one of both", len(c.Categories), c.Buckets)
		}
		if err := distinct(c.Categories); err != nil {
			return fmt.Errorf("categories: %w", err)
		}
	}
	if len(c.Shift) != scaled || len(c.Factor) != scaled {
		return fmt.Errorf("%d shifts and %d factors, want %d", len(c.Shift), len(c.Factor), scaled)
	}
	for k := range c.Shift {
		if f := c.Factor[k]; !(f > 0) || math.IsInf(f, 0) {
			return fmt.Errorf("factor %v, want a positive number", f)
		}
	}
	if c.Order < GuessDates || c.Order > MonthFirst || c.Order != GuessDates && c.Kind != Date {
		return fmt.Errorf("order %d of dates is unknown or of no date", c.Order)
	}
	if fills := c.Missing == MissingMean || c.Missing == MissingMedian || c.Missing == MissingMost || c.Missing == MissingValue; fills != (c.Fill != "") {
		return fmt.Errorf("fill %.40q with missing %v, want both or neither", c.Fill, c.Missing)
	}
	return nil
}

// checkFill rejects a value for missing ones that cannot be encoded.
func (c *fittedColumn) checkFill(d dialect) error {
	if c.Fill == "" {
		return nil
	}
	if strings.TrimSpace(c.Fill) != c.Fill {
		return fmt.Errorf("fill %.40q begins or ends with a space", c.Fill)
	}
	return c.encode(value{c.Fill, true, true}, d, make([]float32, c.keeps()))
}
