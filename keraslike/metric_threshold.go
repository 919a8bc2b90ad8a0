// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// outcomes are the total weights of the true and false positives and negatives at one threshold.
type outcomes struct{ tp, fp, tn, fn float64 }

func (o outcomes) precision() float64   { return ratio(o.tp, o.tp+o.fp) }
func (o outcomes) recall() float64      { return ratio(o.tp, o.tp+o.fn) }
func (o outcomes) specificity() float64 { return ratio(o.tn, o.tn+o.fp) }

// thresholds are the numbers above which a prediction counts as positive: a list, or evenly
// spaced ones, for which a prediction's place is computed instead of searched.
type thresholds struct {
	sorted []float32
	order  []int // the place in sorted of each threshold as it was given; nil if they were sorted
	even   int   // i/(even-1) for i below even; 0 for a list
	open   bool  // the lowest is just below 0, the highest just above 1
}

// thresholdList returns the thresholds of a list.
func thresholdList(list []float64) thresholds {
	t := thresholds{}
	for _, v := range list {
		t.sorted = append(t.sorted, float32(v))
	}
	slices.Sort(t.sorted)
	for _, v := range list {
		t.order = append(t.order, slices.Index(t.sorted, float32(v)))
	}
	return t
}

func (t *thresholds) count() int { return t.even + len(t.sorted) }

// below returns the number of thresholds that a prediction exceeds.
func (t *thresholds) below(v float32) int {
	if t.even == 0 {
		return sort.Search(len(t.sorted), func(i int) bool { return !(t.sorted[i] < v) })
	}
	// In float32, as in Keras: the product with n-1 may round to an integer.
	n := int(math.Ceil(float64(min(max(v, 0), 1) * float32(t.even-1))))
	if t.open {
		n = max(n, 1)
	}
	return n
}

// thresholdCounts is a measurement of what happens at one or more thresholds. It counts the
// weights of true and false targets by the number of thresholds that their prediction exceeds,
// from which the outcomes at every threshold follow.
type thresholdCounts struct {
	domain
	name string
	thresholds
	predictions  *valueRange // nil for any number
	advice       string      // what to do about predictions outside of it
	sigmoid      bool        // of the predictions
	selection    selection
	labels       int // that are counted apart
	labelWeights []float64

	// One of these computes the metric: for each threshold, whose values' mean is the metric, or
	// from the outcomes at all thresholds in ascending order.
	each  func(outcomes) float64
	curve func([]outcomes) float64

	positives, negatives []float64 // by label and number of thresholds exceeded
	points               []outcomes
}

var (
	_ CheckedMeasurement  = (*thresholdCounts)(nil)
	_ SummingMeasurement  = (*thresholdCounts)(nil)
	_ WeightedMeasurement = (*thresholdCounts)(nil)
	_ VectorMeasurement   = (*thresholdCounts)(nil)
)

// start allocates the counts.
func (m *thresholdCounts) start() *thresholdCounts {
	m.labels = max(1, m.labels)
	m.positives = make([]float64, m.labels*(m.count()+1))
	m.negatives = make([]float64, len(m.positives))
	m.points = make([]outcomes, m.count())
	return m
}

// thresholdMemory returns the number of bytes of a thresholdCounts.
func thresholdMemory(thresholds int, labels float64) float64 {
	return bytesOfNumber * (4*float64(thresholds) + 2*(float64(thresholds)+1)*labels)
}

func (m *thresholdCounts) Add(n int, p, t []float32) { m.AddWeighted(n, p, t, nil) }

// AddWeighted adds n samples, or n parts of them, such as steps or the elements of a row.
func (m *thresholdCounts) AddWeighted(n int, p, t, weights []float32) {
	m.checkFinite(p, t)
	cols := max(1, m.selection.cols)
	each := max(1, len(p)/max(1, n))
	for r := range len(p) / cols {
		from, to := m.selection.row(p[r*cols : (r+1)*cols])
		for j := from; j < to; j++ {
			at := r*cols + j
			w, sample := 1.0, at/each
			if weights != nil {
				w = float64(weights[sample])
			}
			v, truth := p[at], t[at]
			if m.sigmoid {
				v = float32(1 / (1 + math.Exp(-float64(v))))
			}
			if w != 0 && (m.reject(m.name, sample, n, probabilities.check("target", []float32{truth}, 0)) || m.reject(m.name, sample, n, m.checkPrediction(v))) {
				continue
			}
			if m.invalid == 0 {
				m.count1(w, v, truth, j)
			}
		}
	}
}

// count1 counts element j of a row.
func (m *thresholdCounts) count1(w float64, v, t float32, j int) {
	if m.labelWeights != nil && m.labels == 1 {
		w *= m.labelWeights[j]
	}
	place := 0
	if m.selection.has(j) {
		place = m.below(v)
	}
	if m.labels > 1 {
		place += j * (m.count() + 1)
	}
	if t != 0 {
		m.positives[place] += w
	} else {
		m.negatives[place] += w
	}
}

func (m *thresholdCounts) checkPrediction(v float32) error {
	err := m.predictions.check("prediction", []float32{v}, predictionRounding)
	if err != nil && m.advice != "" {
		return fmt.Errorf("%w; %s", err, m.advice)
	}
	return err
}

// outcomes returns the outcomes at all thresholds, in ascending order, of one label.
func (m *thresholdCounts) outcomes(label int) []outcomes {
	n := m.count() + 1
	positives, negatives := m.positives[label*n:(label+1)*n], m.negatives[label*n:(label+1)*n]
	var tp, fp float64
	for i := n - 2; i >= 0; i-- {
		tp, fp = tp+positives[i+1], fp+negatives[i+1]
		m.points[i].tp, m.points[i].fp = tp, fp
	}
	var fn, tn float64
	for i := range m.points {
		fn, tn = fn+positives[i], tn+negatives[i]
		m.points[i].fn, m.points[i].tn = fn, tn
	}
	return m.points
}

// Value returns the mean over the thresholds or, of a curve, over the labels.
func (m *thresholdCounts) Value() float64 {
	var sum, all float64
	if m.each != nil {
		for _, o := range m.outcomes(0) {
			sum += m.each(o)
		}
		return m.valueOrNaN(sum / float64(m.count()))
	}
	for label := range m.labels {
		w := 1.0
		if m.labels > 1 && m.labelWeights != nil {
			w = m.labelWeights[label]
		}
		sum, all = sum+w*m.curve(m.outcomes(label)), all+w
	}
	return m.valueOrNaN(sum / all)
}

// Values returns the value at each threshold, in the order in which they were given, or, of a
// curve, that of each label.
func (m *thresholdCounts) Values() (values []float64) {
	if m.each != nil {
		points := m.outcomes(0)
		for _, i := range m.order {
			values = append(values, m.valueOrNaN(m.each(points[i])))
		}
		return values
	}
	for label := range m.labels {
		values = append(values, m.valueOrNaN(m.curve(m.outcomes(label))))
	}
	return values
}

// Sums returns the counts.
func (m *thresholdCounts) Sums() []*float64 {
	return append(addresses(m.positives, m.negatives), &m.invalid)
}

func (m *thresholdCounts) Reset() {
	m.reset()
	clear(m.positives)
	clear(m.negatives)
}

// selection is which predictions of a row of classes may be positive and which are counted.
type selection struct {
	cols    int // of a row; 0 if rows do not matter
	class   int // that is counted alone, if alone is set
	alone   bool
	topK    int // the number of largest predictions that may be positive, 0 for all
	scratch []float32
	least   float32 // of the largest predictions of the row
	last    int     // the last of those that are equal to least
}

// newSelection checks the options ClassID and TopK for predictions of shape p.
func newSelection(p Shape, class *int, topK *int) (s selection, err error) {
	if class == nil && topK == nil {
		return s, nil
	}
	if len(p) == 0 {
		return s, fmt.Errorf("predictions are single numbers without an axis, want classes along the last axis for ClassID and TopK")
	}
	s.cols = p[len(p)-1]
	if class != nil {
		if s.alone, s.class = true, *class; s.class < 0 || s.class >= s.cols {
			return s, fmt.Errorf("ClassID is %d, want 0 to %d: predictions have shape %v", s.class, s.cols-1, p)
		}
	}
	if topK != nil {
		if s.topK = *topK; s.topK < 1 || s.topK > s.cols {
			return s, fmt.Errorf("TopK is %d, want 1 to %d: predictions have shape %v", s.topK, s.cols, p)
		}
		s.scratch = make([]float32, s.cols)
	}
	return s, nil
}

// row begins a row and returns the range of its elements that are counted.
func (s *selection) row(p []float32) (from, to int) {
	if s.topK > 0 {
		copy(s.scratch, p)
		slices.Sort(s.scratch)
		s.least = s.scratch[len(p)-s.topK]
		left := 0 // places for predictions equal to the least, which the first get
		for _, v := range s.scratch[len(p)-s.topK:] {
			if v == s.least {
				left++
			}
		}
		for j, v := range p {
			if v == s.least {
				if left--; left == 0 {
					s.last = j
				}
			}
		}
		copy(s.scratch, p)
	}
	if s.alone {
		return s.class, s.class + 1
	}
	return 0, len(p)
}

// has reports whether element j of the row may be positive.
func (s *selection) has(j int) bool {
	if s.topK == 0 {
		return true
	}
	return s.scratch[j] > s.least || s.scratch[j] == s.least && j <= s.last
}

// checkThresholds returns an error for a threshold that is not finite.
func checkThresholds(list []float64) error {
	for _, v := range list {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("threshold is %g, want a finite number", v)
		}
	}
	return nil
}
