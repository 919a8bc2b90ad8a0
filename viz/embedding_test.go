// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// clusters draws n points around each of k corners, which lie spread apart, in
// d dimensions.
func clusters(k, n, d int, spread float64) (rows [][]float64, group []int) {
	r := rand.New(rand.NewPCG(5, 1))
	for c := range k {
		corner := make([]float64, d)
		for j := range corner {
			corner[j] = spread * r.NormFloat64()
		}
		for range n {
			row := make([]float64, d)
			for j := range row {
				row[j] = corner[j] + r.NormFloat64()
			}
			rows, group = append(rows, row), append(group, c)
		}
	}
	return rows, group
}

func TestTSNEFigure(t *testing.T) {
	rows, group := clusters(10, 40, 20, 1.9)
	places, err := TSNE(rows, TSNEOptions{Perplexity: 20, Steps: 400, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	var points []Point
	for i, at := range places {
		points = append(points, Point{X: at[0], Y: at[1], Group: group[i]})
	}
	// every point's nearest neighbor on the map is of its own cluster
	for i := range points {
		nearest, best := -1, math.Inf(1)
		for j := range points {
			if d := math.Hypot(points[i].X-points[j].X, points[i].Y-points[j].Y); j != i && d < best {
				nearest, best = j, d
			}
		}
		if group[nearest] != group[i] {
			t.Errorf("point %d of cluster %d lies next to one of cluster %d", i, group[i], group[nearest])
		}
	}
	again, err := TSNE(rows, TSNEOptions{Perplexity: 20, Steps: 400, Seed: 1})
	if err != nil || !slices.Equal(places, again) {
		t.Errorf("the same seed gave other places (%v)", err)
	}
	f, err := EmbeddingMap("Ten digits, t-SNE of the last dense layer", "", "", points,
		[]string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"})
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOARCH == "amd64" { // elsewhere fused products lead the descent another way
		golden(t, "tsne", f)
	}
}

// TestTSNEGradient compares with central differences of the Kullback-Leibler
// divergence.
func TestTSNEGradient(t *testing.T) {
	rows, _ := clusters(3, 5, 4, 6)
	n := len(rows)
	p := neighbors(rows, 4)
	r := rand.New(rand.NewPCG(6, 1))
	y := make([][2]float64, n)
	for i := range y {
		y[i] = [2]float64{r.NormFloat64(), r.NormFloat64()}
	}
	divergence := func() float64 {
		sum, kl := 0.0, 0.0
		s := func(i, j int) float64 {
			d := math.Hypot(y[i][0]-y[j][0], y[i][1]-y[j][1])
			return 1 / (1 + d*d)
		}
		for i := range y {
			for j := range y {
				if i != j {
					sum += s(i, j)
				}
			}
		}
		for i := range y {
			for j := range y {
				if i != j {
					kl += p[i*n+j] * math.Log(p[i*n+j]*sum/s(i, j))
				}
			}
		}
		return kl
	}
	grad := make([][2]float64, n)
	tsneGradient(grad, p, y, make([]float64, n*n), 1)
	const h = 1e-5
	for i := range y {
		for a := range 2 {
			keep := y[i][a]
			y[i][a] = keep + h
			up := divergence()
			y[i][a] = keep - h
			down := divergence()
			y[i][a] = keep
			if numeric := (up - down) / (2 * h); math.Abs(numeric-grad[i][a]) > 1e-8 {
				t.Errorf("gradient of y[%d][%d] = %v, numerically %v", i, a, grad[i][a], numeric)
			}
		}
	}
}

// TestPerplexity: each row of p(j|i) has the entropy asked for.
func TestPerplexity(t *testing.T) {
	squares := []float64{0, 1, 4, 9, 16, 25, 100, 1e4}
	p := make([]float64, len(squares))
	for _, want := range []float64{1.5, 3, 5} {
		conditional(p, squares, 0, math.Log(want))
		entropy := 0.0
		for _, v := range p {
			if v > 0 {
				entropy -= v * math.Log(v)
			}
		}
		if got := math.Exp(entropy); math.Abs(got-want) > 1e-4 || p[0] != 0 {
			t.Errorf("perplexity = %v, want %v; p = %v", got, want, p)
		}
	}
}

// TestPCAKnown: points on a line y = 2x with a little across; by hand the first
// direction is (1, 2)/√5 and holds 10 of 10.4 parts of the variance.
func TestPCAKnown(t *testing.T) {
	u, v := [2]float64{1 / math.Sqrt(5), 2 / math.Sqrt(5)}, [2]float64{2 / math.Sqrt(5), -1 / math.Sqrt(5)}
	along, across := []float64{-2, -1, 1, 2}, []float64{0.2, -0.4, -0.4, 0.6} // variances 10/3 and 0.72/3
	var rows [][]float64
	for i := range along {
		rows = append(rows, []float64{7 + along[i]*u[0] + across[i]*v[0], -3 + along[i]*u[1] + across[i]*v[1]})
	}
	// the covariance of along and across is (−0.4 + 0.4 − 0.4 + 1.2)/3 = 0.8/3, so
	// the eigenvalues are those of [[10, 0.8], [0.8, 0.72]]/3
	trace, det := 10.72, 10*0.72-0.64
	first := trace/2 + math.Sqrt(trace*trace/4-det)
	got, shares, err := PCA(rows, 2)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(shares[0]-first/trace) > 1e-12 || math.Abs(shares[0]+shares[1]-1) > 1e-12 {
		t.Errorf("shares = %v, want %v first", shares, first/trace)
	}
	sum := 0.0
	for _, row := range got {
		sum += row[0] * row[0]
	}
	if math.Abs(sum-first) > 1e-9 || got[3][0] < 0 {
		t.Errorf("squares along the first component = %v, want %v; last point at %v", sum, first, got[3][0])
	}
}

func TestEmbeddingErrors(t *testing.T) {
	nan := math.NaN()
	if _, _, err := PCA([][]float64{{1, 2}, {1}}, 1); err == nil {
		t.Error("ragged rows were accepted")
	}
	if _, _, err := PCA([][]float64{{1, 2}, {1, nan}}, 1); err == nil {
		t.Error("NaN was accepted")
	}
	if _, _, err := PCA([][]float64{{1, 2}, {1, 3}}, 3); err == nil {
		t.Error("three components of two values were accepted")
	}
	if _, err := TSNE([][]float64{{1}, {2}, {3}}, TSNEOptions{}); err == nil {
		t.Error("t-SNE of three rows was accepted")
	}
	if _, err := TSNE([][]float64{{1}, {2}, {3}, {4}}, TSNEOptions{Perplexity: 9}); err == nil {
		t.Error("perplexity 9 of four rows was accepted")
	}
	if _, err := EmbeddingMap("x", "", "", []Point{{Group: 2}}, []string{"a"}); err == nil {
		t.Error("a group without a name was accepted")
	}
}

func TestWordsFigure(t *testing.T) {
	words := []string{
		"excellent", "wonderful", "superb", "perfect", "great", "good", "fine", "nice", "decent", "watchable",
		"awful", "terrible", "worst", "boring", "dull", "poor", "bad", "waste", "weak", "predictable",
		"film", "movie", "actor", "director", "plot", "scene", "music", "script", "camera", "story",
	}
	rows, group := clusters(3, 10, 16, 0.9)
	places, shares, err := PCA(rows, 2)
	if err != nil {
		t.Fatal(err)
	}
	var points []Point
	for i, at := range places {
		points = append(points, Point{at[0], at[1], group[i], words[i]})
	}
	axis := func(nth string, share float64) string {
		return fmt.Sprintf("%s component (%.0f %% of the variance)", nth, 100*share)
	}
	f, err := EmbeddingMap("IMDB, embedding of thirty words", axis("first", shares[0]), axis("second", shares[1]),
		points, []string{"praise", "blame", "neutral"})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "words", f, Dark)
}
