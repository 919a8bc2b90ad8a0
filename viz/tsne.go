// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// mostTSNE is the largest number of rows, which takes 1.6 GB for their pairs.
const mostTSNE = 10_000

// TSNEOptions are the options of TSNE; a zero field means its default.
type TSNEOptions struct {
	Perplexity float64 // effective number of neighbors; default 30 (at most a third of the rows)
	Steps      int     // gradient steps; default 1000
	Seed       uint64
}

// TSNE maps rows of many values to a plane so that rows that are close to each other stay
// close (van der Maaten and Hinton, "Visualizing data using t-SNE", 2008). It computes
// all pairs exactly: memory and time per step grow with the square of the number of rows;
// 1,000 rows take a few seconds, and 10,000 are the most. Distances between groups mean
// little, and the axes have no unit. The same seed gives the same result.
//
//	p(j|i) ∝ exp(−|xi−xj|² / 2σi²), σi such that the entropy is log₂ perplexity
//	pij    = (p(j|i) + p(i|j)) / 2n
//	qij    ∝ 1 / (1 + |yi−yj|²)
//	minimize Σ pij log(pij/qij);  ∂/∂yi = 4 Σj (pij−qij)(yi−yj) / (1+|yi−yj|²)
func TSNE(rows [][]float64, o TSNEOptions) ([][2]float64, error) {
	if err := checkRows(rows); err != nil {
		return nil, fmt.Errorf("t-sne: %w", err)
	}
	n := len(rows)
	if n < 4 || n > mostTSNE {
		return nil, fmt.Errorf("t-sne: %d rows, want 4 to %d", n, mostTSNE)
	}
	rows, _ = tame(rows)
	if o.Perplexity == 0 {
		o.Perplexity = math.Min(30, float64(n-1)/3)
	}
	if o.Steps == 0 {
		o.Steps = 1000
	}
	if !(o.Perplexity >= 1 && o.Perplexity <= float64(n-1)) || o.Steps < 1 {
		return nil, fmt.Errorf("t-sne: perplexity %v and %d steps for %d rows", o.Perplexity, o.Steps, n)
	}
	p := neighbors(rows, o.Perplexity)

	// Momentum, gains and early exaggeration follow the paper and its program; the
	// learning rate follows Belkina et al. 2019 (n / exaggeration, at least 50).
	const exaggeration, exaggerated = 12.0, 250
	rate := math.Max(float64(n)/exaggeration/4, 50)
	r := rand.New(rand.NewPCG(o.Seed, 0x7453_4e45)) // "tSNE"
	y, speed, gain := make([][2]float64, n), make([][2]float64, n), make([][2]float64, n)
	for i := range y {
		y[i] = [2]float64{1e-4 * r.NormFloat64(), 1e-4 * r.NormFloat64()}
		gain[i] = [2]float64{1, 1}
	}
	grad, similar := make([][2]float64, n), make([]float64, n*n)
	for step := range o.Steps {
		factor, momentum := 1.0, 0.8
		if step < exaggerated {
			factor, momentum = exaggeration, 0.5
		}
		tsneGradient(grad, p, y, similar, factor)
		for i := range y {
			for a := range 2 {
				if (grad[i][a] > 0) == (speed[i][a] > 0) {
					gain[i][a] = math.Max(gain[i][a]*0.8, 0.01)
				} else {
					gain[i][a] += 0.2
				}
				speed[i][a] = momentum*speed[i][a] - rate*gain[i][a]*grad[i][a]
				y[i][a] += speed[i][a]
			}
		}
		center(y)
	}
	return y, nil
}

// neighbors returns the n × n matrix of pij.
func neighbors(rows [][]float64, perplexity float64) []float64 {
	n := len(rows)
	p := make([]float64, n*n)
	squares := make([]float64, n)
	for i := range rows {
		for j := range rows {
			sum := 0.0
			for k, v := range rows[i] {
				sum += (v - rows[j][k]) * (v - rows[j][k])
			}
			squares[j] = sum
		}
		conditional(p[i*n:(i+1)*n], squares, i, math.Log(perplexity))
	}
	for i := range n {
		for j := range i {
			v := math.Max((p[i*n+j]+p[j*n+i])/float64(2*n), 1e-12)
			p[i*n+j], p[j*n+i] = v, v
		}
	}
	return p
}

// conditional computes row i of p(j|i) by bisection for the precision β = 1/2σ² at which
// the entropy (in nats) has the given value.
func conditional(p, squares []float64, i int, entropy float64) {
	nearest := math.Inf(1)
	for j, d := range squares {
		if j != i {
			nearest = math.Min(nearest, d)
		}
	}
	beta, lo, hi := 1.0, 0.0, math.Inf(1)
	for range 100 {
		sum, weighted := 0.0, 0.0
		for j, d := range squares {
			p[j] = 0
			if j != i {
				p[j] = math.Exp(-beta * (d - nearest)) // the factor of nearest cancels in the quotient
				sum += p[j]
				weighted += p[j] * (d - nearest)
			}
		}
		for j := range p {
			p[j] /= sum
		}
		h := math.Log(sum) + beta*weighted/sum
		switch {
		case math.Abs(h-entropy) < 1e-6:
			return
		case h > entropy:
			lo = beta
		default:
			hi = beta
		}
		if math.IsInf(hi, 1) {
			beta *= 2
		} else {
			beta = (lo + hi) / 2
		}
	}
}

// tsneGradient writes ∂KL/∂y with all pij multiplied by factor; similar is
// space for 1/(1+|yi−yj|²).
func tsneGradient(grad [][2]float64, p []float64, y [][2]float64, similar []float64, factor float64) {
	n, sum := len(y), 0.0
	for i := range y {
		for j := range i {
			dx, dy := y[i][0]-y[j][0], y[i][1]-y[j][1]
			s := 1 / (1 + dx*dx + dy*dy)
			similar[i*n+j], similar[j*n+i] = s, s
			sum += 2 * s
		}
	}
	for i := range y {
		var g [2]float64
		for j := range y {
			s := similar[i*n+j]
			c := 4 * (factor*p[i*n+j] - s/sum) * s
			g[0] += c * (y[i][0] - y[j][0])
			g[1] += c * (y[i][1] - y[j][1])
		}
		grad[i] = g
	}
}

func center(y [][2]float64) {
	var mean [2]float64
	for _, v := range y {
		mean[0] += v[0] / float64(len(y))
		mean[1] += v[1] / float64(len(y))
	}
	for i := range y {
		y[i][0] -= mean[0]
		y[i][1] -= mean[1]
	}
}
