// SPDX-License-Identifier: Apache-2.0

package applications_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/reef-dl/reef/keraslike"
)

// numbers are values of an activation that PyTorch computed, by testdata/squeezenet.py
// and vgg16.py: every step-th one, the mean and the mean square of all.
type numbers struct {
	Shape        []int
	Mean, Square float64
	Step         int
	Values       []float64
}

// compare allows each value 1e-3, or less where the values are small.
func (n numbers) compare(t *testing.T, name string, got *keraslike.Array) {
	t.Helper()
	allowed := 1e-3 * min(1, math.Sqrt(n.Square))
	if shape := fmt.Sprint(got.Shape()[1:]); shape != fmt.Sprint(n.Shape) {
		t.Errorf("%s has shape %v, PyTorch %v", name, shape, n.Shape)
		return
	}
	values := got.Values()
	var mean, square, worst float64
	for i, v := range values {
		mean += float64(v)
		square += float64(v) * float64(v)
		if i%n.Step == 0 {
			worst = max(worst, math.Abs(float64(v)-n.Values[i/n.Step]))
		}
	}
	mean, square = mean/float64(len(values)), square/float64(len(values))
	if worst > allowed || math.IsNaN(worst) {
		t.Errorf("%s differs from PyTorch by up to %.2g among %d values, want at most %g", name, worst, len(n.Values), allowed)
	}
	if math.Abs(mean-n.Mean) > 1e-4*math.Sqrt(n.Square) || math.Abs(square-n.Square) > 1e-4*n.Square {
		t.Errorf("%s has mean %g and mean square %g, PyTorch %g and %g", name, mean, square, n.Mean, n.Square)
	}
}

func readJSON(t testing.TB, name string, to any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// noise is what testdata's scripts call so.
func noise(height, width int) []float32 {
	out := make([]float32, height*width*3)
	for k := range out {
		out[k] = float32(uint32(k) * 2654435761 >> 24)
	}
	return out
}

func predict(t testing.TB, m *keraslike.Model, x *keraslike.Array) *keraslike.Array {
	t.Helper()
	out, err := m.Predict(x)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func arrayOf(t testing.TB, values []float32, shape ...int) *keraslike.Array {
	t.Helper()
	a, err := keraslike.NewArray(values, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
