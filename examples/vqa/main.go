// SPDX-License-Identifier: Apache-2.0

// Command vqa answers a question about a picture, both as they are: what makes numbers of the words and
// one size of all pictures are layers of the model, which is part of the program. Built without C, it is
// one static file. The model was trained by the command in the folder train, which draws its pictures. Run it by
//
//	go run . testdata/disk.jpg "What color is it?"
//
// It answers 98 % of 200 questions about other such pictures; training takes a second. Keras's examples have
// no counterpart; structured_data_classification_from_scratch has the preprocessing of strings in its model,
// image_classification_from_scratch that of pictures.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"log"
	"os"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

//go:embed vqa.safetensors
var file []byte

func main() {
	path, question := "testdata/disk.jpg", "What color is it?"
	if len(os.Args) == 3 {
		path, question = os.Args[1], os.Args[2]
	}
	model, err := k.LoadBytes(file, k.WithoutCompile)
	check(err)
	image, err := datasets.LoadImageFile(path, datasets.ImageOptions{Pixels: datasets.Bytes})
	check(err)
	picture, _, err := k.ReadAll(context.Background(), image)
	check(err)
	words, err := k.Strings([]string{question})
	check(err)
	y, err := model.Predict(picture[0], words)
	check(err)
	class := y.ArgMax()[0]
	fmt.Printf("%s: %s (%.2f)\n", question, model.Classes(0)[class], y.Row(0)[class])
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
