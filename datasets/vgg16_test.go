// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// weightsPublisher serves body as the weights of VGG16 without its top, of which the
// right ones are "weights" (MD5 by md5sum).
func weightsPublisher(t *testing.T, body string) (requests *int) {
	t.Helper()
	requests = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		*requests++
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	old := *vgg16NoTopWeights
	t.Cleanup(func() { *vgg16NoTopWeights = old })
	set := vgg16Set("vgg16_notop", "VGG16", "notop.h5", "63f4f1e9b725370f459720575cd5f953", 7)
	set.files[0].URLs = []string{server.URL}
	*vgg16NoTopWeights = set
	return requests
}

func TestVGG16Weights(t *testing.T) {
	cache := noData(t)
	requests := weightsPublisher(t, "weights")
	_, err := VGG16Weights(t.Context(), From{}, false)
	if err == nil || *requests != 0 || !strings.Contains(err.Error(), "vgg16_notop: notop.h5 is neither in $REEF_DATA/vgg16 nor in the cache") {
		t.Errorf("without Full: error %v, %d requests", err, *requests)
	}
	for range 2 { // the second time from the cache
		path, err := VGG16Weights(t.Context(), From{Source: Full}, false)
		if err != nil || path != filepath.Join(cache, "vgg16", "notop.h5") || *requests != 1 {
			t.Errorf("%q, %v, %d requests", path, err, *requests)
		}
	}
	if o, err := Fetch(t.Context(), "vgg16_notop", From{}); err != nil || o.Path != filepath.Join(cache, "vgg16") {
		t.Errorf("Fetch: %v, %v", o, err)
	}
	data := t.TempDir()
	want := filepath.Join(data, "vgg16", "notop.h5")
	if err := os.MkdirAll(filepath.Dir(want), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(want, []byte("own copy"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REEF_DATA", data)
	if path, err := VGG16Weights(t.Context(), From{}, false); err != nil || path != want {
		t.Errorf("in $REEF_DATA: %q, %v", path, err)
	}
	if path, err := VGG16Weights(t.Context(), From{Source: filepath.Dir(want)}, false); err != nil || path != want {
		t.Errorf("in a folder: %q, %v", path, err)
	}
	for source, want := range map[string]string{
		Sample: "vgg16_notop: has no sample", data: "no such file", "nowhere": "folder of the data set",
	} {
		if _, err := VGG16Weights(t.Context(), From{Source: source}, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("source %q: error %v, want %q", source, err, want)
		}
	}
}

func TestVGG16WeightsOfAnotherFile(t *testing.T) {
	cache := noData(t)
	weightsPublisher(t, "WEIGHTS")
	_, err := VGG16Weights(t.Context(), From{Source: Full}, false)
	if err == nil || !strings.Contains(err.Error(), "MD5 is ") || !strings.Contains(err.Error(), "notop.h5") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(cache, "vgg16", "notop.h5")); err == nil {
		t.Error("the wrong file is in the cache")
	}
}

func TestWeightsRegistry(t *testing.T) {
	for _, s := range Weights() {
		if s.Title == "" || s.License == "" || len(s.files) != 1 || s.files[0].check == nil || s.files[0].Size == 0 {
			t.Errorf("%s: incomplete", s.Name)
		}
	}
}
