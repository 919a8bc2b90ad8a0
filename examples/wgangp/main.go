// SPDX-License-Identifier: Apache-2.0

// Command wgangp trains a generator of points on a circle as a Wasserstein GAN with gradient penalty
// (Gulrajani et al. 2017). The penalty is a function of the critic's gradient, and the graph derives the
// gradient of that. Run it by
//
//	go run .
package main

import (
	"fmt"
	"log"
	"math"
	"math/rand/v2"

	"github.com/reef-dl/reef/graph"
)

const batch, hidden, noise, rounds, rate = 64, 32, 4, 3000, 0.001

// network is a stack of dense layers: a kernel and a bias for each.
type network graph.Nodes

func newNetwork(try *graph.Try, g *graph.Graph, random *rand.Rand, name string, sizes ...int) (n network) {
	for i, out := range sizes[1:] {
		w := make([]float32, sizes[i]*out)
		for j := range w {
			w[j] = float32(random.NormFloat64() * math.Sqrt(2/float64(sizes[i])))
		}
		n = append(n, try.Do(graph.Variable(g, fmt.Sprint(name, i), w, sizes[i], out)),
			try.Do(graph.Variable(g, fmt.Sprint(name, i, " bias"), make([]float32, out), out)))
	}
	return n
}

func (n network) of(try *graph.Try, x *graph.Node) *graph.Node {
	for i := 0; i < len(n); i += 2 {
		act := graph.Act(graph.LeakyReLU)
		if i == len(n)-2 {
			act = graph.Act(graph.Linear)
		}
		x = try.Do(graph.Dense(x, n[i], n[i+1], act))
	}
	return x
}

func main() {
	g, random := graph.New(), rand.New(rand.NewPCG(1, 2))
	var try graph.Try // keeps the first error
	do := try.Do
	input := func(name string, cols int) (*graph.Node, []float32) {
		values := make([]float32, batch*cols)
		return do(graph.Variable(g, name, values, batch, cols)), values
	}
	real, reals := input("real", 2)
	z, zs := input("z", noise)
	between, shares := input("between", 1)
	generator := newNetwork(&try, g, random, "generator", noise, hidden, hidden, 2)
	critic := newNetwork(&try, g, random, "critic", 2, hidden, hidden, 1)

	fake := generator.of(&try, z)
	judged := do(graph.Mean(critic.of(&try, fake)))
	// mixed = fake + between·(real - fake), where the critic's gradient should have norm 1.
	mixed := do(graph.Add(fake, do(graph.Mul(between, do(graph.Sub(real, fake))))))
	score := do(graph.Sum(critic.of(&try, mixed)))
	check(try.Err())
	slopes, err := graph.Backpropagate(graph.Nodes{score}, graph.Nodes{do(graph.Scalar(score, 1))}, graph.Nodes{mixed})
	check(err)
	norms := do(graph.Sqrt(do(graph.Affine(do(graph.Sum(do(graph.Square(slopes[0])), graph.Axes(1))), 1, 1e-12))))
	penalty := do(graph.Mean(do(graph.Square(do(graph.Affine(norms, 1, -1))))))
	distance := do(graph.Sub(do(graph.Mean(critic.of(&try, real))), judged))
	cost := do(graph.Sub(penalty, distance))
	step := func(cost *graph.Node, of network) *graph.Program {
		speed := do(graph.Scalar(cost, rate))
		check(try.Err())
		updates, err := graph.Adam(cost, speed, graph.Nodes(of), graph.Beta1(0.5), graph.Beta2(0.9))
		check(err)
		p, err := graph.CompileOptions{Updates: updates}.Compile(cost)
		check(err)
		return p
	}
	criticStep, generatorStep := step(cost, critic), step(do(graph.Neg(judged)), generator)
	generate, err := graph.Compile(fake)
	check(err)

	draw := func() {
		for i := range batch {
			sin, cos := math.Sincos(2 * math.Pi * random.Float64())
			reals[2*i], reals[2*i+1], shares[i] = float32(cos), float32(sin), random.Float32()
		}
		for i := range zs {
			zs[i] = float32(random.NormFloat64())
		}
	}
	for range rounds {
		for range 5 {
			draw()
			check(criticStep.RunAll())
		}
		draw()
		check(generatorStep.RunAll())
	}

	var off float64
	var sectors [8]int
	const draws = 20
	for range draws {
		draw()
		check(generate.RunAll())
		for p := generate.Floats(0); len(p) > 0; p = p[2:] {
			x, y := float64(p[0]), float64(p[1])
			off += math.Abs(math.Hypot(x, y)-1) / (draws * batch)
			sectors[int(4+4*math.Atan2(y, x)/math.Pi)%8]++
		}
	}
	least := batch * draws
	for _, n := range sectors {
		least = min(least, n)
	}
	fmt.Printf("mean distance from the circle: %.3f, share of the emptiest of 8 sectors: %.3f\n", off, float64(least)/(batch*draws))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
