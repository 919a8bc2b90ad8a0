// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// History has the values that Fit measured: one for each name and epoch.
type History struct {
	names  []string
	values map[string][]float64
	first  int // the number of the first epoch, counted from 1
	// Seconds is the duration of each epoch in seconds, without validation.
	Seconds []float64
	// Samples is the number of samples trained on, over all epochs.
	Samples int
}

// add appends the values of an epoch.
func (h *History) add(epoch int, logs Logs, elapsed time.Duration) {
	if h.values == nil {
		h.values, h.first = map[string][]float64{}, epoch
	}
	for _, l := range logs {
		if _, ok := h.values[l.Name]; !ok {
			h.names = append(h.names, l.Name)
		}
		h.values[l.Name] = append(h.values[l.Name], l.Value)
	}
	h.Seconds = append(h.Seconds, elapsed.Seconds())
}

// Append adds the epochs of next, which continued the training after h: the epochs of a run
// that was interrupted and resumed are then in one History. Both must have the same series and
// next must begin with the epoch after the last one of h; an empty History fits any other.
func (h *History) Append(next *History) error {
	switch {
	case next == nil || next.Epochs() == 0:
		if next != nil {
			h.Samples += next.Samples
		}
		return nil
	case h.Epochs() == 0:
		h.names, h.values, h.first = slices.Clone(next.names), map[string][]float64{}, next.first
	case !slices.Equal(h.names, next.names):
		return fmt.Errorf("history: series %q do not continue %q", next.names, h.names)
	case next.first != h.first+h.Epochs():
		return fmt.Errorf("history: epoch %d does not continue epoch %d", next.first, h.first+h.Epochs()-1)
	}
	for _, name := range h.names {
		h.values[name] = append(h.values[name], next.values[name]...)
	}
	h.Seconds = append(h.Seconds, next.Seconds...)
	h.Samples += next.Samples
	return nil
}

// historyJSON is a History as JSON; NaN and infinite values are null.
type historyJSON struct {
	First   int          `json:"first_epoch"`
	Seconds []float64    `json:"seconds"`
	Samples int          `json:"samples"`
	Series  []seriesJSON `json:"series"`
}

type seriesJSON struct {
	Name   string     `json:"name"`
	Values []*float64 `json:"values"`
}

// numbers returns the values, null as NaN.
func (s seriesJSON) numbers() []float64 {
	values := make([]float64, len(s.Values))
	for e, v := range s.Values {
		if values[e] = math.NaN(); v != nil {
			values[e] = *v
		}
	}
	return values
}

// MarshalJSON writes the number of the first epoch, the seconds of each epoch, the number of
// samples and the series in their order. Numbers are exact; NaN and infinity are null.
func (h *History) MarshalJSON() ([]byte, error) {
	out := historyJSON{First: h.first, Seconds: h.Seconds, Samples: h.Samples}
	for _, name := range h.names {
		s := seriesJSON{Name: name, Values: make([]*float64, len(h.values[name]))}
		for e, v := range h.values[name] {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				s.Values[e] = &v
			}
		}
		out.Series = append(out.Series, s)
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote, null as NaN.
func (h *History) UnmarshalJSON(text []byte) error {
	var in historyJSON
	if err := unmarshalStrict(text, &in); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	if in.First < 0 || in.First > maxCount || in.Samples < 0 {
		return fmt.Errorf("history: first epoch %d, %d samples, want at least 0", in.First, in.Samples)
	}
	read := History{first: in.First, Seconds: in.Seconds, Samples: in.Samples}
	for _, s := range in.Series {
		if _, twice := read.values[s.Name]; twice {
			return fmt.Errorf("history: two series %q", s.Name)
		}
		if len(s.Values) != len(in.Seconds) {
			return fmt.Errorf("history: series %q has %d values, want one for each of %d epochs", s.Name, len(s.Values), len(in.Seconds))
		}
		if read.values == nil {
			read.values = map[string][]float64{}
		}
		read.names, read.values[s.Name] = append(read.names, s.Name), s.numbers()
	}
	if len(in.Series) == 0 && len(in.Seconds) > 0 {
		return errors.New("history: epochs without a series")
	}
	*h = read
	return nil
}

// Names returns the names of all series: "loss", "accuracy", "val_loss" and so on.
func (h *History) Names() []string { return h.names }

// Epochs returns the number of completed epochs.
func (h *History) Epochs() int { return len(h.Seconds) }

// Get returns the series with the given name, one value for each epoch; nil if there is none.
func (h *History) Get(name string) []float64 { return h.values[name] }

// Last returns the last value of a series, NaN if there is none.
func (h *History) Last(name string) float64 {
	v := h.values[name]
	if len(v) == 0 {
		return math.NaN()
	}
	return v[len(v)-1]
}

// String formats a table with one line for each epoch. If there are many epochs, it shows the
// first and the last ones.
func (h *History) String() string {
	const most, ends = 12, 5 // epochs shown, and epochs at each end if there are more
	if h == nil || h.Epochs() == 0 {
		return "no epochs"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	line := func(cells []string) { _, _ = fmt.Fprintln(w, strings.Join(cells, "\t")) } // a Builder never fails
	line(append([]string{"epoch"}, h.names...))
	for e := range h.Seconds {
		if h.Epochs() > most && e >= ends && e < h.Epochs()-ends {
			continue
		}
		cells := []string{strconv.Itoa(h.first + e)}
		for _, name := range h.names {
			cell := ""
			if v := h.values[name]; e < len(v) {
				cell = fmt.Sprintf("%.4g", v[e])
			}
			cells = append(cells, cell)
		}
		line(cells)
	}
	_ = w.Flush()
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if h.Epochs() > most {
		lines = slices.Insert(lines, 1+ends, "...")
	}
	return strings.Join(lines, "\n")
}

// WriteCSV writes a header line and one line for each epoch. Epochs are numbered as in
// Training.Epoch; with Until or InitialEpoch the numbers continue those of earlier training.
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
