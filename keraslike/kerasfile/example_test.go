// SPDX-License-Identifier: Apache-2.0

package kerasfile_test

import (
	"fmt"
	"log"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/kerasfile"
)

func ExampleLoad() {
	m, report, err := kerasfile.Load("testdata/functional.h5")
	if err != nil {
		log.Fatal(err)
	}
	all, trainable := m.Parameters()
	fmt.Printf("Keras %s, %d tensors used, %d of %d parameters trainable\n", report.Version, report.Used(), trainable, all)
	// Output:
	// Keras 2.13.1, 14 tensors used, 270 of 286 parameters trainable
}

// Weights of a part of the file go into a model of your own by the names of the layers.
func ExampleLoadWeights() {
	m := k.Sequential("mine", k.Input(2), k.Dense(3, k.Name("dense")), k.Dense(1, k.Name("head")))
	report, err := kerasfile.LoadWeights(m, "testdata/dense.weights.h5", kerasfile.ByName)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(report)
	// Output:
	// testdata/dense.weights.h5
	// layers/dense/vars/0   [2 3]   dense/kernel   [2 3]   used
	// layers/dense/vars/1   [3]     dense/bias     [3]     used
	// -                     -       head/kernel    [3 1]   not used: the file has no such tensor
	// -                     -       head/bias      [1]     not used: the file has no such tensor
}
