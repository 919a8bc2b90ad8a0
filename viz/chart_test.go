// SPDX-License-Identifier: Apache-2.0

package viz

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// overfitting is a made-up training run: the loss falls, validation turns.
func overfitting(epochs int) []Metric {
	r := rand.New(rand.NewPCG(1, 1))
	m := []Metric{{Name: "loss"}, {Name: "accuracy"}}
	for e := range epochs {
		t := float64(e)
		train := 0.12 + 1.4*math.Exp(-t/4)
		val := 0.30 + 1.2*math.Exp(-t/3) + 0.012*t + 0.03*r.Float64()
		m[0].Training = append(m[0].Training, train)
		m[0].Validation = append(m[0].Validation, val)
		m[1].Training = append(m[1].Training, 1-train/2.2)
		m[1].Validation = append(m[1].Validation, 1-val/2.2)
	}
	return m
}

func TestTrainingFigure(t *testing.T) {
	f, err := Training("Reuters topics, dense network", overfitting(20)...)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "training", f, Dark)
	if want := "Training curves over 20 epochs. loss: training 0.1321 from 1.52 to 0.132"; !strings.HasPrefix(f.Alt, want) {
		t.Errorf("alt = %q, want it to begin with %q", f.Alt, want)
	}
}

func TestTrainingWithGap(t *testing.T) {
	f, err := Training("Diverged", Metric{Name: "mae", Unit: "°C", Training: []float64{3, 2, math.NaN(), 2.5, 2.25}})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "training-gap", f)
}

func TestTrainingErrors(t *testing.T) {
	tests := []struct {
		metrics []Metric
		want    string
	}{
		{nil, "run: no metric to draw"},
		{[]Metric{{Name: "loss"}}, `run: metric "loss" has no training value`},
		{[]Metric{{Name: "loss", Training: []float64{1, 2}, Validation: []float64{1}}}, `run: metric "loss" has 2 training and 1 validation values`},
	}
	for _, test := range tests {
		if _, err := Training("run", test.metrics...); err == nil || err.Error() != test.want {
			t.Errorf("Training(%v) = %v, want %s", test.metrics, err, test.want)
		}
	}
}

func TestTimeSeriesFigure(t *testing.T) {
	start := time.Date(2016, 7, 4, 0, 0, 0, 0, time.UTC)
	var times []time.Time
	var measured, predicted []float64
	r := rand.New(rand.NewPCG(2, 1))
	drift := 0.0
	for i := range 24 * 6 * 10 {
		times = append(times, start.Add(time.Duration(i)*10*time.Minute))
		drift = 0.998*drift + 0.06*r.NormFloat64()
		v := 16 + 6*math.Sin(2*math.Pi*(float64(i)/144-0.4)) + drift
		measured = append(measured, v)
		predicted = append(predicted, v+1.2*math.Sin(float64(i)/37)+0.4)
	}
	f, err := TimeSeries("Jena, temperature one day ahead", "temperature (°C)", times,
		Line{Name: "measured", Y: measured}, Line{Name: "predicted", Y: predicted})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "timeseries", f, Dark)

	if _, err := TimeSeries("x", "y", []time.Time{start, start.Add(-1)}, Line{Y: []float64{1, 2}}); err == nil {
		t.Error("times that go back were accepted")
	}
	if _, err := TimeSeries("x", "y", times, Line{Name: "short", Y: []float64{1}}); err == nil {
		t.Error("a line shorter than the times was accepted")
	}
}

func TestTimeAxis(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	tests := []struct{ first, last, want string }{
		{"2009-01-01 00:10", "2017-01-01 00:00", "2011 2013 2015 2017"},
		{"2009-01-01 00:10", "2009-01-10 00:00", "3 Jan|5 Jan|7 Jan|9 Jan"},
		{"2016-03-15 00:00", "2016-08-20 00:00", "Apr 2016|May 2016|Jun 2016|Jul 2016|Aug 2016"},
		{"2016-03-15 22:30", "2016-03-16 02:00", "23:00 00:00 01:00 02:00"},
		{"2016-03-15 22:30", "2016-03-15 22:40", "22:30:00 22:40:00"},
	}
	for _, test := range tests {
		var got []string
		for _, tick := range timeAxis(at(test.first), at(test.last)).ticks {
			got = append(got, tick.text)
		}
		sep := " "
		if strings.Contains(test.want, "|") {
			sep = "|"
		}
		if s := strings.Join(got, sep); s != test.want {
			t.Errorf("ticks from %s to %s = %s, want %s", test.first, test.last, s, test.want)
		}
	}
}

func TestNumberAxis(t *testing.T) {
	tests := []struct {
		lo, hi float64
		want   string
	}{
		{0, 1, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{-23, 37, "−20 0 20"},
		{0.0021, 0.0049, "0.003 0.004"},
		{1e6, 5e6, "1e+06 2e+06 3e+06 4e+06 5e+06"},
		{7, 7, "6.5 7.0 7.5"},
	}
	for _, test := range tests {
		var got []string
		for _, tick := range numberAxis("", test.lo, test.hi, 0, 5).ticks {
			got = append(got, tick.text)
		}
		if s := strings.Join(got, " "); s != test.want {
			t.Errorf("ticks of %v to %v = %s, want %s", test.lo, test.hi, s, test.want)
		}
	}
}

func TestCountAxis(t *testing.T) {
	tests := []struct {
		first, last int
		want        string
	}{{1, 1, "1"}, {1, 5, "1 2 3 4 5"}, {1, 20, "1 5 10 15 20"}, {0, 9, "0 2 4 6 8"}, {1, 300, "1 50 100 150 200 250 300"}}
	for _, test := range tests {
		var got []string
		for _, tick := range countAxis("", test.first, test.last, 8).ticks {
			got = append(got, tick.text)
		}
		if s := strings.Join(got, " "); s != test.want {
			t.Errorf("ticks of %d to %d = %s, want %s", test.first, test.last, s, test.want)
		}
	}
}

// TestROCKnown: the example of scikit-learn's roc_auc_score page, scores
// 0.1 0.4 0.35 0.8 of classes 0 0 1 1, has area 0.75; ties count half.
func TestROCKnown(t *testing.T) {
	tests := []struct {
		score    []float64
		positive []bool
		want     float64
	}{
		{[]float64{0.1, 0.4, 0.35, 0.8}, []bool{false, false, true, true}, 0.75},
		{[]float64{0.5, 0.5}, []bool{false, true}, 0.5},
		{[]float64{1, 2, 3}, []bool{false, true, true}, 1},
		{[]float64{1, 2, 3}, []bool{true, false, false}, 0},
	}
	for _, test := range tests {
		fpr, tpr, area, err := Scores{Score: test.score, Positive: test.positive}.roc()
		if err != nil || math.Abs(area-test.want) > 1e-12 {
			t.Errorf("area of %v %v = %v, %v, want %v", test.score, test.positive, area, err, test.want)
		}
		if !slices.IsSorted(fpr) || !slices.IsSorted(tpr) || fpr[len(fpr)-1] != 1 || tpr[len(tpr)-1] != 1 {
			t.Errorf("curve %v %v does not rise to (1, 1)", fpr, tpr)
		}
	}
	for _, bad := range []Scores{
		{Score: []float64{1}, Positive: []bool{true}},
		{Score: []float64{1, 2}, Positive: []bool{true}},
		{Score: []float64{1, math.NaN()}, Positive: []bool{true, false}},
	} {
		if _, _, _, err := bad.roc(); err == nil {
			t.Errorf("roc of %v was accepted", bad)
		}
	}
}

func TestROCFigure(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	var strong, weak Scores
	strong.Name, weak.Name = "fine-tuned", "from scratch"
	for i := range 400 {
		truth := i%2 == 0
		shift := 0.0
		if truth {
			shift = 1
		}
		strong.Score, strong.Positive = append(strong.Score, 2.4*shift+r.NormFloat64()), append(strong.Positive, truth)
		weak.Score, weak.Positive = append(weak.Score, shift+r.NormFloat64()), append(weak.Positive, truth)
	}
	f, err := ROC("Cats and dogs, test set", strong, weak)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "roc", f)
}

// TestThin: thinning keeps every extreme and stays within its limit.
func TestThin(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	x, y := make([]float64, 100_000), make([]float64, 100_000)
	for i := range x {
		x[i], y[i] = float64(i), r.NormFloat64()
	}
	tx, ty := thin(x, y, 1000)
	if len(tx) > 1000 || !slices.IsSorted(tx) || slices.Max(ty) != slices.Max(y) || slices.Min(ty) != slices.Min(y) {
		t.Errorf("thin: %d points, sorted %v, max %v of %v", len(tx), slices.IsSorted(tx), slices.Max(ty), slices.Max(y))
	}
}

func TestLinesFigure(t *testing.T) {
	f, err := Lines("Learning rate warm-up", "step", "learning rate (× 0.001)", Line{Y: []float64{0, 1, 2, 3, 4, 3.5, 3, 2.5, 2, 1.5, 1}})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "lines", f)
	for _, bad := range [][]Line{nil, {{X: []float64{1}, Y: []float64{1, 2}}}} {
		if _, err := Lines("x", "", "", bad...); err == nil {
			t.Errorf("Lines(%v) was accepted", bad)
		}
	}
}

// TestSteepStart: the first epoch does not press the others flat, the figure says
// what it omits, and a share's axis ends at 1.
func TestSteepStart(t *testing.T) {
	loss := Metric{Name: "loss", Training: []float64{344.7, 36.8, 22.7, 18.5, 16.3, 14.1, 13.6, 13.1}, Validation: []float64{47.6, 25.3, 22.8, 16, 12.9, 11.9, 11.8, 10.2}}
	share := Metric{Name: "accuracy", Training: []float64{0.4, 0.6, 0.8, 0.9, 0.95, 0.97, 0.99, 1}}
	f, err := Training("Steep", loss, share)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "training-steep", f)
	if want := "The panel for loss omits epoch 1 (training 344.7, validation 47.60)."; f.Note != want {
		t.Errorf("note %q, want %q", f.Note, want)
	}
	ch, err := loss.chart()
	if err != nil || ch.y.max > 60 || ch.y.min < 0 {
		t.Errorf("axis from %g to %g (%v)", ch.y.min, ch.y.max, err)
	}
	if ch, err = share.chart(); err != nil || ch.y.max != 1 || ch.beyond != "" || ch.y.ticks[len(ch.y.ticks)-1].text != "1.0" {
		t.Errorf("axis of shares %+v (%v)", ch.y, err)
	}
	for name, m := range map[string]Metric{
		"few epochs":  {Training: []float64{344, 36, 22}},
		"rising late": {Training: []float64{1, 2, 3, 4, 5, 6, 7, 500}},
		"even":        {Training: []float64{8, 7, 6, 5, 4, 3, 2, 1}},
	} {
		if ch, err := m.chart(); err != nil || ch.beyond != "" {
			t.Errorf("%s: omits %q (%v)", name, ch.beyond, err)
		}
	}
	if ch, err := (Metric{Training: []float64{1, 1, 1}}).chart(); err != nil || ch.y.max != 1 || ch.y.min >= 1 {
		t.Errorf("a perfect accuracy has an axis from %g to %g (%v)", ch.y.min, ch.y.max, err)
	}
}

// TestDeadNetwork draws the training of a network whose loss and metric MSE differ by
// rounding alone.
func TestDeadNetwork(t *testing.T) {
	one, next := 84.41955615616556, math.Nextafter(84.41955615616556, 85)
	f, err := Training("dead", Metric{Name: "loss", Training: []float64{next, one, one}}, Metric{Name: "mse", Training: []float64{one, one, next}})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := f.WriteSVG(&b, Light); err != nil {
		t.Fatal(err)
	}
}
