// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"os"
	"slices"
	"testing"

	"github.com/reef-dl/reef/datasets"
	k "github.com/reef-dl/reef/keraslike"
)

// TestMNISTSample learns from 2,000 digits in a second: the loss falls to less
// than half, and of 500 other digits far more than one in ten are classified correctly.
func TestMNISTSample(t *testing.T) {
	var shown datasets.Origin
	r, err := MNIST(t.Context(), Options{
		Data: datasets.From{Source: datasets.Sample}, Seed: 1,
		Start: func(m *k.Model, origin datasets.Origin) error { shown = origin; return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	loss := r.History.Get("loss")
	if len(loss) != 5 || loss[4] > loss[0]/2 {
		t.Errorf("losses %v, want five, the last below half the first", loss)
	}
	if a := r.Metrics["test_accuracy"]; a < 0.85 {
		t.Errorf("test accuracy is %g, want 0.85", a)
	}
	if shown.Kind != datasets.Sample || r.Data != datasets.Sample || r.TrainSamples != 2000 || r.TestSamples != 500 || r.Parameters != 407_050 || r.Recipe != "mnist" || r.Seed != 1 {
		t.Errorf("report %+v of data %v", r, shown)
	}
	for _, want := range []string{"confusion", "samples", "mistakes"} {
		if !slices.ContainsFunc(r.Pictures, func(p Picture) bool { return p.Name == want }) {
			t.Errorf("no picture %q", want)
		}
	}
	if r.Article["test_accuracy"] != 0.9805 || r.Seconds <= 0 || r.SamplesPerSecond <= 0 {
		t.Errorf("report %+v", r)
	}
}

// TestMNISTFull reaches the article's accuracy (0.9805) on the full data, with three
// seeds. Without REEF_FULL it is one epoch of one seed, where the data is on this machine.
func TestMNISTFull(t *testing.T) {
	seeds, epochs, want := []uint64{1, 2, 3}, 0, 0.98
	if os.Getenv("REEF_FULL") == "" {
		o, err := datasets.Find("mnist")
		if err != nil {
			t.Fatal(err)
		}
		if o.Kind != datasets.Full {
			t.Skip("the full data of MNIST is not on this machine; REEF_FULL=1 downloads it")
		}
		seeds, epochs, want = seeds[:1], 1, 0.94
	}
	for _, seed := range seeds {
		r, err := MNIST(t.Context(), Options{Data: datasets.From{Source: datasets.Full}, Seed: seed, Epochs: epochs})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("seed %d: test accuracy %.4f", seed, r.Metrics["test_accuracy"])
		if a := r.Metrics["test_accuracy"]; a < want {
			t.Errorf("seed %d: test accuracy is %g, want %g", seed, a, want)
		}
	}
}
