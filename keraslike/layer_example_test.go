// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/reef-dl/reef/graph"
	"github.com/reef-dl/reef/keraslike"
)

// A model with two inputs, a shared layer and two branches that meet.
func ExampleConcatenate() {
	left, right := keraslike.NamedInput("left", 16), keraslike.NamedInput("right", 16)
	shared := keraslike.Dense(8, keraslike.ReLU, keraslike.Name("shared"))
	a, b := shared.Apply(left), shared.Apply(right)
	both := keraslike.Concatenate().Apply(a, b)
	alike := keraslike.Dot(1, 1, keraslike.Normalized).Apply(a, b)
	out := keraslike.Dense(1, keraslike.Sigmoid).Apply(keraslike.Concatenate().Apply(both, alike))
	m := keraslike.NewModel("siamese", []*keraslike.Tensor{left, right}, []*keraslike.Tensor{out})
	if err := m.Summary(os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// Model: "siamese"
	// Layer                         Output shape   Parameters   Input
	// left (Input)                  (batch, 16)    0
	// right (Input)                 (batch, 16)    0
	// shared (Dense)                (batch, 8)     136          left
	// shared (Dense)                (batch, 8)     136          right
	// concatenate (Concatenate)     (batch, 16)    0            shared, shared
	// dot (Dot)                     (batch, 1)     0            shared, shared
	// concatenate_1 (Concatenate)   (batch, 17)    0            concatenate, dot
	// dense (Dense)                 (batch, 1)     18
	// Parameters: 154, trainable: 154, 616 bytes in memory
}

// Features of different sizes, brought to mean 0 and variance 1 inside the model.
func ExampleNormalization() {
	x, err := keraslike.Rows([][]float64{{1, 100}, {2, 300}, {3, 300}, {4, 100}})
	if err != nil {
		log.Fatal(err)
	}
	data, err := keraslike.Data(x, nil)
	if err != nil {
		log.Fatal(err)
	}
	norm := keraslike.Normalization()
	if err := keraslike.Adapt(context.Background(), norm, data); err != nil {
		log.Fatal(err)
	}
	m := keraslike.Sequential("m", keraslike.Input(2), norm)
	if err := m.Build(0); err != nil {
		log.Fatal(err)
	}
	y, err := m.Predict(x)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.2f\n", y.Values())
	// Output: [-1.34 -1.00 -0.45 1.00 0.45 1.00 1.34 -1.00]
}

// A layer of a few ops: the gradient of an image along its width.
func ExampleLambda() {
	slope := keraslike.Lambda(func(in ...*graph.Node) (*graph.Node, error) {
		var try graph.Try
		x := in[0]
		right := try.Do(graph.Slice(x, graph.At(2, 1, graph.Open)))
		left := try.Do(graph.Slice(x, graph.At(2, 0, -1)))
		return try.Do(graph.Sub(right, left)), try.Err()
	})
	m := keraslike.Sequential("m", keraslike.Input(1, 4, 1), slope)
	if err := m.Build(0); err != nil {
		log.Fatal(err)
	}
	x, err := keraslike.NewArray([]float32{1, 3, 6, 10}, 1, 1, 4, 1)
	if err != nil {
		log.Fatal(err)
	}
	y, err := m.Predict(x)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(y.Values())
	// Output: [2 3 4]
}

// The same small network on every picture of a film.
func ExampleTimeDistributed() {
	picture := keraslike.Sequential("picture",
		keraslike.Input(32, 32, 3),
		keraslike.Conv2D(8, 3, keraslike.NoBias),
		keraslike.BatchNormalization(),
		keraslike.Activation(keraslike.ReLU),
		keraslike.GlobalAveragePooling2D(),
	)
	m := keraslike.Sequential("film",
		keraslike.Input(10, 32, 32, 3),
		keraslike.TimeDistributed(picture),
		keraslike.GRU(16),
		keraslike.Dense(2, keraslike.Softmax),
	)
	if err := m.Summary(os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// Model: "film"
	// Layer                                Output shape             Parameters   Input
	// input (Input)                        (batch, 10, 32, 32, 3)   0
	// time_distributed (TimeDistributed)   (batch, 10, 8)           248
	// gru (GRU)                            (batch, 16)              1,248
	// dense (Dense)                        (batch, 2)               34
	// Parameters: 1,530, trainable: 1,514, 6.0 KiB in memory
}

// Attention with a residual connection and normalization, as in a transformer.
func ExampleMultiHeadAttention() {
	in := keraslike.Input(20, 64)
	x := keraslike.MultiHeadAttention(4, 16, keraslike.CausalMask).Apply(in)
	x = keraslike.LayerNormalization().Apply(keraslike.Add().Apply(in, x))
	m := keraslike.NewModel("block", []*keraslike.Tensor{in}, []*keraslike.Tensor{x})
	if err := m.Summary(os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// Model: "block"
	// Layer                                       Output shape      Parameters   Input
	// input (Input)                               (batch, 20, 64)   0
	// multi_head_attention (MultiHeadAttention)   (batch, 20, 64)   16,640
	// add (Add)                                   (batch, 20, 64)   0            input, multi_head_attention
	// layer_normalization (LayerNormalization)    (batch, 20, 64)   128
	// Parameters: 16,768, trainable: 16,768, 65.5 KiB in memory
}

// Sentences of different lengths, padded with 0: given word vectors that stay as they
// are, and a recurrent layer that skips the padding.
func ExampleEmbedding() {
	m := keraslike.Sequential("m", keraslike.Input(4),
		keraslike.Embedding(3, 2, keraslike.MaskZero, keraslike.Trainable(false)),
		keraslike.SimpleRNN(2, keraslike.Linear, keraslike.NoBias),
	)
	if err := m.Build(1); err != nil {
		log.Fatal(err)
	}
	for path, values := range map[string][]float32{
		"embedding/embeddings":        {9, 9, 1, 0, 0, 1}, // of padding and of two words
		"simple_rnn/kernel":           {1, 0, 0, 1},
		"simple_rnn/recurrent_kernel": {1, 0, 0, 1},
	} {
		w, err := m.Weight(path)
		if err != nil {
			log.Fatal(err)
		}
		if err := w.Set(values); err != nil {
			log.Fatal(err)
		}
	}
	x, err := keraslike.Rows([][]int{{1, 2, 2, 0}, {2, 0, 0, 0}})
	if err != nil {
		log.Fatal(err)
	}
	y, err := m.Predict(x)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(y.Values())
	// Output: [1 2 0 1]
}

// A layer of both directions whose last states start another layer, as in an encoder and
// its decoder.
func ExampleBidirectional() {
	question, answer := keraslike.NamedInput("question", 10, 8), keraslike.NamedInput("answer", 12, 8)
	encoded := keraslike.Bidirectional(keraslike.LSTM(16, keraslike.ReturnState, keraslike.RecurrentDropout(0.2))).Apply(question)
	h := keraslike.Concatenate().Apply(encoded.Output(1), encoded.Output(3))
	c := keraslike.Concatenate().Apply(encoded.Output(2), encoded.Output(4))
	decoded := keraslike.LSTM(32, keraslike.ReturnSequences).Apply(answer, h, c)
	m := keraslike.NewModel("decoder", []*keraslike.Tensor{question, answer}, []*keraslike.Tensor{decoded})
	if err := m.Build(1); err != nil {
		log.Fatal(err)
	}
	fmt.Println(decoded.Shape())
	for _, w := range m.Weights()[:3] {
		fmt.Println(w.Path(), w.Shape())
	}
	// Output:
	// (batch, 12, 32)
	// bidirectional/forward_lstm/kernel [8 64]
	// bidirectional/forward_lstm/recurrent_kernel [16 64]
	// bidirectional/forward_lstm/bias [64]
}

// A custom loss, made of graph nodes: the mean of |p - t|³.
func ExampleCustomLoss() {
	cubic := keraslike.CustomLoss("cubic", func(p, t *graph.Node) (*graph.Node, error) {
		var try graph.Try
		e := try.Do(graph.Sub(p, t))
		size := try.Do(graph.Maximum(e, try.Do(graph.Scale(e, -1))))
		return try.Do(graph.Mul(try.Do(graph.Mul(e, e)), size)), try.Err()
	})
	m := keraslike.Sequential("m", keraslike.Input(1), keraslike.Dense(1, keraslike.KernelInitializer(keraslike.Ones())))
	if err := m.Compile(keraslike.SGD(0.1), cubic); err != nil {
		log.Fatal(err)
	}
	x, errX := keraslike.Column([]float64{1, 2})
	y, errY := keraslike.Column([]float64{3, 2})
	if err := errors.Join(errX, errY); err != nil {
		log.Fatal(err)
	}
	result, err := m.TrainOnBatch(x.Tensor(), y.Tensor())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Loss())
	// Output: 4
}

// Sentences of any length: is the word 3 in it? Short ones are padded in training, and the model is
// asked about longer ones than it has seen.
func ExampleAny() {
	var sentences [][]int
	var answers []int
	for i := range 60 {
		words := make([]int, 2+i%8)
		for j := range words {
			words[j] = []int{1, 2, 4}[(i*5+j*j)%3] // 0 is for padding
		}
		if i%2 == 0 {
			words[i/2%len(words)] = 3
		}
		sentences, answers = append(sentences, words), append(answers, 1-i%2)
	}
	x, errX := keraslike.Stack(sentences, keraslike.Any)
	y, errY := keraslike.Column(answers)
	data, err := keraslike.Data(x, y)
	if err := errors.Join(errX, errY, err); err != nil {
		log.Fatal(err)
	}
	m := keraslike.Sequential("finder",
		keraslike.Input(keraslike.Any),
		keraslike.Embedding(5, 4, keraslike.MaskZero),
		keraslike.GRU(8),
		keraslike.Dense(1, keraslike.Sigmoid),
	)
	if err := m.Summary(os.Stdout); err != nil {
		log.Fatal(err)
	}
	if err := m.Compile(keraslike.Adam(0.03), keraslike.BinaryCrossentropy, keraslike.Accuracy); err != nil {
		log.Fatal(err)
	}
	if _, err := m.Fit(context.Background(), keraslike.Padded(data), keraslike.Epochs(60), keraslike.BatchSize(16)); err != nil {
		log.Fatal(err)
	}
	questions, err := keraslike.Stack([][]int{{3}, {1, 2, 4}, {1, 2, 1, 4, 4, 1, 2, 3, 2, 1, 4, 2}}, keraslike.Any)
	if err != nil {
		log.Fatal(err)
	}
	p, err := m.Predict(questions)
	if err != nil {
		log.Fatal(err)
	}
	for i := range p.Len() {
		fmt.Println(p.Row(i)[0] > 0.5)
	}
	// Output:
	// Model: "finder"
	// Layer                   Output shape    Parameters   Input
	// input (Input)           (batch, ?)      0
	// embedding (Embedding)   (batch, ?, 4)   20
	// gru (GRU)               (batch, 8)      336
	// dense (Dense)           (batch, 1)      9
	// Parameters: 365, trainable: 365, 1.4 KiB in memory
	// true
	// false
	// true
}
