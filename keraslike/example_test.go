// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike"
)

// xor is a data set of four points: two numbers and whether they differ.
func xor() keraslike.Source {
	x, errX := keraslike.Rows([][]float64{{0, 0}, {0, 1}, {1, 0}, {1, 1}})
	y, errY := keraslike.Column([]int{0, 1, 1, 0})
	data, err := keraslike.Data(x, y)
	if err := errors.Join(errX, errY, err); err != nil {
		log.Fatal(err)
	}
	return data
}

// xorModel is a compiled model for it.
func xorModel() *keraslike.Model {
	m := keraslike.Sequential("xor",
		keraslike.Input(2),
		keraslike.Dense(8, keraslike.Tanh),
		keraslike.Dense(1, keraslike.Sigmoid),
	)
	if err := m.Compile(keraslike.Adam(0.1), keraslike.BinaryCrossentropy, keraslike.Accuracy); err != nil {
		log.Fatal(err)
	}
	return m
}

func ExampleSequential() {
	m := keraslike.Sequential("digits",
		keraslike.Input(28, 28),
		keraslike.Flatten(),
		keraslike.Dense(512, keraslike.ReLU),
		keraslike.Dropout(0.5),
		keraslike.Dense(10, keraslike.Softmax),
	)
	if err := m.Summary(os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// Model: "digits"
	// Layer               Output shape      Parameters   Input
	// input (Input)       (batch, 28, 28)   0
	// flatten (Flatten)   (batch, 784)      0
	// dense (Dense)       (batch, 512)      401,920
	// dropout (Dropout)   (batch, 512)      0
	// dense_1 (Dense)     (batch, 10)       5,130
	// Parameters: 407,050, trainable: 407,050, 1.6 MiB in memory
}

func ExampleModel_Fit() {
	m := xorModel()
	history, err := m.Fit(context.Background(), xor(), keraslike.Epochs(100), keraslike.BatchSize(4))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("accuracy after", history.Epochs(), "epochs:", history.Last("accuracy"))
	// Output: accuracy after 100 epochs: 1
}

// Two branches that meet again need layers that are applied with Of.
func ExampleNewModel() {
	in := keraslike.NamedInput("pixels", 16)
	features := keraslike.Dense(8, keraslike.ReLU, keraslike.Name("features")).Apply(in)
	class := keraslike.Dense(3, keraslike.Softmax, keraslike.Name("class")).Apply(features)
	size := keraslike.Dense(1, keraslike.Name("size")).Apply(features)
	m := keraslike.NewModel("two heads", []*keraslike.Tensor{in}, []*keraslike.Tensor{class, size})
	if err := m.Summary(os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// Model: "two heads"
	// Layer              Output shape   Parameters   Input
	// pixels (Input)     (batch, 16)    0
	// features (Dense)   (batch, 8)     136
	// class (Dense)      (batch, 3)     27
	// size (Dense)       (batch, 1)     9            features
	// Parameters: 172, trainable: 172, 688 bytes in memory
}

// A model that is saved with its optimizer resumes training as if nothing had happened.
func ExampleModel_Save() {
	m := xorModel()
	if _, err := m.Fit(context.Background(), xor(), keraslike.Epochs(50)); err != nil {
		log.Fatal(err)
	}
	path := filepath.Join(os.TempDir(), "reef_example_xor.safetensors")
	err := m.Save(path, keraslike.WithOptimizer)
	if err != nil {
		log.Fatal(err)
	}
	again, err := keraslike.Load(path)
	if errRemove := os.Remove(path); err != nil || errRemove != nil {
		log.Fatal(err, errRemove)
	}
	a, errA := m.Fit(context.Background(), xor(), keraslike.Epochs(50))
	b, errB := again.Fit(context.Background(), xor(), keraslike.Epochs(50))
	if errA != nil || errB != nil {
		log.Fatal(errA, errB)
	}
	fmt.Println("the same loss:", a.Last("loss") == b.Last("loss"))
	// Output: the same loss: true
}

// Gate is a custom layer: y = x·sigmoid(x·W).
type Gate struct {
	Init keraslike.Initializer `json:"init"`
}

func (*Gate) Kind() string { return "Gate" }

func (d *Gate) Build(b *keraslike.Builder, in []keraslike.Shape) (keraslike.Shape, error) {
	if len(in) != 1 || len(in[0]) != 1 {
		return nil, fmt.Errorf("got inputs %v, want one of shape (batch, features)", in)
	}
	b.Weight("kernel", d.Init, keraslike.Regularizer{}, in[0][0], in[0][0])
	return in[0], nil
}

func (*Gate) Forward(s *keraslike.Scope, in []*graph.Node) *graph.Node {
	z := s.Do(graph.MatMul(in[0], s.Weight("kernel")))
	return s.Do(graph.Mul(in[0], s.Activate(z, keraslike.Sigmoid)))
}

func ExampleCustom() {
	m := keraslike.Sequential("gated",
		keraslike.Input(4),
		keraslike.Custom(&Gate{Init: keraslike.Zeros()}),
	)
	if err := m.Build(1); err != nil {
		log.Fatal(err)
	}
	x, err := keraslike.Rows([][]float64{{1, 2, 3, 4}})
	if err != nil {
		log.Fatal(err)
	}
	y, err := m.Predict(x)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(y)

	wrong := keraslike.Sequential("wrong", keraslike.Input(4, 4), keraslike.Custom(&Gate{Init: keraslike.Zeros()}))
	fmt.Println(wrong.Build(1))
	// Output:
	// (1, 4) [0.5 1 1.5 2]
	// Gate "gate": got inputs [(batch, 4, 4)], want one of shape (batch, features); shapes on the way: input (batch, 4, 4)
}
