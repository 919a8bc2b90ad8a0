// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerash5"
)

// cellKind is a layer whose tensors the file lists one after another: its kind, and its arguments where the order
// of the tensors depends on them.
type cellKind struct {
	Kind   string          `json:"kind"`
	Config json.RawMessage `json:"config"`
}

// cells returns the layers whose tensors a layer lists in sequence: two for Bidirectional, the inner layer for
// TimeDistributed and ChannelsFirst.
func (l layerPath) cells() []cellKind {
	if !slices.Contains([]string{"Bidirectional", "TimeDistributed", "ChannelsFirst", "RNN"}, l.layer.Kind) {
		return []cellKind{{Kind: l.layer.Kind}}
	}
	arguments, err := l.layer.Arguments()
	if err != nil {
		return []cellKind{{Kind: l.layer.Kind}}
	}
	return cellsOf(cellKind{l.layer.Kind, arguments})
}

func cellsOf(c cellKind) []cellKind {
	var wrapped struct {
		Layer    cellKind `json:"layer"`
		Backward cellKind `json:"backward_layer"`
	}
	if c.Kind == "RNN" || json.Unmarshal(c.Config, &wrapped) != nil {
		return []cellKind{c}
	}
	switch c.Kind {
	case "Bidirectional":
		return []cellKind{wrapped.Layer, wrapped.Backward}
	case "TimeDistributed", "ChannelsFirst":
		return cellsOf(wrapped.Layer)
	}
	return []cellKind{c}
}

// fileTensors returns how many tensors the file has for a layer if it is not the number of its
// weights: in Keras 1, and for Normalization, whose count of samples is a third tensor.
func (l layerPath) fileTensors() int {
	n := len(l.layer.Weights)
	cells := l.cells()
	switch gates := map[string]int{"LSTM": 4, "GRU": 3}[cells[0].Kind]; {
	case gates > 0:
		return n * gates
	case cells[0].Kind == "Normalization" && n > 0:
		return n + 1
	}
	return n
}

// convert converts the tensors of a layer to the current form.
func (f *weightsFile) convert(l layerPath, tensors []fileTensor) []fileTensor {
	cells := l.cells()
	if len(tensors)%len(cells) != 0 {
		return tensors
	}
	var out []fileTensor
	for i, cell := range cells {
		n := len(tensors) / len(cells)
		out = append(out, f.convertCell(cell, tensors[i*n:(i+1)*n])...)
	}
	return out
}

func (f *weightsFile) convertCell(cell cellKind, tensors []fileTensor) []fileTensor {
	switch kind := cell.Kind; {
	case kind == "RNN":
		return stackedCells(cell.Config, tensors)
	case kind == "SpectralNormalization":
		return spectral(tensors)
	case kind == "LSTM" && len(tensors) == 12: // Keras 1: W, U, b of i, c, f and o
		return joined(tensors, 0, 2, 1, 3)
	case kind == "GRU" && len(tensors) == 9: // Keras 1: of z, r and h
		return joined(tensors, 0, 1, 2)
	case kind == "LSTM" || kind == "GRU":
		return fromCuDNN(kind, tensors)
	case kind == "Normalization":
		tensors = slices.Clone(tensors[:min(2, len(tensors))]) // the third is the count of samples
		for i := range tensors {
			if len(tensors[i].shape) == 0 { // over all axes
				tensors[i].shape = []int{1}
			}
		}
		return tensors
	case len(tensors) > 0 && slices.Contains([]string{"Conv1D", "Conv2D", "Conv2DTranspose"}, kind):
		return append([]fileTensor{f.convKernel(kind, tensors[0])}, tensors[1:]...)
	}
	return tensors
}

// stackedCells brings the tensors of a stack of cells into the order of the cells: files of Keras 3 have a group
// for each, by the class and number, in alphabetical order.
func stackedCells(arguments json.RawMessage, tensors []fileTensor) []fileTensor {
	var stack struct {
		Cells []cellKind `json:"cells"`
	}
	if json.Unmarshal(arguments, &stack) != nil {
		return tensors
	}
	var ordered []fileTensor
	used := map[string]int{}
	for _, c := range stack.Cells {
		group := kerash5.GroupName(c.Kind+"Cell", used[c.Kind])
		used[c.Kind]++
		for _, t := range tensors {
			if strings.Contains("/"+t.name, "/cells/"+group+"/") {
				ordered = append(ordered, t)
			}
		}
	}
	if len(ordered) != len(tensors) { // a single cell, or a file that lists the weights
		return tensors
	}
	return ordered
}

// spectral brings the tensors of SpectralNormalization into the order of its weights: files of Keras 3 have the
// kernel and vector_u as its own variables, and all those of its layer, with the kernel again.
func spectral(tensors []fileTensor) []fileTensor {
	var own, inner []fileTensor
	for _, t := range tensors {
		if strings.HasPrefix(t.name, "layer/") {
			inner = append(inner, t)
		} else {
			own = append(own, t)
		}
	}
	if len(own) == 0 || len(inner) == 0 {
		return tensors
	}
	return append(inner, own[len(own)-1])
}

// convKernel converts the kernel of a convolution to TensorFlow's layout. Theano rotates
// kernels by 180 degrees, except depthwise ones, which Keras had already rotated. In Keras 1,
// 1-D kernels have an additional axis of size 1 or, with Theano, all four axes in reverse
// order, and transposed convolutions have their channels swapped.
func (f *weightsFile) convKernel(kind string, t fileTensor) fileTensor {
	if f.legacy && (f.version == "" || strings.HasPrefix(f.version, "1.")) {
		switch {
		case kind == "Conv1D" && len(t.shape) == 4 && t.shape[1] == 1:
			t.shape = []int{t.shape[0], t.shape[2], t.shape[3]}
		case kind == "Conv1D" && len(t.shape) == 4 && t.shape[3] == 1: // (filters, in, steps, 1)
			t = t.moved([]int{t.shape[2], t.shape[1], t.shape[0]}, func(shape []int, at []int) int {
				return (at[2]*shape[1]+at[1])*shape[2] + at[0]
			})
		case kind == "Conv2DTranspose" && len(t.shape) == 4:
			t = t.moved([]int{t.shape[0], t.shape[1], t.shape[3], t.shape[2]}, func(shape []int, at []int) int {
				return ((at[0]*shape[1]+at[1])*shape[2]+at[3])*shape[3] + at[2]
			})
		}
	}
	if f.backend != "theano" || len(t.shape) < 3 {
		return t
	}
	spatial := len(t.shape) - 2
	return t.moved(t.shape, func(shape []int, at []int) int {
		from := 0
		for axis, n := range shape {
			i := at[axis]
			if axis < spatial {
				i = n - 1 - i
			}
			from = from*n + i
		}
		return from
	})
}

// moved returns a tensor with its elements rearranged: from maps an index of the new shape to
// one of the old shape.
func (t fileTensor) moved(to []int, from func(old, at []int) int) fileTensor {
	old, read := t.shape, t.read
	t.shape = to
	t.read = func() ([]float32, error) {
		values, err := read()
		if err != nil {
			return nil, err
		}
		out, at := make([]float32, len(values)), make([]int, len(to))
		for i := range out {
			out[i] = values[from(old, at)]
			for axis := len(to) - 1; axis >= 0; axis-- {
				if at[axis]++; at[axis] < to[axis] {
					break
				}
				at[axis] = 0
			}
		}
		return out, nil
	}
	return t
}

// fromCuDNN recognizes CuDNNLSTM and CuDNNGRU by their two biases in one row. Their kernels
// are the transposed kernels of the gates side by side; the input kernel has the shape of the
// untransposed one nevertheless. An LSTM adds the biases; a GRU keeps both (reset_after).
func fromCuDNN(kind string, tensors []fileTensor) []fileTensor {
	gates := map[string]int{"LSTM": 4, "GRU": 3}[kind]
	if len(tensors) != 3 || len(tensors[0].shape) != 2 || len(tensors[1].shape) != 2 || len(tensors[2].shape) != 1 {
		return tensors
	}
	units := tensors[1].shape[0]
	if units == 0 || tensors[0].shape[1] != gates*units || tensors[1].shape[1] != gates*units || tensors[2].shape[0] != 2*gates*units {
		return tensors
	}
	out := slices.Clone(tensors)
	out[0] = tensors[0].moved(tensors[0].shape, func(shape, at []int) int {
		gate, j := at[1]/units, at[1]%units
		flat := j*shape[0] + at[0] // within the gate, as if it had as many rows as units
		return flat/units*shape[1] + gate*units + flat%units
	})
	out[1] = tensors[1].moved(tensors[1].shape, func(shape, at []int) int {
		gate, j := at[1]/units, at[1]%units
		return j*shape[1] + gate*units + at[0]
	})
	bias := tensors[2]
	if kind == "GRU" {
		out[2].shape = []int{2, gates * units}
		return out
	}
	out[2].shape = []int{gates * units}
	out[2].read = func() ([]float32, error) {
		values, err := bias.read()
		if err != nil {
			return nil, err
		}
		sum := make([]float32, gates*units)
		for i := range sum {
			sum[i] = values[i] + values[gates*units+i]
		}
		return sum, nil
	}
	return out
}

// joined concatenates the kernels, recurrent kernels and biases of the gates.
func joined(tensors []fileTensor, gates ...int) []fileTensor {
	var out []fileTensor
	for i, name := range []string{"kernel", "recurrent_kernel", "bias"} {
		var parts []fileTensor
		for _, g := range gates {
			parts = append(parts, tensors[3*g+i])
		}
		t := fileTensor{name: name, path: parts[0].path + " ...", shape: slices.Clone(parts[0].shape)}
		if len(t.shape) == 0 {
			return tensors // not the gates of a layer; the shapes will not match
		}
		last := len(t.shape) - 1
		t.shape[last] *= len(gates)
		t.read = func() ([]float32, error) { return side(parts) }
		out = append(out, t)
	}
	return out
}

// side reads matrices of the same shape and concatenates their columns.
func side(parts []fileTensor) ([]float32, error) {
	shape := parts[0].shape
	width := shape[len(shape)-1]
	if width == 0 {
		return nil, errors.New("a gate has no columns")
	}
	rows := k.Shape(shape).Size() / width
	out := make([]float32, rows*width*len(parts))
	for i, p := range parts {
		if !slices.Equal(p.shape, shape) {
			return nil, fmt.Errorf("%s has shape %v, want %v as %s", p.path, p.shape, shape, parts[0].path)
		}
		values, err := p.read()
		if err != nil {
			return nil, err
		}
		for row := range rows {
			copy(out[(row*len(parts)+i)*width:], values[row*width:(row+1)*width])
		}
	}
	return out, nil
}
