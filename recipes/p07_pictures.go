// SPDX-License-Identifier: Apache-2.0

package recipes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/text"
	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/viz"
	"github.com/reef-dl/reef/viz/explain"
)

// reasons lays over the photo what speaks for the likeliest class, after each of the
// methods.
func (v *visualize) reasons(ctx context.Context) error {
	name := v.names[v.best[0].class]
	shares := explain.IntegratedGradients{Square: max(1, min(v.x.Height, v.x.Width)/14), Baseline: v.x}
	shares.Baseline.Values = slices.Repeat([]float32{0.5}, len(v.x.Values)) // black would give dark animals no share
	if v.quick() {
		shares.Steps = 10
	}
	for _, group := range []struct {
		file, bar, caption string
		colours            viz.ColorMap
		methods            []explain.Method
		captions           []string
	}{
		{
			"gradcam", "evidence", "Where the last convolution found evidence for the class; Grad-CAM++ copes better with several objects of one class.",
			viz.Magma,
			[]explain.Method{explain.GradCAM{}, explain.GradCAMPlusPlus{}},
			[]string{"Grad-CAM", "Grad-CAM++"},
		},
		{
			"pixels", "evidence", "Evidence for the class in red, against it in blue: by the gradients on the way from gray to the photo, and by how much the score drops when a square is hidden.",
			viz.Diverging,
			[]explain.Method{shares, explain.Occlusion{}},
			[]string{"integrated gradients", "occlusion"},
		},
	} {
		views := []viz.View{{Image: v.photo.image, Caption: "the photo"}}
		for i, method := range group.methods {
			over, err := overlay(ctx, v.seen, v.photo.image, v.x, v.best[0].class, method)
			if err != nil {
				return err
			}
			views = append(views, viz.View{Image: over, Caption: group.captions[i]})
		}
		f, err := viz.SideBySide("Why "+name+"?", group.colours, group.bar, views...)
		if err := v.r.show(group.file, group.caption, f, err); err != nil {
			return err
		}
	}
	return nil
}

// activations draws all channels of every convolution and pooling.
func (v *visualize) activations(context.Context) error {
	v.o.say("activations of %s", text.Count(len(v.maps), "layer"))
	paths := make([]string, len(v.maps))
	for i, l := range v.maps {
		paths[i] = l.Path
	}
	seen, err := v.seen.Activations(v.x, paths...)
	if err != nil {
		return err
	}
	for i, l := range v.maps {
		perRow := 16
		if seen[i].Channels > 256 {
			perRow = 32
		}
		caption := ""
		if i == 0 {
			caption = "Each small picture is one channel, yellow where it is active. The first layers keep the photo and find edges; later ones say what is where and are silent elsewhere."
		}
		f, err := viz.ActivationGrid(l.Path, seen[i], perRow, viz.Standardized)
		if err := v.r.show("activations_"+fileName(l.Path), caption, f, err); err != nil {
			return err
		}
	}
	return nil
}

// stages are the last convolutions of each size of map.
func (v *visualize) stages() (list []keraslike.LayerInfo) {
	for _, l := range v.maps {
		switch n := len(list); {
		case strings.Contains(l.Kind, "Pooling"):
		case n > 0 && slices.Equal(list[n-1].Output[:2], l.Output[:2]):
			list[n-1] = l
		default:
			list = append(list, l)
		}
	}
	return list
}

// strongest are the channels of a layer that answer to the photo most, on the mean
// over all places.
func (v *visualize) strongest(layer string, n int) (channels []int, seen viz.Volume, err error) {
	maps, err := v.seen.Activations(v.x, layer)
	if err != nil {
		return nil, seen, err
	}
	seen = maps[0]
	sums := make([]float64, seen.Channels)
	for i, value := range seen.Values {
		sums[i%seen.Channels] += float64(value)
	}
	for c := range sums {
		channels = append(channels, c)
	}
	slices.SortStableFunc(channels, func(a, b int) int { return cmp.Compare(sums[b], sums[a]) })
	return channels[:min(n, len(channels))], seen, nil
}

// channels draws the strongest channel of each stage large.
func (v *visualize) channels(context.Context) error {
	for _, l := range v.stages() {
		channels, seen, err := v.strongest(l.Path, 1)
		if err != nil {
			return err
		}
		f, err := viz.Channel(l.Path, seen, channels[0])
		if err := v.r.show("channel_"+fileName(l.Path), fmt.Sprintf("Of all channels of %s, this one is the most active.", l.Path), f, err); err != nil {
			return err
		}
	}
	return nil
}

// patterns draws what the strongest filters of each stage look for. A filter that
// nothing near grey moves has no pattern.
func (v *visualize) patterns(ctx context.Context) error {
	filters, steps := 8, 0 // the default
	if v.quick() {
		filters, steps = 2, 30
	}
	for _, l := range v.stages() {
		v.o.say("patterns for filters of %s", l.Path)
		channels, _, err := v.strongest(l.Path, 8*filters) // some of which have no pattern
		if err != nil {
			return err
		}
		var views []viz.View
		for _, c := range channels {
			if len(views) == filters {
				break
			}
			p := explain.Pattern{Height: v.x.Height, Width: v.x.Width, Channels: v.x.Channels, Steps: steps, Seed: v.o.Seed, Smooth: 1}
			picture, _, _, err := explain.FilterPattern(ctx, v.seen, explain.Target{Layer: l.Path, Channel: c}, p)
			if errors.Is(err, explain.ErrDead) {
				continue
			}
			if ctx.Err() != nil {
				return fmt.Errorf("%w: %w", keraslike.ErrInterrupted, ctx.Err())
			}
			if err != nil {
				return err
			}
			img, err := picture.Image()
			if err != nil {
				return err
			}
			views = append(views, viz.View{Image: img, Caption: fmt.Sprintf("filter %d", c)})
		}
		if len(views) == 0 {
			v.r.Notes = append(v.r.Notes, fmt.Sprintf("%s: the filters that respond to the photo do not respond to anything near gray, so there are no patterns for them.", l.Path))
			continue
		}
		f, err := viz.Gallery("What filters of "+l.Path+" look for", views, 4)
		if err := v.r.show("patterns_"+fileName(l.Path), "Pictures that maximize the filters most active on the photo, made from gray by gradient ascent.", f, err); err != nil {
			return err
		}
	}
	return nil
}

// fileName is a layer's path as a part of the name of a file.
func fileName(path string) string { return strings.ReplaceAll(path, "/", "_") }
