// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	k "github.com/reef-dl/reef/keraslike"
)

// Operations of tensors that a functional model has besides layers: with a number, as x·2 + 1, and slices, as
// x[:, -1]. Their calls have the arguments.

var _ = register(map[string]class{
	"Divide":     {read: arithmetic(nil, quotient)},
	"TrueDivide": {read: arithmetic(nil, quotient)},
	"GetItem":    {read: getItem},
})

// constantOperand and constantFirst are arguments that an operation with a number gets from its call.
const (
	constantOperand = "constant_operand"
	constantFirst   = "constant_first"
)

// arithmetic reads a layer that merges its inputs, or an operation of an input and a number, which scales
// the input and adds to it.
func arithmetic(merge func(...k.LayerOption) k.Layer, line func(c float64, first bool) (scale, offset float64)) func(a *args) k.Layer {
	return func(a *args) k.Layer {
		var c float64
		first := a.flag(constantFirst, false)
		switch {
		case a.take(constantOperand, &c):
			scale, offset := line(c, first)
			if math.IsInf(scale, 0) || math.IsNaN(scale) {
				a.fail(constantOperand, fmt.Errorf("is %g, which does not fit a division", c))
			}
			return k.Rescaling(scale, offset)
		case merge == nil:
			a.fail(constantOperand, errors.New("is missing: the quotient of two tensors is not supported"))
			return nil
		}
		return merge()
	}
}

func minus(c float64, first bool) (scale, offset float64) {
	if first {
		return -1, c
	}
	return 1, -c
}

// quotient is not a number for c/x, which is no line.
func quotient(c float64, first bool) (scale, offset float64) {
	if first {
		return math.NaN(), 0
	}
	return 1 / c, 0
}

// itemKey is the argument of a slice.
const itemKey = "key"

// getItem reads a slice x[:, a, b:c, None, ...], of steps of 1. The batch must stay as it is.
func getItem(a *args) k.Layer {
	var raw json.RawMessage
	var keys []json.RawMessage
	if !a.take(itemKey, &raw) || json.Unmarshal(raw, &keys) != nil || len(a.in) != 1 {
		a.fail(itemKey, errors.New("selects samples of the batch, which is not supported"))
		return nil
	}
	in := k.Input(a.in[0]...)
	s := slicing{shape: a.in[0], x: in}
	if err := s.all(keys); err != nil {
		a.fail(itemKey, err)
		return nil
	}
	return k.NewModel("get_item", []*k.Tensor{in}, []*k.Tensor{k.Reshape(s.out).Apply(s.x)})
}

// slicing is a slice of a tensor x whose axes are shape: the first of them became out, that of the result.
type slicing struct {
	shape k.Shape
	x     *k.Tensor
	axis  int
	out   []int
}

func (s *slicing) all(keys []json.RawMessage) error {
	batch := true
	for i, key := range keys {
		var kind struct {
			Class  string `json:"class_name"`
			Config struct {
				Start *int `json:"start"`
				Stop  *int `json:"stop"`
				Step  *int `json:"step"`
			} `json:"config"`
		}
		var at int
		switch {
		case string(key) == "null" && !batch:
			s.out = append(s.out, 1)
			continue
		case string(key) != "null" && json.Unmarshal(key, &at) == nil && !batch:
			if err := s.take(at, at+1, at == -1); err != nil {
				return err
			}
			continue
		case json.Unmarshal(key, &kind) != nil:
			return fmt.Errorf("is %.60s, want numbers and slices behind that of the batch", key)
		case kind.Class == "__ellipsis__":
			rest := 0 // keys of axes that follow
			for _, later := range keys[i+1:] {
				if string(later) != "null" {
					rest++
				}
			}
			batch = false
			for s.axis < len(s.shape)-rest {
				s.keep()
			}
			continue
		case kind.Class != "__slice__" || kind.Config.Step != nil && *kind.Config.Step != 1:
			return fmt.Errorf("is %.60s, want numbers and slices of steps of 1", key)
		}
		c := kind.Config
		if batch {
			if batch = false; c.Start != nil || c.Stop != nil {
				return errors.New("selects samples of the batch, which is not supported")
			}
			continue
		}
		start, stop := 0, 0
		if c.Start != nil {
			start = *c.Start
		}
		if c.Stop != nil {
			stop = *c.Stop
		}
		if c.Start == nil && c.Stop == nil && s.axis < len(s.shape) {
			s.keep()
			continue
		}
		if err := s.take(start, stop, c.Stop == nil); err != nil {
			return err
		}
		s.out = append(s.out, s.shape[s.axis-1])
	}
	for s.axis < len(s.shape) {
		s.keep()
	}
	return nil
}

// keep leaves an axis as it is.
func (s *slicing) keep() {
	s.out = append(s.out, s.shape[s.axis])
	s.axis++
}

// take cuts the part from start to stop, or to the end, out of the next axis. Negative numbers count from the end.
func (s *slicing) take(start, stop int, toEnd bool) error {
	if s.axis >= len(s.shape) {
		return fmt.Errorf("has more axes than the tensor, which is %v", s.shape)
	}
	n := s.shape[s.axis]
	if slices.Contains(s.shape, k.Any) {
		return fmt.Errorf("is of a tensor %v, want all axes known", s.shape)
	}
	if start < 0 {
		start += n
	}
	if stop < 0 {
		stop += n
	}
	if stop = min(stop, n); toEnd {
		stop = n
	}
	if start < 0 || start >= stop {
		return fmt.Errorf("selects %d to %d of an axis of %d", start, stop, n)
	}
	before, after := s.shape[:s.axis].Size(), s.shape[s.axis+1:].Size()
	s.x = k.Reshape([]int{before, n, after}).Apply(s.x)
	s.x = k.Cropping2D(0, 0, start, n-stop).Apply(s.x)
	s.shape = slices.Clone(s.shape)
	s.shape[s.axis] = stop - start
	s.axis++
	return nil
}
