// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/zip"
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// rowTable has the row number in column 0 and its negative in column 1.
func rowTable(t interface{ Fatal(...any) }, n int) *Table {
	var x []float64
	for i := range n {
		x = append(x, float64(i), -float64(i))
	}
	tab, err := NewTable([]string{"row", "minus"}, x, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// TestWindowsAgainstEnumeration walks over all rows of the table and asks of each
// whether the definition makes it an anchor: no arithmetic in common with Windows.
func TestWindowsAgainstEnumeration(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(r, "rows")
		w := Window{
			Lookback: rapid.IntRange(1, 20).Draw(r, "lookback"),
			Step:     rapid.IntRange(0, 6).Draw(r, "step"),
			Delay:    rapid.IntRange(0, 8).Draw(r, "delay"),
			Target:   rapid.IntRange(0, 1).Draw(r, "target"),
			First:    rapid.IntRange(0, 20).Draw(r, "first"),
			End:      rapid.IntRange(0, 60).Draw(r, "end"),
			Stride:   rapid.IntRange(0, 4).Draw(r, "stride"),
		}
		var samples [][]int // input rows of every sample
		var targets []int
		step, stride := max(w.Step, 1), max(w.Stride, 1)
		fits := step <= w.Lookback
		sinceAnchor := stride // so that the first possible row is one
		for row := range n {
			if row < w.First || row-w.First < w.Lookback {
				continue // the window would begin before First
			}
			if w.End > 0 && row >= w.End {
				continue
			}
			if row+w.Delay >= n {
				if w.End > 0 {
					fits = false // the caller asked for a target behind the table
				}
				continue
			}
			if sinceAnchor++; sinceAnchor < stride {
				continue
			}
			sinceAnchor = 0
			var rows []int
			for back := w.Lookback; back >= 1; back-- { // oldest first
				if (w.Lookback-back)%step == 0 {
					rows = append(rows, row-back)
				}
			}
			samples, targets = append(samples, rows), append(targets, row+w.Delay)
		}
		if w.End > n-w.Delay {
			fits = false
		}
		s, err := NewWindows(rowTable(r, n), w)
		if !fits || len(samples) == 0 {
			if err == nil {
				r.Fatalf("%d windows, want an error", s.Len())
			}
			return
		}
		if err != nil {
			r.Fatal(err)
		}
		if s.Len() != len(samples) {
			r.Fatalf("%d windows, enumeration gives %d", s.Len(), len(samples))
		}
		l := layoutOf(s)
		in, out := l.buffers(s.Len())
		if err := s.Read(upTo(s.Len()), in, out); err != nil {
			r.Fatal(err)
		}
		for i, rows := range samples {
			gotRows, gotTarget := s.Rows(i)
			if !slices.Equal(gotRows, rows) || gotTarget != targets[i] {
				r.Fatalf("window %d: rows %v target %d, enumeration gives %v and %d", i, gotRows, gotTarget, rows, targets[i])
			}
			for j, row := range rows {
				if got := in[0][i*l.inputSizes[0]+2*j : i*l.inputSizes[0]+2*j+2]; got[0] != float32(row) || got[1] != -float32(row) {
					r.Fatalf("window %d, row %d: %v, want %d", i, j, got, row)
				}
			}
			want := float32(targets[i])
			if w.Target == 1 {
				want = -want
			}
			if out[0][i] != want {
				r.Fatalf("window %d: target %v, want %v", i, out[0][i], want)
			}
		}
	})
}

// TestWindowsOfTheArticle: the numbers of projects 9 and 10.
func TestWindowsOfTheArticle(t *testing.T) {
	tab := &Table{Columns: jenaColumns, X: make([]float64, jenaRows*14), layout: newLayout([][]int{{14}}, nil)}
	for _, c := range []struct {
		first, end, step, steps, rows int
	}{
		{0, 200000, 6, (200000 - 1440) / 128, 240},
		{200001, 300000, 6, 769, 240},
		// The notebook counts 930 with the rows that have no target; it never runs them.
		{300001, 420551 - 144 - 1, 6, 929, 240},
		{200001, 300000, 3, 769, 480},
	} {
		w, err := NewWindows(tab, Window{Lookback: 1440, Step: c.step, Delay: 144, Target: 1, First: c.first, End: c.end})
		if err != nil {
			t.Fatal(err)
		}
		if in, out := w.Shapes(); w.Len()/128 != c.steps || fmt.Sprint(in, out) != fmt.Sprintf("[[%d 14]] [[1]]", c.rows) {
			t.Errorf("rows %d to %d: %d batches of 128, want %d; shapes %v %v", c.first, c.end, w.Len()/128, c.steps, in, out)
		}
		rows, target := w.Rows(0)
		if anchor := c.first + 1440; rows[0] != c.first || rows[len(rows)-1] != anchor-c.step || target != anchor+144 {
			t.Errorf("first window: rows %d to %d, target %d", rows[0], rows[len(rows)-1], target)
		}
	}
}

func TestWindowErrors(t *testing.T) {
	tab := rowTable(t, 20)
	for _, c := range []struct {
		w    Window
		want string
	}{
		{Window{Lookback: 0, Delay: -1, Target: 2}, "windows: lookback 0, want at least 1 row\nwindows: delay -1, want 0 or more\nwindows: target column 2 of a table of 2 columns"},
		{Window{Lookback: 4, Step: 5}, "windows: step 5, want 1 to the lookback of 4"},
		{Window{Lookback: 4, Delay: 3, End: 18}, "windows: end 18 and delay 3: the last target would be row 20 of 20"},
		{Window{Lookback: 20}, "windows: no window: the first anchor would be row 20, the end is 20"},
		{Window{Lookback: 1, First: -1, Stride: -1}, "windows: stride -1, want at least 1\nwindows: first row -1, want 0 or more"},
	} {
		if _, err := NewWindows(tab, c.w); err == nil || err.Error() != c.want {
			t.Errorf("%+v: got error %v, want %q", c.w, err, c.want)
		}
	}
}

// TestNaive: with rows 0, 1, 2, ... the last row seen is Delay + Step behind the
// target, if Step divides Lookback.
func TestNaive(t *testing.T) {
	w, err := NewWindows(rowTable(t, 100), Window{Lookback: 12, Step: 3, Delay: 7})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.NaiveMAE(); got != 10 {
		t.Errorf("naive error %v, want 10", got)
	}
}

// TestNormalized: the numbers come of the training rows alone, whatever follows them.
func TestNormalized(t *testing.T) {
	series := func(later float64) *Series {
		tab, err := NewTable([]string{"a", "b"}, []float64{9, 9, 1, 10, 3, 30, 5, 50, later, -later}, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		return &Series{tab, make([]time.Time, 5)}
	}
	for _, later := range []float64{7, 1e6} {
		s, scaler, err := series(later).Normalized(1, 4)
		if err != nil {
			t.Fatal(err)
		}
		d := math.Sqrt(8. / 3) // population deviation of 1, 3, 5
		if !slices.Equal(scaler.Shift, []float64{3, 30}) || math.Abs(scaler.Scale[0]-d) > 1e-12 || math.Abs(scaler.Scale[1]-10*d) > 1e-12 {
			t.Errorf("later rows of %v: scaler %v, want means 3 and 30, deviations %v and %v", later, scaler, d, 10*d)
		}
		for row, a := range []float64{9, 1, 3, 5, later} {
			if got, want := s.X[2*row], (a-3)/d; math.Abs(got-want) > 1e-9*math.Abs(want) {
				t.Errorf("row %d is %v, want %v", row, got, want)
			}
		}
	}
	for _, rows := range [][2]int{{-1, 4}, {3, 2}, {0, 6}, {2, 2}} {
		if _, _, err := series(1).Normalized(rows[0], rows[1]); err == nil {
			t.Errorf("rows %v: no error", rows)
		}
	}
}

// TestJenaExcerpt reads the first rows of the published file, plain and zipped.
func TestJenaExcerpt(t *testing.T) {
	raw, err := os.ReadFile(realData(t, "jena", "jena_climate_excerpt_4000.csv"))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(jenaFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{jenaFile: raw, jenaFile + ".zip": b.Bytes()} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := Jena(t.Context(), From{Source: dir})
		if err != nil {
			t.Fatal(err)
		}
		// MANIFEST and the article: first pressure 996.52, temperatures -8.02 -8.41
		// -8.51, lowest -23.01 and highest 6.8 of these four weeks, no gap.
		temperature := s.Column(1)
		if s.Len() != 4000 || s.X[0] != 996.52 || !slices.Equal(temperature[:3], []float64{-8.02, -8.41, -8.51}) ||
			slices.Min(temperature) != -23.01 || slices.Max(temperature) != 6.8 {
			t.Errorf("%s: %d rows, %v, from %v to %v", name, s.Len(), s.X[:3], slices.Min(temperature), slices.Max(temperature))
		}
		for i := range 3999 {
			if d := s.Times[i+1].Sub(s.Times[i]); d != 10*time.Minute {
				t.Fatalf("%s: row %d is %v after row %d", name, i+1, d, i)
			}
		}
		if err := checkJena(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s passes for the full file", name)
		}
	}
}

// TestJenaLike: the sample has the columns and roughly the numbers of the real
// series, persistence is as good as there (0.290 in the article), and a linear
// model that sees four rows is better than persistence.
func TestJenaLike(t *testing.T) {
	s, err := Jena(t.Context(), From{Source: Sample})
	if err != nil {
		t.Fatal(err)
	}
	if s.Origin().Kind != Sample || !strings.Contains(s.Origin().String(), "generated") {
		t.Errorf("origin %s", s.Origin())
	}
	for i, v := range s.X {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Fatalf("row %d, column %d is %v", i/14, i%14, v)
		}
	}
	if again := JenaLike(4, 1); !slices.Equal(again.X, s.X) {
		t.Error("one seed gave two series")
	}
	norm, scaler, err := s.Normalized(0, 100000)
	if err != nil {
		t.Fatal(err)
	}
	if d := scaler.Scale[1]; d < 8 || d > 10 {
		t.Errorf("deviation of the temperature %.2f, the real one has 8.85", d)
	}
	w, err := NewWindows(norm.Table, Window{Lookback: 1440, Step: 6, Delay: 144, Target: 1, First: 100001, End: 200000, Stride: 9})
	if err != nil {
		t.Fatal(err)
	}
	naive := w.NaiveMAE()
	if naive < 0.25 || naive > 0.35 {
		t.Errorf("persistence is off by %.3f, want about 0.29", naive)
	}
	if linear := linearError(t, norm.Table); linear > 0.95*naive {
		t.Errorf("a linear model is off by %.3f, persistence by %.3f: nothing to learn", linear, naive)
	}
}

// linearError fits the temperature a day ahead to four rows of the first half and
// gives the mean absolute error on the second.
func linearError(t *testing.T, tab *Table) float64 {
	t.Helper()
	rows := func(first, end, stride int) (a *mat.Dense, y *mat.VecDense) {
		n := (end - first) / stride
		a, y = mat.NewDense(n, 1+4*14, nil), mat.NewVecDense(n, nil)
		for i := range n {
			r := first + i*stride
			a.Set(i, 0, 1)
			for k, back := range []int{6, 24, 72, 144} {
				for c := range 14 {
					a.Set(i, 1+k*14+c, tab.X[(r-back)*14+c])
				}
			}
			y.SetVec(i, tab.X[(r+144)*14+1])
		}
		return a, y
	}
	a, y := rows(1440, 100000, 23)
	var square, inner mat.Dense
	square.Mul(a.T(), a)
	for i := range 57 {
		square.Set(i, i, square.At(i, i)+0.1)
	}
	inner.Mul(a.T(), y)
	var w mat.Dense
	if err := w.Solve(&square, &inner); err != nil {
		t.Fatal(err)
	}
	a, y = rows(101441, 200000, 23)
	var p mat.Dense
	p.Mul(a, &w)
	var sum float64
	for i := range y.Len() {
		sum += math.Abs(p.At(i, 0) - y.AtVec(i))
	}
	return sum / float64(y.Len())
}

func BenchmarkWindows(b *testing.B) {
	s := JenaLike(4, 1)
	w, err := NewWindows(s.Table, Window{Lookback: 1440, Step: 6, Delay: 144, Target: 1})
	if err != nil {
		b.Fatal(err)
	}
	l := layoutOf(w)
	in, out := l.buffers(128)
	order := Permutation(w.Len(), 1)
	b.ReportAllocs()
	at := 0
	for b.Loop() {
		if at+128 > len(order) {
			at = 0
		}
		if err := w.Read(order[at:at+128], in, out); err != nil {
			b.Fatal(err)
		}
		at += 128
	}
	b.ReportMetric(128*float64(b.N)/b.Elapsed().Seconds(), "windows/s")
}

func BenchmarkJenaLike(b *testing.B) {
	for b.Loop() {
		JenaLike(4, 1)
	}
}
