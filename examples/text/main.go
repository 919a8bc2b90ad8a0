// SPDX-License-Identifier: Apache-2.0

// Command text learns the classes of short texts from a file with a class, a tab and a text
// in each line, here what customers ask about, and classifies a new sentence. Run it in its
// folder:
//
//	go run . ["a sentence"]
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

const length = 16 // in words; of a longer text the last ones count

func main() {
	ctx, file, sentence := context.Background(), "testdata/requests.tsv", "I was charged twice for one invoice"
	if len(os.Args) == 2 {
		sentence = os.Args[1]
	}
	texts, err := datasets.ReadTextsFile(file)
	check(err)
	train, test, err := texts.TrainTestSplit(0.2, 1)
	check(err)

	encoder, err := datasets.TextSchema{Padding: datasets.Padding{Length: length}}.Fit(train)
	check(err)
	trainIDs, err := encoder.EncodeTexts(train)
	check(err)
	testIDs, err := encoder.EncodeTexts(test)
	check(err)

	model := k.Sequential("text",
		k.Input(length),
		k.Embedding(encoder.Tokenizer().Len()+1, 16, k.MaskZero), // id 0 is the padding
		k.GlobalAveragePooling1D(),
		k.Dense(len(encoder.Names()), k.Softmax),
	)
	check(model.Compile(k.Adam(0.01), k.SparseCategoricalCrossentropy, k.Accuracy, k.Seed(1)))
	_, err = model.Fit(ctx, trainIDs, k.Epochs(30), k.BatchSize(8))
	check(err)
	scores, err := model.Evaluate(ctx, testIDs)
	check(err)
	fmt.Printf("accuracy: %.2f\n", scores.Get("accuracy"))

	ids, err := encoder.Encode(sentence)
	check(err)
	out, err := model.PredictSource(ctx, ids)
	check(err)
	class := out[0].ArgMax()[0]
	fmt.Printf("%s: %s (%.2f)\n", sentence, encoder.Names()[class], out[0].Row(0)[class])
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
