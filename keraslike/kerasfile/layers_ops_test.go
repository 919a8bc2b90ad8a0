// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerash5"
)

// operated reads a functional model that applies an operation, or a layer, to an input of a shape.
func operated(shape, class, module, config, args string) (*k.Model, error) {
	const (
		head = `{"class_name":"Functional","config":{"name":"m","layers":[{"class_name":"InputLayer","name":"x","config":{"batch_shape":[null,%s],"name":"x"},"inbound_nodes":[]},`
		tail = `{"module":%q,"class_name":%q,"name":"op","config":%s,"inbound_nodes":[{"args":[%s],"kwargs":{}}]}],"input_layers":["x",0,0],"output_layers":["op",0,0]}}`
		x    = `{"class_name":"__keras_tensor__","config":{"keras_history":["x",0,0]}}`
	)
	text := fmt.Sprintf(head+tail, shape, module, class, config, strings.ReplaceAll(args, "x", x))
	m, _, err := modelOf(&kerash5.File{Config: []byte(text), KerasVersion: "3.15.0"}, 0, "file", loadSettings{})
	return m, err
}

// slice is Keras's JSON of a slice of Python.
func slice(start, stop string) string {
	return fmt.Sprintf(`{"class_name":"__slice__","config":{"start":%s,"stop":%s,"step":null}}`, start, stop)
}

// TestOperations: operations with numbers and slices compute what they say.
func TestOperations(t *testing.T) {
	const ops, all = "keras.src.ops.numpy", `{"class_name":"__slice__","config":{"start":null,"stop":null,"step":null}}`
	x, err := k.NewArray([]float32{1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60}, 2, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		class, args string
		shape       []int
		want        []float32 // of the first sample, then of the second
	}{
		{"Multiply", "x,2", []int{2, 3, 2}, []float32{2, 4, 6, 8, 10, 12, 20, 40, 60, 80, 100, 120}},
		{"Add", "0.5,x", []int{2, 3, 2}, []float32{1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 10.5, 20.5, 30.5, 40.5, 50.5, 60.5}},
		{"Subtract", "x,1", []int{2, 3, 2}, []float32{0, 1, 2, 3, 4, 5, 9, 19, 29, 39, 49, 59}},
		{"Subtract", "1,x", []int{2, 3, 2}, []float32{0, -1, -2, -3, -4, -5, -9, -19, -29, -39, -49, -59}},
		{"TrueDivide", "x,4", []int{2, 3, 2}, []float32{0.25, 0.5, 0.75, 1, 1.25, 1.5, 2.5, 5, 7.5, 10, 12.5, 15}},
		{"GetItem", "x,[" + all + ",-1]", []int{2, 2}, []float32{5, 6, 50, 60}},
		{"GetItem", "x,[" + all + "," + slice("1", "null") + "]", []int{2, 2, 2}, []float32{3, 4, 5, 6, 30, 40, 50, 60}},
		{"GetItem", "x,[" + all + "," + slice("null", "-1") + ",0]", []int{2, 2}, []float32{1, 3, 10, 30}},
		{"GetItem", `x,[{"class_name":"__ellipsis__","config":{}},1]`, []int{2, 3}, []float32{2, 4, 6, 20, 40, 60}},
		{"GetItem", "x,[" + all + ",0,null]", []int{2, 1, 2}, []float32{1, 2, 10, 20}},
	} {
		m, err := operated("3,2", c.class, ops, `{"name":"op"}`, c.args)
		if err != nil {
			t.Errorf("%s(%s): %v", c.class, c.args, err)
			continue
		}
		y, err := m.Predict(x)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(y.Shape(), c.shape) || !slices.Equal(y.Values(), c.want) {
			t.Errorf("%s(%s) is %v %v, want %v %v", c.class, c.args, y.Shape(), y.Values(), c.shape, c.want)
		}
	}
	for _, c := range []struct{ class, args, want string }{
		{"TrueDivide", "1,x", "which does not fit a division"},
		{"TrueDivide", "x,0", "which does not fit a division"},
		{"TrueDivide", "x,x", "the quotient of two tensors is not supported"},
		{"GetItem", "x,0", "selects samples of the batch, which is not supported"},
		{"GetItem", "x,[" + slice("1", "2") + "]", "selects samples of the batch, which is not supported"},
		{"GetItem", "x,[" + all + "," + slice("2", "2") + "]", "selects 2 to 2 of an axis of 3"},
		{"GetItem", "x,[" + all + ",5]", "selects 5 to 3 of an axis of 3"},
		{"GetItem", "x,[" + all + ",0,0,0]", "has more axes than the tensor"},
		{"GetItem", `x,[` + all + `,{"class_name":"__slice__","config":{"start":0,"stop":3,"step":2}}]`, "want numbers and slices of steps of 1"},
	} {
		if _, err := operated("3,2", c.class, ops, `{"name":"op"}`, c.args); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s(%s): got %v, want %s", c.class, c.args, err, c.want)
		}
	}
}

// TestPipeline: the layers of a Pipeline run one after another, before the network, also with channels first.
func TestPipeline(t *testing.T) {
	values := make([]float32, 2*3*4*4)
	for i := range values {
		values[i] = float32(i * 5 % 90)
	}
	for _, first := range []bool{true, false} {
		format, shape := "channels_last", []int{4, 4, 3}
		if first {
			format, shape = "channels_first", []int{3, 4, 4}
		}
		x, err := k.NewArray(values, append([]int{2}, shape...)...)
		if err != nil {
			t.Fatal(err)
		}
		layers := fmt.Sprintf(`{"name":"op","layers":[{"module":"keras.layers","class_name":"AutoContrast","config":{"name":"a","data_format":%q}},{"module":"keras.layers","class_name":"RandomFlip","config":{"name":"b","data_format":%[1]q}}]}`, format)
		m, err := operated(fmt.Sprintf("%d,%d,%d", shape[0], shape[1], shape[2]), "Pipeline", "keras.layers", layers, "x")
		if err != nil {
			t.Fatal(err)
		}
		wrap := func(l k.Layer) k.Layer {
			if first {
				return k.ChannelsFirst(l)
			}
			return l
		}
		want := k.Sequential("m", k.Input(shape...), wrap(k.AutoContrast()))
		if err := want.Build(1); err != nil {
			t.Fatal(err)
		}
		got, err := m.Predict(x)
		if err != nil {
			t.Fatal(err)
		}
		y, err := want.Predict(x)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Shape(), y.Shape()) || !slices.Equal(got.Values(), y.Values()) {
			t.Errorf("%s: %v, want %v", format, got.Values(), y.Values())
		}
	}
}
