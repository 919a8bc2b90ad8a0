// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// positioned is what the errors of a reader of the file "f" look like: its name and then
// the place, or that the beginning or all of it is missing.
var positioned = regexp.MustCompile(`^f: ((.* on )?line [0-9]+|offset [0-9]+|table: row [0-9]+|header: |gzip header: |no lines|no rows|more than [0-9]+ bytes)`)

// realData gives the path of a file of the full sets and skips the test when it
// is not on this machine.
func realData(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("REEF_DATA")
	if root == "" {
		t.Skip("needs the full data sets: $REEF_DATA is not set")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs the full data sets: %v", err)
	}
	return path
}

// slowUnderRace skips a test of full sets when the race detector runs, which makes it
// ten times slower. The same code runs on the samples.
func slowUnderRace(t *testing.T) {
	t.Helper()
	if raceDetector {
		t.Skip("full set: left out under the race detector")
	}
}

// noData hides the full sets and the cache of the machine from a test.
func noData(t testing.TB) (cache string) {
	t.Helper()
	cache = t.TempDir()
	t.Setenv("REEF_DATA", "")
	t.Setenv("REEF_MIRROR", "")
	t.Setenv("REEF_CACHE", cache)
	return cache
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// put writes a file and the folders above it.
func put(t *testing.T, path string, raw []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
}
