// SPDX-License-Identifier: Apache-2.0

package kerash5

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"

	"github.com/reef-dl/reef/keraslike/kerash5/internal/hdf5"
)

func TestStrictJSON(t *testing.T) {
	for python, want := range map[string]string{
		`{"l2": NaN, "a": [Infinity, -Infinity, -1]}`: `{"l2": "NaN", "a": ["Infinity", "-Infinity", -1]}`,
		`{"NaN": "is \"NaN\" \\", "b": NaN}`:          `{"NaN": "is \"NaN\" \\", "b": "NaN"}`,
		`{"a": 1}`:                                    `{"a": 1}`,
		`"NaN`:                                        `"NaN`,
		`NaN\`:                                        `"NaN"\`,
	} {
		if got := string(strictJSON([]byte(python))); got != want {
			t.Errorf("%s gives %s, want %s", python, got, want)
		}
	}
}

func TestGroupsInOrder(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"dense_2", "dense_10", -1}, {"dense", "dense_1", -1}, {"conv1d_3", "dense", -1}, {"p_re_lu", "p_re_lu", 0}, {"dense_x", "dense_1", 1}} {
		if got := byNumber(c.a, c.b); got != c.want {
			t.Errorf("%s and %s compare as %d, want %d", c.a, c.b, got, c.want)
		}
	}
	if got := GroupName("Conv2DTranspose", 2); got != "conv2d_transpose_2" {
		t.Errorf("group %q", got)
	}
}

// A file may unpack to 160 MiB and a multiple of its size, all that it holds together.
func TestBudget(t *testing.T) {
	b := hdf5.NewBudget(1000)
	const total = 160<<20 + 64*1000 + 8*1000
	if err := b.Take(total-1, "x"); err != nil {
		t.Error(err)
	}
	if err := b.Take(2, "y"); err == nil || err.Error() != "y needs 2 bytes, a file of 1000 bytes may take 167844160 in all, of which 1 are left" {
		t.Errorf("error %v", err)
	}
	if err := hdf5.NewBudget(1<<62).Take(1<<50, "much"); err != nil {
		t.Error(err)
	}
	if err := hdf5.NewBudget(500<<20).Take(500<<20, "plain weights"); err != nil {
		t.Error(err)
	}
	var text bytes.Buffer
	z := zip.NewWriter(&text)
	w, err := z.Create(archiveConfig)
	if err == nil {
		_, err = w.Write(bytes.Repeat([]byte(" "), 3<<20))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(bytes.NewReader(text.Bytes()), int64(text.Len()), "f"); err == nil || !strings.Contains(err.Error(), "kerash5: f: config.json: it declares 3145728 bytes") {
		t.Errorf("error %v", err)
	}
}
