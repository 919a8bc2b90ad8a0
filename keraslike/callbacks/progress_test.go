// SPDX-License-Identifier: Apache-2.0

package callbacks

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/reef-dl/reef/keraslike"
)

var update = flag.Bool("update", false, "write the golden files anew")

func halfway() *keraslike.Training {
	return &keraslike.Training{
		Epoch: 2, Epochs: 5, Step: 118, Steps: 469, Samples: 15_000, Total: 60_000, Elapsed: 1500 * time.Millisecond,
		Logs: keraslike.Logs{{Name: "loss", Value: 0.47994}, {Name: "accuracy", Value: 0.8596}},
	}
}

func TestRunningLine(t *testing.T) {
	// 10,000 samples a second; 45,000 + 3·60,000 = 225,000 to do.
	for width, want := range map[int]string{
		100: "epoch 2/5 [#####-----------------] 118/469  loss 0.4799  accuracy 0.8596  10,000 samples/s  23s left",
		78:  "epoch 2/5 [##------] 118/469  loss 0.4799  accuracy 0.8596  10,000/s  23s left",
		75:  "epoch 2/5  118/469  loss 0.4799  accuracy 0.8596  10,000/s  23s left",
		30:  "epoch 2/5  118/469  loss 0.479",
		0:   "",
	} {
		if got := runningLine(halfway(), halfway().Logs, width); got != want {
			t.Errorf("in %d columns got\n%s\nwant\n%s", width, got, want)
		}
	}
	for width := range 200 {
		if got := runningLine(halfway(), halfway().Logs, width); len(got) > width {
			t.Fatalf("%d characters in %d columns: %s", len(got), width, got)
		}
	}
	for _, c := range []struct {
		training keraslike.Training
		want     string
	}{
		{keraslike.Training{Epoch: 1, Epochs: 1}, "epoch 1/1 [------------------------] 0/0    0 samples/s  0s left"},
		// A stream whose end is not known.
		{keraslike.Training{Epoch: 1, Epochs: 2, Step: 12, Samples: 60, Elapsed: time.Second}, "epoch 1/2  12    60 samples/s"},
	} {
		if got := runningLine(&c.training, nil, 80); got != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
}

func TestEpochLine(t *testing.T) {
	training := halfway()
	training.Logs = append(training.Logs, keraslike.Log{Name: "val_loss", Value: 0.5}, keraslike.Log{Name: "val_accuracy", Value: 0.75})
	const short = "epoch 2/5  loss 0.4799 (val 0.5000)  accuracy 0.8596 (val 0.7500)  1.5 s"
	for columns, want := range map[int]string{0: short + ", 10,000 samples/s", 120: short + ", 10,000 samples/s", 80: short} {
		if got := epochLine(training, training.Logs, columns); got != want {
			t.Errorf("in %d columns got\n%s\nwant\n%s", columns, got, want)
		}
	}
}

// TestDistinct: a metric that equals the loss is not shown until it differs; validation
// counts as well.
func TestDistinct(t *testing.T) {
	logs := func(loss, mse, val, valMSE, mae float64) keraslike.Logs {
		return keraslike.Logs{{Name: "loss", Value: loss}, {Name: "mse", Value: mse}, {Name: "mae", Value: mae}, {Name: "val_loss", Value: val}, {Name: "val_mse", Value: valMSE}, {Name: "val_mae", Value: 3}}
	}
	for _, c := range []struct {
		epochs []keraslike.Logs
		want   string // of the last
	}{
		{[]keraslike.Logs{logs(2, 2.000001, 4, 4, 1)}, "loss 2.0000 (val 4.0000)  mae 1.0000 (val 3.0000)"},
		{[]keraslike.Logs{logs(2, 2, 4, 3, 1)}, "loss 2.0000 (val 4.0000)  mse 2.0000 (val 3.0000)  mae 1.0000 (val 3.0000)"},
		{[]keraslike.Logs{logs(2, 1, 4, 4, 1), logs(2, 2, 4, 4, 1)}, "loss 2.0000 (val 4.0000)  mse 2.0000 (val 4.0000)  mae 1.0000 (val 3.0000)"},
	} {
		p := Progress(io.Discard).(*progress)
		var got string
		for _, e := range c.epochs {
			got = figures(p.distinct(e))
		}
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestProgress compares all that is written in two trainings, on a terminal and elsewhere:
// one of two epochs, whose line is redrawn ten times a second, then one that is
// interrupted within its second epoch, one between two epochs, and one that fails.
func TestProgress(t *testing.T) {
	for name, columns := range map[string]int{"terminal": 80, "plain": 0} {
		var b bytes.Buffer
		at := time.Unix(0, 0)
		p := Progress(&b, Columns(columns), Clock(func() time.Time { return at }))
		tell := func(e keraslike.Event, s *keraslike.Training) {
			t.Helper()
			if err := p.On(e, s); err != nil {
				t.Fatal(err)
			}
		}
		epoch := func(s *keraslike.Training, number, steps int) {
			s.Epoch, s.Step, s.Samples, s.Elapsed = number, 0, 0, 0
			tell(keraslike.EpochBegin, s)
			for s.Step < steps {
				at = at.Add(60 * time.Millisecond)
				s.Step, s.Samples, s.Elapsed = s.Step+1, s.Samples+32, s.Elapsed+60*time.Millisecond
				loss := 1 / float64(number*s.Steps+s.Step)
				s.Logs = keraslike.Logs{{Name: "loss", Value: loss}, {Name: "accuracy", Value: 1 - loss}}
				tell(keraslike.BatchEnd, s)
			}
			if steps == s.Steps {
				s.Logs = append(s.Logs, keraslike.Log{Name: "val_loss", Value: 0.5}, keraslike.Log{Name: "val_accuracy", Value: 0.75})
				tell(keraslike.EpochEnd, s)
			}
		}
		for _, last := range []int{5, 3, 0, -1} { // steps of the second epoch
			s := &keraslike.Training{Epochs: 2, Steps: 5, Total: 160, Interrupted: last == 3 || last == 0}
			tell(keraslike.TrainBegin, s)
			if last == -1 {
				epoch(s, 1, 2)
				p.(keraslike.Finisher).Finish(errors.New("the disk is full"))
				continue
			}
			epoch(s, 1, 5)
			if last > 0 {
				epoch(s, 2, last)
			}
			tell(keraslike.TrainEnd, s)
		}
		got := strings.ReplaceAll(b.String(), "\r", "\\r")
		path := filepath.Join("testdata", "progress_"+name+".txt")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestManyEpochs: a thousand short epochs take some dozen lines, among them the first
// and the last; long ones have one each, and so has one that ends training early.
func TestManyEpochs(t *testing.T) {
	run := func(epochs, last int, slow bool) string {
		var b bytes.Buffer
		at := time.Unix(0, 0)
		p := Progress(&b, Clock(func() time.Time { return at }))
		tell := func(e keraslike.Event, epoch int) {
			t.Helper()
			if err := p.On(e, &keraslike.Training{Epoch: epoch, Epochs: epochs}); err != nil {
				t.Fatal(err)
			}
		}
		for e := 1; e <= last; e++ {
			if slow {
				at = at.Add(2 * time.Second)
			}
			tell(keraslike.EpochEnd, e)
		}
		tell(keraslike.TrainEnd, last)
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
		for _, e := range []int{1, c.last} {
			if line := fmt.Sprintf("epoch %d/%d ", e, c.epochs); !strings.Contains(got, line) {
				t.Errorf("lines lack %q:\n%s", line, got)
			}
		}
	}
}

// A writer that fails ends training, and so do settings that make no sense.
func TestProgressMistakes(t *testing.T) {
	for want, p := range map[string]keraslike.Callback{
		"the writer is nil":           Progress(nil),
		"-3 columns, want at least 0": Progress(io.Discard, Columns(-3)),
		"option 0 is nil":             Progress(io.Discard, nil),
		"option 1 is nil":             Progress(io.Discard, Columns(3), Clock(nil)),
	} {
		if err := p.On(keraslike.TrainBegin, halfway()); err == nil || !strings.Contains(err.Error(), "progress: "+want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	r, w := io.Pipe()
	r.CloseWithError(errors.New("the pipe is broken"))
	if err := Progress(w).On(keraslike.EpochEnd, halfway()); err == nil || !strings.Contains(err.Error(), "progress: the pipe is broken") {
		t.Errorf("got %v, want the writer's error", err)
	}
}
