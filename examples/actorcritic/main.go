// SPDX-License-Identifier: Apache-2.0

// Command actorcritic learns to balance a pole on a cart (Barto, Sutton, Anderson 1983, "Neuronlike adaptive
// elements that can solve difficult learning control problems"). One network gives the probabilities of pushing
// the cart to the left and to the right, the actor, and how long the pole will stay up, the critic. Run it by
//
//	go run .
package main

import (
	"context"
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

// player is a stream of states, the actions that the model took in them, and the returns: the discounted sums
// of the rewards that followed, 1 for each push, completed by the critic where the batch ends.
type player struct {
	cart
	model                *k.Model
	state, actor, critic *k.Array
	steps, episodes      int
	mean                 float64 // steps of the last episodes
}

// Shapes returns the shapes of a state, and of an action and a return.
func (*player) Shapes() (inputs, targets [][]int) { return [][]int{{4}}, [][]int{{1}, {1}} }

// ask computes the outputs of the model for the current state.
func (p *player) ask() error {
	for i, v := range p.cart.state {
		p.state.Values()[i] = float32(v)
	}
	return p.model.PredictInto([]*k.Array{p.actor, p.critic}, p.state)
}

// Next plays on for a batch of steps.
func (p *player) Next(inputs, targets [][]float32) (n int, err error) {
	after := make([]float64, batch) // what the critic expects where an episode was cut off
	ends := make([]bool, batch)
	for i := range batch {
		if err := p.ask(); err != nil {
			return 0, err
		}
		copy(inputs[0][4*i:], p.state.Values())
		action := 0
		if p.random.Float32() >= p.actor.Values()[0] {
			action = 1
		}
		targets[0][i] = float32(action)
		fallen := p.push(action)
		p.steps++
		if ends[i] = fallen || p.steps == longest || i == batch-1; !ends[i] {
			continue
		}
		if !fallen {
			if err := p.ask(); err != nil {
				return 0, err
			}
			after[i] = float64(p.critic.Values()[0])
		}
		if fallen || p.steps == longest {
			p.mean, p.episodes = 0.95*p.mean+0.05*float64(p.steps), p.episodes+1
			p.steps = 0
			p.reset()
		}
	}
	sum := 0.0
	for i := batch - 1; i >= 0; i-- {
		if ends[i] {
			sum = after[i]
		}
		sum = 1 + discount*sum
		targets[1][i] = float32(sum)
	}
	return batch, nil
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
		criticLoss := s.Loss(k.Huber(1), critic, returns)
		s.Log("critic", criticLoss)
		return do(graph.Add(actorLoss, criticLoss))
	}), k.Seed(1)))

	one := func(n int) *k.Array {
		a, err := k.NewArray(make([]float32, n), 1, n)
		check(err)
		return a
	}
	p := &player{cart: cart{random: rand.New(rand.NewPCG(1, 2))}, model: model, state: one(4), actor: one(2), critic: one(1)}
	p.reset()
	solved := k.CallbackFunc(func(e k.Event, t *k.Training) error {
		if e == k.EpochEnd {
			fmt.Printf("%d episodes, running mean %.0f\n", p.episodes, p.mean)
			if p.mean > 195 {
				t.Stop()
			}
		}
		return nil
	})
	_, err := model.Fit(context.Background(), p, k.Epochs(60), k.StepsPerEpoch(50), k.BatchSize(batch), k.Callbacks(solved))
	check(err)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
