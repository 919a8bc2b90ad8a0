// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/csv"
	"io"
	"strconv"
)

// History is what Fit measured: one number for each name and epoch.
type History struct {
	names  []string
	values map[string][]float64
	first  int // the number of the first epoch, from 1
	// Seconds is the time of each epoch, without validation.
	Seconds []float64
	// Samples is the number of samples that were trained on, over all epochs.
	Samples int
}

func (h *History) add(t *Training) {
	if h.values == nil {
		h.values, h.first = map[string][]float64{}, t.Epoch
	}
	for _, l := range t.Logs {
		if _, ok := h.values[l.Name]; !ok {
			h.names = append(h.names, l.Name)
		}
		h.values[l.Name] = append(h.values[l.Name], l.Value)
	}
	h.Seconds = append(h.Seconds, t.Elapsed.Seconds())
}

// Names are the names of all series: "loss", "accuracy", "val_loss", ...
func (h *History) Names() []string { return h.names }

// Epochs is the number of epochs that were completed.
func (h *History) Epochs() int { return len(h.Seconds) }

// Get is the series of that name, one value for each epoch; nil when there is none.
func (h *History) Get(name string) []float64 { return h.values[name] }

// Last is the last value of a series; ok is false when it has none.
func (h *History) Last(name string) (value float64, ok bool) {
	v := h.values[name]
	if len(v) == 0 {
		return 0, false
	}
	return v[len(v)-1], true
}

// WriteCSV writes one line for each epoch under a line of names. Epochs have the numbers
// that callbacks were told, which go on where Until or InitialEpoch has them go on.
func (h *History) WriteCSV(w io.Writer) (err error) {
	defer caught(&err, "history", w, "")
	c := csv.NewWriter(w)
	if err := c.Write(append([]string{"epoch"}, h.names...)); err != nil {
		return err
	}
	for e := range h.Seconds {
		line := []string{strconv.Itoa(h.first + e)}
		for _, name := range h.names {
			line = append(line, strconv.FormatFloat(h.values[name][e], 'g', 9, 64))
		}
		if err := c.Write(line); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}
