// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"

	"github.com/reef-dl/reef/internal/kernel/ref"
	"github.com/reef-dl/reef/internal/kernel/rnn"
)

type (
	// RNN is a recurrent layer; package ref has the formulas and the meaning of each field.
	RNN = ref.RNN
	// RNNCell is one of the cells.
	RNNCell = ref.RNNCell
	// RNNGeneral has the activations of general cells.
	RNNGeneral = ref.RNNGeneral
	// RNNTensors are a layer's operands.
	RNNTensors[T Float] = ref.RNNTensors[T]
	// RNNGradients are the gradients of a layer.
	RNNGradients[T Float] = ref.RNNGrads[T]
)

// The cells of recurrent layers.
const (
	CellSimple        = ref.CellSimple
	CellGRU           = ref.CellGRU
	CellGRUResetAfter = ref.CellGRUResetAfter
	CellLSTM          = ref.CellLSTM
)

// RNNSavedLen returns the required length of RNNTensors.Saved.
func RNNSavedLen(s *RNN) int { return rnn.SavedLen(s) }

// RNNForward runs a recurrent layer over whole sequences. If Saved is nil, it keeps nothing for
// RNNBackward, needs little memory, and computes the same numbers; there must be no dropout then.
func RNNForward[T Float](s *RNN, t *RNNTensors[T]) {
	t32, ok := any(t).(*RNNTensors[float32])
	if !ok {
		ref.RNNForward(s, t)
		return
	}
	checkRNN(s, t32)
	if t32.Saved == nil && (t32.DropX != nil || t32.DropH != nil) {
		panic("recurrent: dropout without memory for a backward pass")
	}
	rnn.Forward(s, t32)
}

// RNNBackward writes the gradients of RNNForward. It needs Saved as RNNForward left it, and
// overwrites it.
func RNNBackward[T Float](s *RNN, t *RNNTensors[T], d *RNNGradients[T]) {
	t32, ok := any(t).(*RNNTensors[float32])
	if !ok {
		ref.RNNBackward(s, t, d)
		return
	}
	checkRNN(s, t32)
	sameLen("recurrent saved", RNNSavedLen(s), len(t32.Saved))
	rnn.Backward(s, t32, any(d).(*RNNGradients[float32]))
}

func checkRNN(s *RNN, t *RNNTensors[float32]) {
	g := s.Cell.Gates() * s.Units
	sameLen("recurrent x", s.Batch*s.Time*s.In, len(t.X))
	if t.Y != nil {
		sameLen("recurrent y", s.Batch*s.Time*s.Units, len(t.Y))
	}
	sameLen("recurrent w", s.In*g, len(t.W))
	sameLen("recurrent u", s.Units*g, len(t.U))
	if s.Cell == CellSimple && s.General == nil && !s.Act.FromOutput() {
		panic(fmt.Sprintf("recurrent: the gradient of %v does not follow from its output", s.Act))
	}
	if !s.Dropout && (t.DropX != nil || t.DropH != nil) {
		panic("recurrent: dropout without RNN.Dropout")
	}
	if t.Saved != nil {
		sameLen("recurrent saved", RNNSavedLen(s), len(t.Saved))
	}
}
