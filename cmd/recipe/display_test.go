// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/reef-dl/reef/datasets"
	"github.com/reef-dl/reef/keraslike"
)

func halfway() *keraslike.Training {
	return &keraslike.Training{
		Epoch: 2, Epochs: 5, Step: 118, Steps: 469, Samples: 15_000, Total: 60_000, Elapsed: 1500 * time.Millisecond,
		Logs: keraslike.Logs{{Name: "loss", Value: 0.47994}, {Name: "accuracy", Value: 0.8596}},
	}
}

func TestTrainingLine(t *testing.T) {
	// 10,000 samples a second; 45,000 + 3·60,000 = 225,000 to do.
	for room, want := range map[int]string{
		100: "epoch 2/5 [#####-----------------] 118/469  loss 0.4799  accuracy 0.8596  10,000 samples/s  23s left",
		78:  "epoch 2/5 [##------] 118/469  loss 0.4799  accuracy 0.8596  10,000/s  23s left",
		75:  "epoch 2/5  118/469  loss 0.4799  accuracy 0.8596  10,000/s  23s left",
		30:  "epoch 2/5  118/469  loss 0.479",
		0:   "",
	} {
		if got := trainingLine(halfway(), room); got != want {
			t.Errorf("in %d columns got\n%s\nwant\n%s", room, got, want)
		}
	}
	for room := range 200 {
		if got := trainingLine(halfway(), room); len(got) > room {
			t.Fatalf("%d characters in %d columns: %s", len(got), room, got)
		}
	}
	wantText(t, "line", trainingLine(&keraslike.Training{Epoch: 1, Epochs: 1}, 80), "0/0", "0 samples/s", "0s left")
}

func TestEpochLine(t *testing.T) {
	training := halfway()
	training.Logs = append(training.Logs, keraslike.Log{Name: "val_loss", Value: 0.5}, keraslike.Log{Name: "val_accuracy", Value: 0.75})
	const short = "epoch 2/5  loss 0.4799 (val 0.5000)  accuracy 0.8596 (val 0.7500)  1.5 s"
	for columns, want := range map[int]string{0: short + ", 10,000 samples/s", 120: short + ", 10,000 samples/s", 80: short} {
		if got := epochLine(training, columns); got != want {
			t.Errorf("in %d columns got\n%s\nwant\n%s", columns, got, want)
		}
	}
}

// TestFiguresOnce: a metric that is the loss once more has no place in a line, until it
// differs; validation counts as well.
func TestFiguresOnce(t *testing.T) {
	logs := func(loss, mse, val, valMSE, mae float64) *keraslike.Training {
		return &keraslike.Training{Logs: keraslike.Logs{{Name: "loss", Value: loss}, {Name: "mse", Value: mse}, {Name: "mae", Value: mae}, {Name: "val_loss", Value: val}, {Name: "val_mse", Value: valMSE}, {Name: "val_mae", Value: 3}}}
	}
	for _, c := range []struct {
		epochs []*keraslike.Training
		want   string // of the last
	}{
		{[]*keraslike.Training{logs(2, 2.000001, 4, 4, 1)}, "loss 2.0000 (val 4.0000)  mae 1.0000 (val 3.0000)"},
		{[]*keraslike.Training{logs(2, 2, 4, 3, 1)}, "loss 2.0000 (val 4.0000)  mse 2.0000 (val 3.0000)  mae 1.0000 (val 3.0000)"},
		{[]*keraslike.Training{logs(2, 1, 4, 4, 1), logs(2, 2, 4, 4, 1)}, "loss 2.0000 (val 4.0000)  mse 2.0000 (val 4.0000)  mae 1.0000 (val 3.0000)"},
	} {
		d := newDisplay(io.Discard, false)
		var got string
		for _, e := range c.epochs {
			got = figures(d.once(e).Logs)
		}
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestDownloadLine(t *testing.T) {
	p := datasets.Progress{Set: "mnist", File: "train.gz", Done: 2_500_000, Total: 10_000_000}
	if got, want := downloadLine(p, 5*time.Second, 79), "downloading mnist/train.gz [####--------------] 2.5/10.0 MB  0.5 MB/s  15s left"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	p.Total = 0 // the publisher does not say
	if got, want := downloadLine(p, 5*time.Second, 79), "downloading mnist/train.gz  2.5 MB  0.5 MB/s"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	wantText(t, "line", downloadLine(datasets.Progress{Set: "a", File: "b", Total: 5}, 0, 79), "? left")
}

// TestDisplayOnTerminal draws on a terminal of 80 columns: the live line is
// overwritten in place and wiped, with the ^C that may stand behind it, before
// the plain line of the epoch.
func TestDisplayOnTerminal(t *testing.T) {
	var b bytes.Buffer
	d := newDisplay(&b, false)
	d.columns = func() int { return 80 }
	training := halfway()
	events := func(list ...keraslike.Event) {
		t.Helper()
		for _, e := range list {
			if err := d.On(e, training); err != nil {
				t.Fatal(err)
			}
		}
	}
	events(keraslike.TrainBegin, keraslike.EpochBegin, keraslike.BatchEnd, keraslike.BatchEnd)
	line := trainingLine(training, 77)
	if got := b.String(); got != "\r"+line {
		t.Errorf("two batches at once: got %q, want the line once", got)
	}
	b.Reset()
	d.drawn = time.Time{} // as if some time had passed
	training.Logs = training.Logs[:1]
	events(keraslike.BatchEnd)
	if got := b.String(); len(got) < 1+len(line) || strings.Contains(got, "\n") {
		t.Errorf("a shorter line has to cover the longer one before it: got %q", got)
	}
	b.Reset()
	events(keraslike.EpochEnd)
	blank, plain, ok := strings.Cut(strings.TrimPrefix(b.String(), "\r"), "\r")
	if !ok || strings.TrimSpace(blank) != "" || len(blank) < len(trainingLine(training, 77))+2 || plain != "epoch 2/5  loss 0.4799  1.5 s, 10,000 samples/s\n" {
		t.Errorf("at the end of the epoch got %q", b.String())
	}
	b.Reset()
	events(keraslike.TrainEnd)
	if got, want := b.String(), "epoch 2/5  loss 0.4799  stopped after step 118 of 469\n"; got != want {
		t.Errorf("after a stop got %q, want %q", got, want)
	}
}

// TestManyEpochs: a thousand short epochs take some dozen lines, among them the first
// and the last; long ones have one each, and one that ends the training early too.
func TestManyEpochs(t *testing.T) {
	run := func(epochs, last int, slow bool) string {
		var b bytes.Buffer
		d := newDisplay(&b, false)
		for e := 1; e <= last; e++ {
			if slow {
				d.told = time.Time{}
			}
			if err := d.On(keraslike.EpochEnd, &keraslike.Training{Epoch: e, Epochs: epochs}); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.On(keraslike.TrainEnd, &keraslike.Training{Epoch: last, Epochs: epochs}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, c := range []struct {
		epochs, last int
		slow         bool
		lines        int
	}{{20, 20, false, 20}, {100, 100, false, 100}, {1000, 1000, false, 10 + 9 + 1}, {400, 400, false, 10 + 39}, {1000, 1000, true, 1000}, {1000, 123, false, 10 + 1 + 1}} {
		got := run(c.epochs, c.last, c.slow)
		if n := strings.Count(got, "\n"); n != c.lines {
			t.Errorf("%d of %d epochs, slow %v: %d lines, want %d:\n%s", c.last, c.epochs, c.slow, n, c.lines, got)
		}
		wantText(t, "lines", got, fmt.Sprintf("epoch 1/%d ", c.epochs), fmt.Sprintf("epoch %d/%d ", c.last, c.epochs))
	}
}

func TestDisplayOfDownloads(t *testing.T) {
	var b bytes.Buffer
	d := newDisplay(&b, false)
	for _, p := range []datasets.Progress{{Set: "mnist", File: "a", Done: 1, Total: 2}, {Set: "mnist", File: "a", Done: 2, Total: 2}, {Set: "mnist", File: "b", Done: 0, Total: 2}} {
		d.download(p)
	}
	if got, want := b.String(), "downloading mnist/a\ndownloading mnist/b\n"; got != want {
		t.Errorf("on no terminal got %q, want %q", got, want)
	}
	b.Reset()
	quiet := newDisplay(&b, true)
	quiet.download(datasets.Progress{Set: "mnist", File: "a"})
	if err := quiet.On(keraslike.EpochEnd, halfway()); err != nil || b.Len() > 0 {
		t.Errorf("quiet shows %q (%v)", b.String(), err)
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text, want string
		width      int
	}{
		{"", "", 10},
		{"one", "one", 2},
		{"one two three", "one two\nthree", 7},
		{"one two three", "one\ntwo\nthree", 6},
		{"the article’s one", "the article’s\none", 13}, // 13 characters in 15 bytes
	} {
		if got := wrap(c.text, c.width); got != c.want {
			t.Errorf("%q in %d columns is %q, want %q", c.text, c.width, got, c.want)
		}
	}
}
