// SPDX-License-Identifier: Apache-2.0

package keraslike_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reef-dl/reef/keraslike"
)

var update = flag.Bool("update", false, "write the golden files anew")

func summary(t testing.TB, m *keraslike.Model) string {
	t.Helper()
	var b bytes.Buffer
	if err := m.Summary(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// checkGolden compares a text with testdata/name.
func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s has changed; got\n%s\nwant\n%s", path, got, want)
	}
}

func TestSummary(t *testing.T) {
	mnist := keraslike.Sequential("mnist", keraslike.Input(784), keraslike.Dense(512, keraslike.ReLU), keraslike.Dropout(0.5), keraslike.Dense(10, keraslike.Softmax))
	checkGolden(t, "summary.txt", summary(t, mnist)+"\n"+summary(t, everyLayer()))
}

func TestDrawings(t *testing.T) {
	m := everyLayer()
	var b bytes.Buffer
	if err := m.WriteDOT(&b); err != nil {
		t.Fatal(err)
	}
	checkGolden(t, "layers.dot", b.String())

	wantError(t, m.WriteOpsDOT(&b, 2), "has no weights yet")
	if err := m.Build(1); err != nil {
		t.Fatal(err)
	}
	wantError(t, m.WriteOpsDOT(&b, 0), "batch of 0 samples")
	b.Reset()
	if err := m.WriteOpsDOT(&b, 1<<30); err != nil { // drawing takes no memory for values
		t.Fatal(err)
	}
	if text := b.String(); !strings.Contains(text, "cluster") || !strings.Contains(text, "base/dense") {
		t.Errorf("the drawing of the ops has no cluster of the nested layer:\n%s", text)
	}
}

// brokenPipe refuses everything.
type brokenPipe struct{}

var errPipe = errors.New("broken pipe")

func (brokenPipe) Write([]byte) (int, error) { return 0, errPipe }

func TestWritersReportErrors(t *testing.T) {
	m := everyLayer()
	for name, err := range map[string]error{"Summary": m.Summary(brokenPipe{}), "WriteDOT": m.WriteDOT(brokenPipe{}), "WriteCSV": (&keraslike.History{}).WriteCSV(brokenPipe{})} {
		if !errors.Is(err, errPipe) {
			t.Errorf("%s: got %v, want the writer's error", name, err)
		}
	}
}
