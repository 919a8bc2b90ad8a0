// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
)

func TestTableStream(t *testing.T) {
	var b strings.Builder
	b.WriteString("x,kind,y\n")
	for i := range 11 {
		fmt.Fprintf(&b, "%d,%c,%d\n", i, 'a'+i%3, i*i)
	}
	raw := b.String()
	whole := readCSV(t, raw, CSVOptions{})
	schema := Schema{Features: []Feature{{Column: "x"}, {Column: "kind"}}, Targets: []Target{{Column: "y"}}}
	e := fit(t, schema, whole)
	source, err := e.Encode(whole)
	if err != nil {
		t.Fatal(err)
	}
	x, y := readAll(t, source)
	want := fmt.Sprint(x, y)
	open := 0
	stream, err := e.Stream(func(yield func(*Frame, error) bool) {
		open++
		defer func() { open-- }()
		CSVChunks(strings.NewReader(raw), "f", CSVOptions{}, 4)(yield)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 3, 4, 5, 20} {
		x, y = nil, nil
		for batch, err := range StreamBatches(stream, size) {
			if err != nil {
				t.Fatal(err)
			}
			x, y = append(x, batch.Inputs[0]...), append(y, batch.Targets[0]...)
		}
		if got := fmt.Sprint(x, y); got != want {
			t.Errorf("batches of %d: %s, want %s", size, got, want)
		}
		if n, err := stream.Next([][]float32{make([]float32, 4)}, nil); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("after the end: %d %v", n, err)
		}
		if err := stream.Reset(); err != nil {
			t.Fatal(err)
		}
	}
	in := [][]float32{make([]float32, 4)}
	if n, err := stream.Next(in, nil); n != 1 || err != nil || open != 1 {
		t.Errorf("%d samples, %v, %d open", n, err, open)
	}
	if err := stream.Close(); err != nil || open != 0 {
		t.Errorf("%v, %d open", err, open)
	}
	if _, err := stream.Next(in, nil); err == nil || err.Error() != "table stream: closed" {
		t.Errorf("error %v", err)
	}
	schema.Weight, schema.Targets = "y", nil
	if _, err := fit(t, schema, whole).Stream(nil); err == nil || err.Error() != `stream: the schema has the sample weights "y", which a stream cannot have` {
		t.Errorf("error %v", err)
	}
	if _, err := e.Stream(nil); err == nil || err.Error() != "stream: no frames" {
		t.Errorf("error %v", err)
	}
	once, err := e.Stream(CSVChunks(strings.NewReader(raw), "f", CSVOptions{}, 4))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := once.Next(in, nil); n != 1 || err != nil {
		t.Errorf("%d samples, %v", n, err)
	}
	if err := once.Reset(); err != nil {
		t.Fatal(err)
	}
	if _, err := once.Next(in, nil); err == nil || err.Error() != "f: line 1: an empty file, want CSV: a header and lines of cells" {
		t.Errorf("a reader that is read twice: error %v", err)
	}
	for _, c := range []struct {
		frames iter.Seq2[*Frame, error]
		want   string
	}{
		{
			CSVChunks(strings.NewReader(raw+"x,a,1\n"), "f", CSVOptions{}, 4),
			`f: line 13: column "x": "x" is not a number, as the training rows are`,
		},
		{CSVChunks(strings.NewReader(raw+"1\n"), "f", CSVOptions{}, 4), "f: line 13: 1 column, the header has 3"},
		{func(func(*Frame, error) bool) { panic("broken") }, "the frames of a table stream panicked"},
	} {
		s, err := e.Stream(c.frames)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = s.Next([][]float32{make([]float32, 8)}, nil)
		}
		if !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got error %v, want %s", err, c.want)
		}
		if _, again := s.Next(in, nil); again == nil || again.Error() != err.Error() {
			t.Errorf("then %v", again)
		}
	}
}
