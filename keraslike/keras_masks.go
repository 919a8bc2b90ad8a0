// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/json"
	"fmt"
	"slices"
)

// kerasMasks are the tensors of Keras 3 that say which steps count: it writes the
// comparisons of Embedding and Masking into the model, x != 0 and any(x != value), and
// gives what they make to each layer that takes a mask. Here masks go along by
// themselves, so that such an argument says nothing new as long as it is the mask that
// the layer's input has anyway.
type kerasMasks struct {
	of    map[kerasNode]kerasTensor // what is compared
	made  map[kerasNode]*kerasCall  // the call of each node
	any   map[kerasNode]bool        // along the last axis
	value map[kerasNode]float64
}

// isMask tells the layers of masks.
func isMask(l *kerasLayer) bool { return l.Class == "NotEqual" || l.Class == "Any" }

// add takes a layer of masks.
func (m *kerasMasks) add(l *kerasLayer) error {
	var nodes []struct {
		Args   []json.RawMessage          `json:"args"`
		Kwargs map[string]json.RawMessage `json:"kwargs"`
	}
	var c struct {
		Axis *int `json:"axis"`
		Keep bool `json:"keepdims"`
	}
	if err := json.Unmarshal(l.Inbound, &nodes); err != nil {
		return err
	}
	if err := json.Unmarshal(l.Config, &c); err != nil {
		return err
	}
	for i, node := range nodes {
		var in []kerasTensor
		at := kerasNode{l.Name, i}
		want := 1
		if l.Class == "NotEqual" {
			want = 2
		}
		if len(node.Args) != want || len(node.Kwargs) > 0 || kerasArg(node.Args[0], &in, kerasNesting) != nil || len(in) != 1 {
			return fmt.Errorf("is a mask of %.60s, want a tensor", node.Args)
		}
		if l.Class == "NotEqual" {
			var v float64
			if err := json.Unmarshal(node.Args[1], &v); err != nil {
				return fmt.Errorf("argument is %.60s, want a number", node.Args[1])
			}
			m.of[at], m.value[at] = in[0], v
			continue
		}
		inner, ok := m.of[in[0].node]
		if !ok || m.any[in[0].node] || c.Axis == nil || *c.Axis != -1 || c.Keep {
			return fmt.Errorf("any of %v is no mask of Masking", in[0])
		}
		m.of[at], m.any[at], m.value[at] = inner, true, m.value[in[0].node]
	}
	return nil
}

// masksPass are the layers whose output has the mask of their input, here as in Keras.
var masksPass = []string{
	"Activation", "BatchNormalization", "Dense", "Dropout", "GaussianDropout", "GaussianNoise", "LayerNormalization", "LeakyReLU",
	"PReLU", "ReLU", "SpatialDropout1D", "TimeDistributed", "Bidirectional", "GRU", "LSTM", "SimpleRNN",
}

// check refuses a mask that is another one than that of the call's input.
func (m *kerasMasks) check(c *kerasCall) error {
	if c.mask == nil {
		return nil
	}
	wrong := fmt.Errorf("keyword argument mask is %v, which is not known to be the mask of its input", *c.mask)
	source, ok := m.of[c.mask.node]
	if !ok || len(c.in) == 0 {
		return wrong
	}
	const far = 200 // layers, beyond any model of series
	for x, steps := c.in[0], 0; steps < far; steps++ {
		call := m.made[x.node]
		if call == nil || len(call.in) == 0 || x.output != 0 {
			return wrong
		}
		var a struct {
			Zero  bool    `json:"mask_zero"`
			Value float64 `json:"mask_value"`
		}
		switch class := kerasClass(call.layer.Class); class {
		case "Embedding", "Masking":
			if err := json.Unmarshal(call.layer.Config, &a); err != nil || call.in[0] != source {
				return wrong
			}
			if embedding := class == "Embedding"; embedding != a.Zero || embedding == m.any[c.mask.node] || m.value[c.mask.node] != a.Value {
				return wrong
			}
			return nil
		default:
			if !slices.Contains(masksPass, class) {
				return wrong
			}
		}
		x = call.in[0]
	}
	return wrong
}
