// SPDX-License-Identifier: Apache-2.0

package datasets_test

import (
	"context"
	"fmt"
	"log"

	"github.com/reef-dl/reef/datasets"
)

func ExampleMNIST() {
	train, test, err := datasets.MNIST(context.Background(), datasets.From{Source: datasets.Sample})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(train.Len(), test.Len(), train.Label(0))
	fmt.Println(train.Flat().OneHot().Shapes())
	fmt.Println(train.Origin())
	// Output:
	// 2000 500 5
	// [[784]] [[10]]
	// mnist: embedded sample (2,000 training and 500 test images, evenly over the digits)
}

// The table of project 2: scaled by the training rows, then cut into folds.
func ExampleBoston() {
	train, test, err := datasets.Boston(context.Background(), datasets.From{Source: datasets.Sample})
	if err != nil {
		log.Fatal(err)
	}
	scaler, err := datasets.StandardScaler(train.X, len(train.Columns))
	if err != nil {
		log.Fatal(err)
	}
	if train, err = train.Scaled(scaler); err != nil {
		log.Fatal(err)
	}
	if test, err = test.Scaled(scaler); err != nil {
		log.Fatal(err)
	}
	folds, err := datasets.KFold{K: 10, Shuffle: true, Seed: 1}.Split(train.Len())
	if err != nil {
		log.Fatal(err)
	}
	part, validation, err := folds[0].Subsets(train)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(part.Len(), validation.Len(), test.Len())
	fmt.Printf("%.4f\n", train.X[:3])
	// Output:
	// 363 41 102
	// [-0.2722 -0.4836 -0.4358]
}

// Multi-hot reviews, as projects 3 and 4 use them.
func ExampleIMDB() {
	train, _, err := datasets.IMDB(context.Background(), datasets.From{Source: datasets.Sample}, datasets.Words{NumWords: 10000})
	if err != nil {
		log.Fatal(err)
	}
	hot, err := train.MultiHot(10000)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(hot.Len(), hot.Names(), hot.SparseInput(0))
	fmt.Println(hot.Active(0, 0)[:6])
	// Output:
	// 800 [neg pos] true
	// [1 2 4 5 6 8]
}

func ExampleTokenizer() {
	texts := []string{"The cat sat on the mat.", "The dog ate my homework."}
	tok := &datasets.Tokenizer{NumWords: 1000}
	tok.Fit(texts)
	ids := tok.Sequences(texts)
	fmt.Println(ids)
	padded, err := datasets.PadSequences(ids, datasets.Padding{Length: 8})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(padded.Data[:8])
	// Output:
	// [[1 2 3 4 1 5] [1 6 7 8 9]]
	// [0 0 1 2 3 4 1 5]
}

// The windows of project 9: ten days, one row an hour, to the temperature a day on.
func ExampleNewWindows() {
	series, err := datasets.Jena(context.Background(), datasets.From{Source: datasets.Sample})
	if err != nil {
		log.Fatal(err)
	}
	series, scaler, err := series.Normalized(0, 100_000)
	if err != nil {
		log.Fatal(err)
	}
	w, err := datasets.NewWindows(series.Table, datasets.Window{
		Lookback: 1440, Step: 6, Delay: 144, Target: 1, First: 100_001, End: 150_000,
	})
	if err != nil {
		log.Fatal(err)
	}
	rows, target := w.Rows(0)
	fmt.Println(w.Shapes())
	fmt.Println(rows[0], rows[1], "...", rows[len(rows)-1], "->", target)
	fmt.Printf("nothing changes: off by %.1f degrees\n", w.NaiveMAE()*scaler.Scale[1])
	// Output:
	// [[240 14]] [[1]]
	// 100001 100007 ... 101435 -> 101585
	// nothing changes: off by 2.5 degrees
}

func ExampleCatsDogs() {
	train, validation, test, err := datasets.CatsDogs(context.Background(), datasets.From{Source: datasets.Sample}, datasets.ImageOptions{
		Height: 150, Width: 150,
		Augment: &datasets.Augment{Rotation: 40, WidthShift: 0.2, HeightShift: 0.2, Shear: 0.2, Zoom: 0.2, HorizontalFlip: true, Seed: 1},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(train.Len(), validation.Len(), test.Len(), train.Names())
	fmt.Println(train.Shapes())
	// Output:
	// 400 200 200 [cats dogs]
	// [[150 150 3]] [[1]]
}

func ExampleBatches() {
	source, err := datasets.InMemory([]datasets.Array{{Shape: []int{1}, Data: []float32{0, 1, 2, 3, 4}}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for batch, err := range datasets.Batches(datasets.Shuffle(source, 1), 2) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(batch.Len, batch.Inputs[0])
	}
	// Output:
	// 2 [2 1]
	// 2 [4 0]
	// 1 [3]
}
