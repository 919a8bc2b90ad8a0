// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// normalized builds a cost of a normalization of x with its gradients, by SynchronizedBatchNorm or by the op of one
// Program. The cost is a sum over rows.
func normalized(t *testing.T, rows int, synchronized, masked bool) (p *Program, roots, in []*Node) {
	t.Helper()
	const cols = 3
	var try Try
	g := New()
	x := try.Do(Input(g, Float32, "x", rows, 2, cols))
	gamma, beta := try.Do(Input(g, Float32, "gamma", cols)), try.Do(Input(g, Float32, "beta", cols))
	factor := try.Do(Input(g, Float32, "factor", rows, 2, cols))
	in = Nodes{x, gamma, beta, factor}
	var mask *Node
	if masked {
		mask = try.Do(Input(g, Float32, "mask", rows, 2))
		in = append(in, mask)
	}
	var y, mean, variance *Node
	var err error
	switch h := try.Do(Mul(x, x)); {
	case synchronized:
		y, mean, variance, err = SynchronizedBatchNorm("norm", h, mask, gamma, beta, 0.1)
	case masked:
		y, mean, variance, err = MaskedBatchNorm(h, mask, gamma, beta, 0.1)
	default:
		y, mean, variance, err = BatchNorm(h, gamma, beta, 0.1)
	}
	cost := try.Do(Sum(try.Do(Mul(try.Do(y, err), factor))))
	if try.Err() != nil {
		t.Fatal(try.Err())
	}
	grads, err := Grad(cost, x, gamma, beta)
	if err != nil {
		t.Fatal(err)
	}
	roots = append(Nodes{cost, mean, variance}, grads...)
	if p, err = Compile(roots...); err != nil {
		t.Fatal(err)
	}
	return p, roots, in
}

// bindRows binds rows first to end-1 of data of 7 rows.
func bindRows(t *testing.T, p *Program, in []*Node, first, end int) {
	t.Helper()
	const rows = 7
	for k, n := range in {
		whole := n.Shape().Clone()
		vector := len(whole) == 1
		if !vector {
			whole[0] = rows
		}
		v := make([]float32, size(whole))
		for i := range v {
			v[i] = float32(math.Sin(float64(i*(k+2) + k)))
			if n.Name() == "mask" {
				v[i] = float32((i / 3) % 2)
			}
		}
		if each := len(v) / rows; !vector {
			v = v[first*each : end*each]
		}
		if err := p.BindFloats(p.Input(n), v); err != nil {
			t.Fatal(err)
		}
	}
}

// Programs for the parts of a batch that run in step compute what one Program computes for the batch.
func TestSynchronizedParts(t *testing.T) {
	for _, masked := range []bool{false, true} {
		whole, roots, in := normalized(t, 7, false, masked)
		bindRows(t, whole, in, 0, 7)
		if err := whole.RunAll(); err != nil {
			t.Fatal(err)
		}
		var parts []*Program
		var arenas []*Arena
		bounds := []int{0, 4, 5, 7}
		for i := range bounds[1:] {
			p, _, in := normalized(t, bounds[i+1]-bounds[i], true, masked)
			bindRows(t, p, in, bounds[i], bounds[i+1])
			parts, arenas = append(parts, p), append(arenas, NewArena(p.Memory().Planned))
		}
		labels := parts[0].AllSums()
		if want := []string{"norm/mean", "norm/variance", "norm/gradient"}; !slices.Equal(labels, want) {
			t.Fatalf("the sums are %v, want %v", labels, want)
		}
		for k := range len(labels) + 1 {
			for i, p := range parts {
				if err := p.RunPart(arenas[i], k); err != nil {
					t.Fatal(err)
				}
			}
			if k == len(labels) {
				break
			}
			sum := make([]float32, len(parts[0].Summand(k)))
			for _, p := range parts {
				for j, v := range p.Summand(k) {
					sum[j] += v
				}
			}
			for _, p := range parts {
				copy(p.Summand(k), sum)
			}
		}
		for r := range roots {
			want, got := whole.Floats(r), []float32{}
			switch r {
			case 1, 2: // mean and variance, equal in all parts
				got = parts[1].Floats(r)
			case 3: // the gradient of x
				for _, p := range parts {
					got = append(got, p.Floats(r)...)
				}
			default: // sums over the parts
				got = make([]float32, len(want))
				for _, p := range parts {
					for j, v := range p.Floats(r) {
						got[j] += v
					}
				}
			}
			for j := range want {
				if off := math.Abs(float64(got[j] - want[j])); !(off <= 2e-6*(1+math.Abs(float64(want[j])))) {
					t.Errorf("masked %v, root %d, value %d: %v, want %v", masked, r, j, got[j], want[j])
				}
			}
		}
	}
}

func TestAllSumErrors(t *testing.T) {
	g := New()
	scalar, _ := Input(g, Float32, "scalar")
	if _, err := AllSum("a", scalar); err == nil || !strings.Contains(err.Error(), "input is a scalar") {
		t.Errorf("a scalar: %v", err)
	}
	if _, _, _, err := SynchronizedBatchNorm("a", scalar, nil, nil, nil, 0.1); err == nil || !strings.Contains(err.Error(), "input is a scalar") {
		t.Errorf("normalization of a scalar: %v", err)
	}
	x, _ := Input(g, Float32, "x", 2, 3)
	four, _ := Input(g, Float32, "four", 4)
	if _, _, _, err := SynchronizedBatchNorm("a", x, nil, four, nil, 0.1); err == nil || !strings.Contains(err.Error(), "has 4 values, want 3") {
		t.Errorf("gamma: %v", err)
	}
	if _, _, _, err := SynchronizedBatchNorm("a", x, four, nil, nil, 0.1); err == nil || !strings.Contains(err.Error(), "mask has shape (4)") {
		t.Errorf("mask: %v", err)
	}
	y, _ := AllSum("a", x)
	if _, err := Grad(mustSum(t, y), x); err == nil || !strings.Contains(fmt.Sprint(err), "all_sum") {
		t.Errorf("a gradient: %v", err)
	}
}

func mustSum(t *testing.T, x *Node) *Node {
	t.Helper()
	n, err := Sum(x)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
