// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Scores are the outputs of a binary classifier for samples whose class is known.
type Scores struct {
	Name     string
	Score    []float64 // larger means more likely positive; may be infinite, but not NaN
	Positive []bool    // the truth
}

// ROC draws receiver operating characteristics: the true positive rate over the false
// positive rate for every threshold. The legend gives the area under each curve: 1 is
// perfect, 0.5 is chance.
func ROC(title string, classifiers ...Scores) (*Figure, error) {
	if len(classifiers) == 0 {
		return nil, fmt.Errorf("%s: no classifier", title)
	}
	ls := []line{{name: "chance, AUC 0.5", x: []float64{0, 1}, y: []float64{0, 1}, guide: true}}
	var errs []error
	var alts []string
	for i, s := range classifiers {
		fpr, tpr, area, err := s.roc()
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: classifier %q: %w", title, s.Name, err))
			continue
		}
		name := strings.TrimPrefix(fmt.Sprintf("%s, AUC %.4f", shorten(style{}, s.Name, 200), area), ", ")
		ls = append(ls, line{name: name, x: fpr, y: tpr, series: i})
		alts = append(alts, name)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	ch := chart{title: title, x: numberAxis("false positive rate", 0, 1, 0, 5), y: numberAxis("true positive rate", 0, 1, 0.02, 5), lines: ls}
	const w, h, margin = 340, 350, 10
	return &Figure{
		Alt:   "ROC curve. " + strings.Join(alts, "; ") + ".",
		width: w, height: h,
		draw: func(p *pen) { ch.draw(p, margin, margin, w-2*margin, h-2*margin) },
	}, nil
}

// roc goes through the samples from the highest score down; samples with equal scores
// move together, which draws a slanted step. The area is the trapezoidal sum.
func (s Scores) roc() (fpr, tpr []float64, area float64, err error) {
	if len(s.Score) != len(s.Positive) {
		return nil, nil, 0, fmt.Errorf("%d scores for %d samples", len(s.Score), len(s.Positive))
	}
	order := make([]int, len(s.Score))
	positives := 0
	for i, v := range s.Score {
		if math.IsNaN(v) {
			return nil, nil, 0, fmt.Errorf("score %d is %v", i, v)
		}
		order[i] = i
		if s.Positive[i] {
			positives++
		}
	}
	negatives := len(order) - positives
	if positives == 0 || negatives == 0 {
		return nil, nil, 0, fmt.Errorf("%d positive and %d negative samples, want some of each", positives, negatives)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(s.Score[b], s.Score[a]) })
	fpr, tpr = []float64{0}, []float64{0}
	tp, fp := 0, 0
	for i := 0; i < len(order); {
		for score := s.Score[order[i]]; i < len(order) && s.Score[order[i]] == score; i++ {
			if s.Positive[order[i]] {
				tp++
			} else {
				fp++
			}
		}
		x, y := float64(fp)/float64(negatives), float64(tp)/float64(positives)
		area += (x - fpr[len(fpr)-1]) * (y + tpr[len(tpr)-1]) / 2
		fpr, tpr = append(fpr, x), append(tpr, y)
	}
	return fpr, tpr, area, nil
}
