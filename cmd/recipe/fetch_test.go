// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reef-dl/reef/internal/cli"
)

func TestFetchUnknown(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if status := run([]string{"-fetch", "cifar"}, &stdout, &stderr); status != cli.Misused {
		t.Errorf("status %d, want %d", status, cli.Misused)
	}
	for _, want := range []string{`-fetch "cifar": want all or one of: `, "mnist", "jena"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("stderr %q lacks %q", stderr.String(), want)
		}
	}
}

// TestFetchAll fills the cache from a mirror that has one complete set and others that
// differ from the published ones; the publishers are unreachable. What
// is available is in the cache at the end; the errors sum up the rest.
func TestFetchAll(t *testing.T) {
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Join("..", "..", "datasets", "samples"))))
	defer server.Close()
	old := http.DefaultClient.Transport
	defer func() { http.DefaultClient.Transport = old }()
	http.DefaultClient.Transport = only(server.URL)
	t.Setenv("REEF_DATA", "")
	t.Setenv("REEF_CACHE", t.TempDir())
	t.Setenv("REEF_MIRROR", server.URL)
	for range 2 { // the second time Boston is there already
		var stdout, stderr bytes.Buffer
		if status := run([]string{"-fetch", "all"}, &stdout, &stderr); status != cli.Failed {
			t.Errorf("status %d, want %d", status, cli.Failed)
		}
		if want := "boston_housing: full set in " + filepath.Join(os.Getenv("REEF_CACHE"), "boston_housing") + "\n"; stdout.String() != want {
			t.Errorf("stdout %q, want %q", stdout.String(), want)
		}
		for _, want := range []string{
			"mnist: not downloaded\n", "reuters: not downloaded\n",
			"recipe: -fetch: 7 of 8 sets could not be downloaded\n",
			"mnist: train-images-idx3-ubyte.gz: download failed: " + server.URL + "/mnist/train-images-idx3-ubyte.gz: ", " bytes offered, want 9912422\n",
			"jena: jena_climate_2009_2016.csv.zip: download failed: " + server.URL + "/jena/jena_climate_2009_2016.csv.zip: 404 Not Found\n",
			"https://storage.googleapis.com/tensorflow/tf-keras-datasets/jena_climate_2009_2016.csv.zip: 404 out of reach\n",
			"$REEF_MIRROR",
		} {
			if !strings.Contains(stderr.String(), want) {
				t.Errorf("stderr lacks %q:\n%s", want, stderr.String())
			}
		}
	}
	left, err := filepath.Glob(filepath.Join(os.Getenv("REEF_CACHE"), "*", "*.part"))
	if err != nil || len(left) > 0 {
		t.Errorf("partial files are left: %q", left)
	}
}

// only lets requests to one server through.
type only string

func (o only) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.String(), string(o)) {
		return http.DefaultTransport.RoundTrip(r)
	}
	return &http.Response{StatusCode: http.StatusNotFound, Status: "404 out of reach", Body: http.NoBody}, nil
}

// TestFetch downloads the published files from a server that stands in for the publisher.
func TestFetch(t *testing.T) {
	data := os.Getenv("REEF_DATA")
	if _, err := os.Stat(filepath.Join(data, "mnist")); data == "" || err != nil {
		t.Skip("the published files are not in $REEF_DATA/mnist")
	}
	server := httptest.NewServer(http.FileServer(http.Dir(data)))
	defer server.Close()
	t.Setenv("REEF_DATA", "")
	t.Setenv("REEF_CACHE", t.TempDir())
	t.Setenv("REEF_MIRROR", server.URL)
	var stdout, stderr bytes.Buffer
	if status := run([]string{"-fetch", "mnist"}, &stdout, &stderr); status != 0 {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	if !strings.Contains(stdout.String(), "mnist: full set in ") || !strings.Contains(stderr.String(), "train-images-idx3-ubyte.gz") {
		t.Errorf("stdout %q, stderr %q", stdout.String(), stderr.String())
	}
	files, err := os.ReadDir(filepath.Join(os.Getenv("REEF_CACHE"), "mnist"))
	if err != nil {
		t.Fatal(err)
	}
	whole := 0
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".gz") {
			whole++
		}
	}
	if whole != 4 {
		t.Errorf("the cache holds %v, want the four files", files)
	}
}
