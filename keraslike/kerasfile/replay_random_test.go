// SPDX-License-Identifier: Apache-2.0

package kerasfile

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	k "github.com/reef-dl/reef/keraslike"
)

// mostDraws is how often a layer may draw until it chooses as Keras did: one of two signs, whether to mirror
// a picture, or one of the places of a crop.
const mostDraws = 200

// replayDrawn compares a random layer of pictures: each sample with the arguments that leave only what Keras
// drew for it, and a few equally probable choices.
func replayDrawn(r *recordedCall) error {
	in, out, err := r.picture()
	if err != nil {
		return err
	}
	samples := in.Shape[0]
	if len(r.Drawn) != samples && len(r.Drawn) != 1 {
		return impossible("configuration not recorded")
	}
	for i := range samples {
		one := *r
		one.Config.Config, err = with(r.Config.Config, r.Drawn[i%len(r.Drawn)])
		if err != nil {
			return err
		}
		if err := one.replaySample(in.sample(i), out.sample(i)); err != nil {
			return err
		}
	}
	return nil
}

// pictures reports whether a layer was called with a dictionary of pictures and labels.
func (r *recordedCall) pictures() bool {
	if len(r.Args) != 1 {
		return false
	}
	named, _ := r.Args[0].v.(map[string]recorded)
	return named["images"].v != nil
}

// picture returns the pictures that a layer got and gave.
func (r *recordedCall) picture() (in, out *numbers, err error) {
	given, result := r.Args[0], r.Out
	if named, ok := given.v.(map[string]recorded); ok {
		results, _ := result.v.(map[string]recorded)
		for _, name := range slices.Sorted(maps.Keys(named)) {
			if name != "images" && name != "labels" {
				return nil, nil, missing(name + " beside pictures")
			}
		}
		given, result = named["images"], results["images"]
	}
	in, out = given.asArray(), result.asArray()
	switch {
	case in == nil || out == nil:
		return nil, nil, impossible("too large to be recorded")
	case len(in.Shape) == 3 && len(out.Shape) == 3:
		return in.reshaped(append([]int{1}, in.Shape...)...), out.reshaped(append([]int{1}, out.Shape...)...), nil
	case len(in.Shape) != 4 || len(out.Shape) != 4:
		return nil, nil, impossible("pictures of another number of axes")
	}
	return in, out, nil
}

// sample returns one of the samples, as a batch.
func (a *numbers) sample(i int) *numbers {
	each := len(a.V) / a.Shape[0]
	return &numbers{Shape: append([]int{1}, a.Shape[1:]...), Type: a.Type, V: a.V[i*each : (i+1)*each]}
}

// with returns a configuration with other arguments.
func with(config json.RawMessage, drawn map[string]json.RawMessage) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(config, &all); err != nil {
		return nil, err
	}
	maps.Copy(all, drawn)
	return json.Marshal(all)
}

// replaySample draws until the layer gives the picture that Keras gave.
func (r *recordedCall) replaySample(in, want *numbers) error {
	b := newBuilder(3, 1<<20)
	layer, err := b.layer(r.Config, []k.Shape{in.Shape[1:]}, 0)
	if err != nil {
		return lacking(r.Config.Class, err)
	}
	x := k.Input(in.Shape[1:]...)
	model := k.NewModel("replay", []*k.Tensor{x}, []*k.Tensor{layer.Apply(x)})
	if err := model.Build(1); err != nil {
		return lacking(r.Config.Class, err)
	}
	array, err := k.NewArray(in.floats(), in.Shape...)
	if err != nil {
		return err
	}
	source, err := k.MultiData([]*k.Array{array}, nil)
	if err != nil {
		return err
	}
	for seed := range uint64(mostDraws) {
		got, predicted := model.PredictSource(context.Background(), source, k.TrainingMode(seed))
		if predicted != nil {
			return fmt.Errorf("refused: %w", predicted)
		}
		if !slices.Equal(got[0].Shape(), want.Shape) {
			return fmt.Errorf("output has shape %v, want %v", got[0].Shape(), want.Shape)
		}
		if err = compare("output in training", got[0].Values(), want, tolerance); err == nil {
			return nil
		}
	}
	return err
}
