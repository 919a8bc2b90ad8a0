// SPDX-License-Identifier: Apache-2.0

package callbacks

import (
	"fmt"
	"slices"
	"time"

	"github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/tensorboard"
)

// TensorBoard writes the logs of each epoch and the learning rate to a new event file in
// dir, named "epoch_loss" and so on.
//
// Options and their defaults:
//
//	Histograms(0)     record the distribution of each weight after every n epochs
//	Clock(time.Now)   source of the times of the events
//
// See https://keras.io/api/callbacks/tensorboard/.
func TensorBoard(dir string, opts ...TensorBoardOption) keraslike.Callback {
	b := &board{dir: dir, clock: time.Now}
	for _, o := range given(opts, &b.mistake) {
		o.applyTensorBoard(b)
	}
	return b
}

// TensorBoardOption is an option of TensorBoard.
type TensorBoardOption interface{ applyTensorBoard(*board) }

type boardSetting func(*board)

func (set boardSetting) applyTensorBoard(b *board) { set(b) }

// Histograms records the distribution of the values of each weight after every n epochs; 0
// records none.
func Histograms(epochs int) TensorBoardOption {
	return boardSetting(func(b *board) { b.histograms = epochs })
}

// ClockOption is an option of TensorBoard and Progress.
type ClockOption interface {
	TensorBoardOption
	ProgressOption
}

// Clock sets the source of the time.
func Clock(now func() time.Time) ClockOption { return clock(now) }

type clock func() time.Time

func (now clock) applyTensorBoard(b *board) { b.clock = now }
func (now clock) applyProgress(p *progress) { p.line.Now = now }

type board struct {
	noLogs
	dir        string
	histograms int
	clock      func() time.Time
	w          *tensorboard.Writer // nil before and after a training
	mistake    error               // in the options
}

// OnFirstRank returns true: in a distributed training one rank does it for all.
func (b *board) OnFirstRank() bool { return true }

func (b *board) On(e keraslike.Event, t *keraslike.Training) error {
	switch e {
	case keraslike.TrainBegin:
		return b.open()
	case keraslike.EpochEnd:
		return b.epochEnd(t)
	case keraslike.TrainEnd:
		w := b.w
		b.w = nil
		return w.Close()
	}
	return nil
}

func (b *board) open() (err error) {
	switch {
	case b.mistake != nil:
		return fmt.Errorf("tensorboard: %w", b.mistake)
	case b.histograms < 0:
		return fmt.Errorf("tensorboard: histograms after every %d epochs, want at least 0", b.histograms)
	}
	b.w, err = tensorboard.Create(b.dir, b.clock)
	return err
}

func (b *board) epochEnd(t *keraslike.Training) error {
	step := int64(t.Epoch)
	for _, l := range append(slices.Clone(t.Logs), keraslike.Log{Name: "learning_rate", Value: t.Rate}) {
		if err := b.w.Scalar("epoch_"+l.Name, step, l.Value); err != nil {
			return err
		}
	}
	if b.histograms > 0 && t.Epoch%b.histograms == 0 {
		for _, w := range t.Model.Weights() {
			if err := b.w.Histogram(w.Path(), step, w.Values()); err != nil {
				return err
			}
		}
	}
	return b.w.Flush()
}

// Finish closes the file if training failed.
func (b *board) Finish(error) {
	if b.w != nil {
		_ = b.w.Close() // Fit returns the error that ended training
		b.w = nil
	}
}
