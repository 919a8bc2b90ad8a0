// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/reef-dl/reef/datasets/internal/idx"
)

var mnistSet = register(Set{
	Name:      "mnist",
	Folder:    "mnist",
	Title:     "MNIST handwritten digits, 28x28 gray, 60,000 training and 10,000 test images",
	Publisher: "http://yann.lecun.com/exdb/mnist/",
	License:   "CC BY-SA 3.0; Y. LeCun, C. Cortes, C. J. C. Burges",
	Sample:    "2,000 training and 500 test images, evenly over the digits",
	files: []file{
		mnistFile("train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9912422),
		mnistFile("train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28881),
		mnistFile("t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1648877),
		mnistFile("t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4542),
	},
})

// mnistLimit limits the elements of a file; the largest set of digits in this format,
// EMNIST, has 240,000 images and 188 million elements.
const mnistLimit = 1 << 28

// MNIST loads the handwritten digits: 60,000 training and 10,000 test images of 28x28
// gray bytes with the digit as class; the sample has 2,000 and 500.
//
// Input shape:  (28, 28, 1), values 0..1; (784) after Flat
//
// Target shape: () the digit; (10) after OneHot
//
// Source: LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document
// recognition, Proc. IEEE 86 (1998). A folder holds the four published files,
// gzip-compressed or not.
func MNIST(ctx context.Context, from From) (train, test *Images, err error) {
	p, err := from.locate(ctx, mnistSet)
	if err != nil {
		return nil, nil, err
	}
	if train, err = mnistPart(p, "train"); err != nil {
		return nil, nil, fmt.Errorf("mnist: %w", err)
	}
	if test, err = mnistPart(p, "t10k"); err != nil {
		return nil, nil, fmt.Errorf("mnist: %w", err)
	}
	return train, test, nil
}

// mnistPart reads a file of images and its file of labels.
func mnistPart(p dataDir, part string) (*Images, error) {
	imagesName, images, err := readIDX(p, part+"-images-idx3-ubyte.gz", func(shape []int) error {
		switch {
		case len(shape) == 1:
			return fmt.Errorf("one axis of %d elements, as labels have, want three of n images of 28x28", shape[0])
		case len(shape) != 3:
			return fmt.Errorf("%d axes, want 3", len(shape))
		case shape[1] != 28 || shape[2] != 28:
			return fmt.Errorf("images of %dx%d, want 28x28", shape[1], shape[2])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	labelsName, labels, err := readIDX(p, part+"-labels-idx1-ubyte.gz", func(shape []int) error {
		switch {
		case len(shape) == 3:
			return fmt.Errorf("three axes of %d images of %dx%d, want one of labels", shape[0], shape[1], shape[2])
		case len(shape) != 1:
			return fmt.Errorf("%d axes, want 1", len(shape))
		case shape[0] != images.Shape[0]:
			return fmt.Errorf("%d labels, want %d, one for each image of %s", shape[0], images.Shape[0], imagesName)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	names := strings.Split("0123456789", "")
	if at := slices.IndexFunc(labels.Data, func(l uint8) bool { return int(l) >= len(names) }); at >= 0 {
		const header = 8 // bytes before the first label
		return nil, fmt.Errorf("%s: offset %d: label %d, want 0 to 9", labelsName, header+at, labels.Data[at])
	}
	s, err := NewImages(images.Data, labels.Data, 28, 28, 1, names)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", imagesName, err)
	}
	s.origin = p.origin
	return s, nil
}

// readIDX reads a file whose shape passes the check, under its published name or without
// the .gz.
func readIDX(p dataDir, file string, check func(shape []int) error) (string, *idx.Array, error) {
	f, file, err := p.open(file, strings.TrimSuffix(file, ".gz"))
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = f.Close() }() // only read
	name := p.name(file)
	a, err := idx.Read(f, name, mnistLimit, check)
	return name, a, err
}

func mnistFile(name, sum string, size int64) file {
	return file{
		Name:   name,
		Also:   []string{strings.TrimSuffix(name, ".gz")},
		URLs:   []string{"http://yann.lecun.com/exdb/mnist/" + name, "https://ossci-datasets.s3.amazonaws.com/mnist/" + name},
		SHA256: sum,
		Size:   size,
	}
}
