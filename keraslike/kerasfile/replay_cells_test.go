// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
)

// ownCell is a cell that Keras's tests define: each state is x·W + h·U of the first state h, and the
// output is the sum of the states.
type ownCell struct {
	Kernels []string
	Units   int
}

func (ownCell) Kind() string { return "ownCell" }

func (c ownCell) States() (list []k.Shape) {
	for range c.Kernels {
		list = append(list, k.Shape{c.Units})
	}
	return list
}

func (c ownCell) Build(b *k.Builder, in k.Shape) (k.Shape, error) {
	b.Weight("kernel", k.Ones(), k.Regularizer{}, in[0], c.Units)
	for _, name := range c.Kernels {
		b.Weight(name, k.Ones(), k.Regularizer{}, c.Units, c.Units)
	}
	return k.Shape{c.Units}, nil
}

func (c ownCell) Step(s *k.Scope, x *graph.Node, states []*graph.Node) (y *graph.Node, next []*graph.Node) {
	h := s.Do(graph.MatMul(x, s.Weight("kernel")))
	for _, name := range c.Kernels {
		state := s.Do(graph.Add(h, s.Do(graph.MatMul(states[0], s.Weight(name)))))
		if next = append(next, state); y == nil {
			y = state
		} else {
			y = s.Do(graph.Add(y, state))
		}
	}
	return y, next
}

// ownCellOf makes one of these cells, or a stack of them.
func ownCellOf(c layerConfig) (k.RecurrentCell, error) {
	var config struct {
		Units int           `json:"units"`
		Cells []layerConfig `json:"cells"`
	}
	if err := json.Unmarshal(c.Config, &config); err != nil {
		return nil, err
	}
	switch c.Class {
	case "OneStateRNNCell":
		return k.CustomCell(ownCell{[]string{"recurrent_kernel"}, config.Units}), nil
	case "TwoStatesRNNCell":
		return k.CustomCell(ownCell{[]string{"recurrent_kernel_1", "recurrent_kernel_2"}, config.Units}), nil
	case "StackedRNNCells":
		var cells []k.RecurrentCell
		for _, inner := range config.Cells {
			cell, err := ownCellOf(inner)
			if err != nil {
				return nil, err
			}
			cells = append(cells, cell)
		}
		return k.StackedRNNCells(cells...), nil
	}
	return nil, impossible("Python code of the test: " + c.Class)
}

// ownRNN makes an RNN with such a cell, nil for other layers.
func ownRNN(c layerConfig) (k.Layer, error) {
	if c.Class != "RNN" || !strings.Contains(string(c.Config), "StateRNNCell") && !strings.Contains(string(c.Config), "StatesRNNCell") {
		return nil, nil
	}
	s := settingsOf(c, "trainable", "unroll")
	var inner layerConfig
	s.take("cell", &inner)
	cell, err := ownCellOf(inner)
	if err != nil {
		return nil, err
	}
	var options []k.RecurrentOption
	for name, flag := range map[string]k.RecurrentFlag{
		"return_sequences": k.ReturnSequences, "return_state": k.ReturnState, "go_backwards": k.GoBackwards,
		"zero_output_for_mask": k.ZeroOutputForMask, "stateful": k.Stateful,
	} {
		options = append(options, when[k.RecurrentOption](s.flag(name, false), flag)...)
	}
	if err := s.done(); err != nil {
		return nil, fmt.Errorf("%w", err)
	}
	return k.RNN(cell, options...), nil
}
