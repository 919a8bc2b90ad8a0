// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"
)

// chain is a sequence of ops in its own graph.
type chain struct {
	in        Nodes // the input, then all parameters
	out       *Node
	cost      *Node // Σ r·y with random signs in r
	gradients Nodes
}

// newChain builds the expression in float32 or float64. Its values depend only on its shapes.
func newChain(dt Dtype, input []int, ops ...unary) (*chain, error) {
	c, g, rng := &chain{}, New(), rand.New(rand.NewPCG(4, 5))
	var mistake error
	variable := func(shape ...int) *Node {
		n, err := Input(g, dt, fmt.Sprint("variable ", len(c.in)), shape...)
		if err == nil {
			err = Let(n, valueOf(dt, random(rng, shape...).Data().([]float64), shape...))
		}
		mistake = errors.Join(mistake, err)
		c.in = append(c.in, n)
		return n
	}
	y := variable(input...)
	for _, o := range ops {
		var err error
		if y, err = o.build(y, variable); err != nil {
			return nil, fmt.Errorf("%s: %w", o.name, errors.Join(err, mistake))
		}
	}
	c.out, c.cost = y, y
	if len(y.Shape()) > 0 {
		weighted, err := Mul(y, constant(y, []float64{0.7, -1.2, 1.4, -0.6, 0.9}, y.Shape()...))
		if err != nil {
			return nil, err
		}
		if c.cost, err = Sum(weighted); err != nil {
			return nil, err
		}
	}
	return c, mistake
}

// differentiate adds the gradients with respect to the input and all parameters.
func (c *chain) differentiate() (err error) {
	c.gradients, err = Grad(c.cost, c.in...)
	return err
}

// roots returns the cost and the gradients.
func (c *chain) roots() Nodes { return append(Nodes{c.cost}, c.gradients...) }

// checkChain checks the gradient of a chain with respect to its input and all parameters
// against central differences, and the float32 ops against the float64 result. Both run
// twice, to detect what a run leaves behind in reused memory.
func checkChain(t *testing.T, input []int, ops ...unary) {
	t.Helper()
	double, err := newChain(Float64, input, ops...)
	if err != nil {
		t.Fatal(err)
	}
	forward, err := Compile(double.cost)
	if err != nil {
		t.Fatal(err)
	}
	single, err := newChain(Float32, input, ops...)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*chain{double, single} {
		if err := c.differentiate(); err != nil {
			t.Fatal(err)
		}
		p, err := Compile(c.roots()...)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := p.RunAll(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, n := range double.in {
		analytic := slices.Clone(data[float64](double.gradients[i].Value()))
		numeric, err := (&checker{step: 1e-5}).differences(forward, double.cost, data[float64](n.Value()))
		if err != nil {
			t.Fatal(err)
		}
		var r GradientReport
		r.compare(i, n.Shape(), analytic, numeric)
		// A bias before a normalization has gradient 0, which differences resolve to 2⁻⁵²/step of the cost.
		cost := math.Abs(data[float64](double.cost.Value())[0])
		if r.Error > 1e-6 && math.Abs(r.Analytic-r.Numeric) > 1e-9*(1+cost) {
			t.Errorf("%v", &r)
		}
		r = GradientReport{}
		r.compare(i, n.Shape(), widened(single.gradients[i].Value()), analytic)
		if r.Error > 1e-4 && math.Abs(r.Analytic-r.Numeric) > 1e-5*(1+cost) {
			t.Errorf("float32 (analytic) and float64 (numeric): %v", &r)
		}
	}
}

// widened returns the elements of a float32 value as float64; the value may be row-sparse.
func widened(v Value) []float64 {
	wide, single := make([]float64, v.Size()), Floats(v)
	if rows, ok := v.(*RowSparse); ok {
		single = make([]float32, v.Size())
		cols, values := v.Shape()[1], rows.Values()
		for i, at := range rows.Index {
			copy(single[int(at)*cols:], values[i*cols:(i+1)*cols])
		}
	}
	for i := range wide {
		wide[i] = float64(single[i])
	}
	return wide
}

// random returns a float64 tensor of normal numbers with magnitude at least 0.01, so that
// differences do not straddle the kinks of ReLU and similar functions.
func random(rng *rand.Rand, shape ...int) *tensor.Dense {
	d := make([]float64, size(shape))
	for i := range d {
		for d[i] < 0.01 && d[i] > -0.01 {
			d[i] = rng.NormFloat64()
		}
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(d))
}

// inputs are the shapes for the first op of a chain, by rank: odd sizes, batches of one.
var inputs = map[rune][][]int{
	'1': {{1}, {5}},
	'2': {{1, 1}, {1, 5}, {3, 1}, {3, 7}},
	'3': {{1, 1, 1}, {1, 4, 3}, {3, 1, 2}, {2, 3, 5}},
	'4': {{1, 1, 1, 1}, {1, 5, 3, 1}, {3, 1, 2, 2}, {2, 3, 3, 3}},
	'5': {{1, 1, 1, 1, 1}, {2, 3, 1, 2, 2}, {1, 2, 3, 2, 1}},
}

func TestGradientOfEachOp(t *testing.T) {
	for _, o := range chainOps() {
		if o.takesP {
			continue // a loss of probabilities: see TestGradientOfRowLosses
		}
		for _, rank := range o.ranks {
			for _, s := range inputs[rank] {
				t.Run(fmt.Sprint(o.name, s), func(t *testing.T) { checkChain(t, s, o) })
			}
		}
	}
}

// pairStride is 5 where a test takes one pair of ops in five, and 1 with REEF_FULL=1, where it takes all.
func pairStride() int {
	if os.Getenv("REEF_FULL") != "" {
		return 1
	}
	return 5
}

// TestGradientOfEachPair checks ordered pairs of ops that can be chained: errors in views and in memory
// reuse only show in combination. It takes one pair in five, and all of them with REEF_FULL=1.
func TestGradientOfEachPair(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("some thousand pairs")
	}

	pairs, led, followed := 0, map[string]bool{}, map[string]bool{}
	for _, a := range chainOps() {
		for _, rank := range a.ranks {
			c, err := newChain(Float64, small[rank], a)
			if err != nil {
				t.Fatal(err)
			}
			between := string('0' + rune(len(c.out.Shape())))
			for _, b := range chainOps() {
				if !strings.Contains(b.ranks, between) || b.takesP && !a.givesP {
					continue
				}
				ops := []unary{a, b}
				if a.takesP {
					ops = []unary{{name: "softmax", build: func(x node, _ param) (node, error) { return Softmax(x) }}, a, b}
				}
				pairs, led[a.name], followed[b.name] = pairs+1, true, true
				if pairs%pairStride() == 0 {
					t.Run(fmt.Sprint(a.name, small[rank], " ", b.name), func(t *testing.T) { checkChain(t, small[rank], ops...) })
				}
			}
		}
	}
	for _, o := range chainOps() {
		if !followed[o.name] || !led[o.name] && !slices.ContainsFunc(scalarOps(), func(e unary) bool { return e.name == o.name }) {
			t.Errorf("%s is in no pair", o.name)
		}
	}
	t.Logf("%d pairs", pairs)
}

func TestGradientOfLosses(t *testing.T) {
	losses := []struct {
		name   string
		build  func(p, t *Node) (*Node, error)
		target func(rng *rand.Rand, batch, n int) *tensor.Dense
	}{
		{"mse", MeanSquaredError, anyTarget},
		{"mae", MeanAbsoluteError, anyTarget},
		{"sigmoid", SigmoidCrossEntropy, binaryTarget},
		{"softmax", SoftmaxCrossEntropy, oneHotTarget},
		{"sparse", SparseSoftmaxCrossEntropy, labelTarget},
	}
	reductions := map[string]func(rows *Node) (*Node, error){
		"rows": func(rows *Node) (*Node, error) { return rows, nil }, "mean": func(rows *Node) (*Node, error) { return Mean(rows) }, "sum": func(rows *Node) (*Node, error) { return Sum(rows) },
		"weighted": func(rows *Node) (*Node, error) {
			w, err := Input(rows.Graph(), Float64, "sample weights", rows.Shape()...)
			if err != nil {
				return nil, err
			}
			rng := rand.New(rand.NewPCG(3, 4))
			if err := Let(w, random(rng, rows.Shape()...)); err != nil {
				return nil, err
			}
			return WeightedMean(rows, w)
		},
	}
	for _, l := range losses {
		for reduction, reduce := range reductions {
			for _, s := range [][2]int{{1, 1}, {1, 4}, {5, 1}, {3, 5}} {
				t.Run(fmt.Sprintf("%s/%s/%dx%d", l.name, reduction, s[0], s[1]), func(t *testing.T) {
					rng := rand.New(rand.NewPCG(5, uint64(s[0]*10+s[1])))
					report, err := CheckGradient(func(in Nodes) (*Node, error) {
						rows, err := l.build(in[0], in[1])
						if err != nil {
							return nil, err
						}
						return reduce(rows)
					}, []*tensor.Dense{random(rng, s[0], s[1]), l.target(rng, s[0], s[1])}, Fixed(1))
					if err != nil {
						t.Fatal(err)
					}
					if report.Error > 1e-6 {
						t.Error(report)
					}
				})
			}
		}
	}
}

func anyTarget(rng *rand.Rand, batch, n int) *tensor.Dense { return random(rng, batch, n) }

func binaryTarget(rng *rand.Rand, batch, n int) *tensor.Dense {
	d := make([]float64, batch*n)
	for i := range d {
		d[i] = float64(rng.IntN(2))
	}
	return tensor.New(tensor.WithShape(batch, n), tensor.WithBacking(d))
}

func oneHotTarget(rng *rand.Rand, batch, n int) *tensor.Dense {
	d := make([]float64, batch*n)
	for i := range batch {
		d[i*n+rng.IntN(n)] = 1
	}
	return tensor.New(tensor.WithShape(batch, n), tensor.WithBacking(d))
}

func labelTarget(rng *rand.Rand, batch, n int) *tensor.Dense {
	d := make([]float64, batch)
	for i := range d {
		d[i] = float64(rng.IntN(n))
	}
	return tensor.New(tensor.WithShape(batch), tensor.WithBacking(d))
}

// TestGradientOfPenalty checks a cost that is a loss plus L2 penalties, in which the kernel's
// gradient has two terms.
func TestGradientOfPenalty(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	report, err := CheckGradient(func(in Nodes) (*Node, error) {
		y, err := Dense(in[0], in[1], in[2], Act(Sigmoid))
		if err != nil {
			return nil, err
		}
		rows, err := MeanSquaredError(y, in[3])
		if err != nil {
			return nil, err
		}
		loss, err := Mean(rows)
		if err != nil {
			return nil, err
		}
		l2, err := L2(in[1], 0.01)
		if err != nil {
			return nil, err
		}
		return Add(loss, l2)
	}, []*tensor.Dense{random(rng, 4, 3), random(rng, 3, 5), random(rng, 5), random(rng, 4, 5)}, Fixed(3))
	if err != nil {
		t.Fatal(err)
	}
	if report.Error > 1e-6 {
		t.Error(report)
	}
}
