// SPDX-License-Identifier: Apache-2.0

// Command actorcritic learns to balance a pole on a cart (Barto, Sutton, Anderson 1983, "Neuronlike adaptive
// elements that can solve difficult learning control problems"). One network gives the probabilities of pushing
// the cart to the left and to the right, the actor, and how long the pole will stay up, the critic. Run it by
//
//	go run .
package main

import (
	"fmt"
	"log"
	"math"
	"math/rand/v2"

	"github.com/reef-dl/reef/graph"
	k "github.com/reef-dl/reef/keraslike"
)

const discount, longest, batch = 0.99, 200, 64

// cart is the simulation: its state is the position and speed of the cart, and the angle and angular speed of
// the pole.
type cart struct {
	state  [4]float64
	random *rand.Rand
}

func (c *cart) reset() {
	for i := range c.state {
		c.state[i] = 0.1*c.random.Float64() - 0.05
	}
}

// push pushes the cart to the left (0) or to the right (1) for 0.02 seconds and reports whether the pole has fallen.
func (c *cart) push(action int) (fallen bool) {
	const gravity, cartMass, poleMass, half, force, seconds = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
	x, v, angle, w := c.state[0], c.state[1], c.state[2], c.state[3]
	sin, cos := math.Sincos(angle)
	pushed := (force*float64(2*action-1) + poleMass*half*w*w*sin) / (cartMass + poleMass)
	turn := (gravity*sin - cos*pushed) / (half * (4.0/3 - poleMass*cos*cos/(cartMass+poleMass)))
	slide := pushed - poleMass*half*turn*cos/(cartMass+poleMass)
	c.state = [4]float64{x + seconds*v, v + seconds*slide, angle + seconds*w, w + seconds*turn}
	return math.Abs(c.state[0]) > 2.4 || math.Abs(c.state[2]) > 12*math.Pi/180
}

func main() {
	in := k.Input(4)
	hidden := k.Dense(128, k.ReLU).Apply(in)
	model := k.NewModel("player", []*k.Tensor{in}, []*k.Tensor{k.Dense(2, k.Softmax).Apply(hidden), k.Dense(1).Apply(hidden)})
	check(model.Compile(k.Adam(3e-3), k.Objective(func(s *k.Step) *graph.Node {
		do, actor, critic := s.Do, s.Output(0), s.Output(1)
		action, returns := s.Target(0, 1), s.Target(1, 1)
		advantage := do(graph.StopGradient(do(graph.Sub(returns, critic))))
		surprise := s.LossRows(k.SparseCategoricalCrossentropy, actor, action) // -log of the action's probability
		actorLoss := do(graph.Mean(do(graph.Mul(do(graph.Reshape(surprise, s.Batch(), 1)), advantage))))
		return do(graph.Add(actorLoss, s.Loss(k.Huber(1), critic, returns)))
	}), k.Seed(1)))

	game := &cart{random: rand.New(rand.NewPCG(1, 2))}
	game.reset()
	ask := func() (left float32, value float64) {
		state, err := k.Rows([][]float64{game.state[:]})
		check(err)
		out, err := model.PredictAll(state)
		check(err)
		return out[0].Values()[0], float64(out[1].Values()[0])
	}
	states, actions, returns := array(4), array(1), array(1)
	steps, episodes, mean := 0, 0, 0.0 // steps of this episode, and of the last ones
	for round := 1; mean < 195 && round <= 3000; round++ {
		var last [batch]bool     // of an episode, or of the batch
		var after [batch]float64 // what the critic expects where the pole has not fallen
		for i := range batch {
			for j, v := range game.state {
				states.Row(i)[j] = float32(v)
			}
			action := 0
			if left, _ := ask(); game.random.Float32() >= left {
				action = 1
			}
			actions.Row(i)[0] = float32(action)
			fallen := game.push(action)
			steps++
			if last[i] = fallen || steps == longest || i == batch-1; last[i] && !fallen {
				_, after[i] = ask()
			}
			if fallen || steps == longest {
				mean, episodes, steps = 0.95*mean+0.05*float64(steps), episodes+1, 0
				game.reset()
			}
		}
		// The return of an action is the discounted sum of the rewards that follow, 1 for each push.
		sum := 0.0
		for i := batch - 1; i >= 0; i-- {
			if last[i] {
				sum = after[i]
			}
			sum = 1 + discount*sum
			returns.Row(i)[0] = float32(sum)
		}
		_, err := model.TrainOnBatchOf([]graph.Value{states.Tensor()}, []graph.Value{actions.Tensor(), returns.Tensor()}, nil)
		check(err)
		if round%50 == 0 || mean >= 195 {
			fmt.Printf("%d episodes, running mean %.0f\n", episodes, mean)
		}
	}
}

// array has a row of n numbers for each step of a batch.
func array(n int) *k.Array {
	a, err := k.NewArray(make([]float32, batch*n), batch, n)
	check(err)
	return a
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
