// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reef-dl/reef/datasets/internal/fetch"
)

// publisher puts the embedded MNIST sample on a web server, as if it were the
// full set, and gives the registry entry that belongs to it.
func publisher(t *testing.T, change func(file string, body []byte) []byte) (s Set, requests *int) {
	t.Helper()
	requests = new(int)
	files := map[string][]byte{}
	old := *mnistSet
	s = old
	s.files = nil
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*requests++
		_, _ = w.Write(files[filepath.Base(r.URL.Path)])
	}))
	t.Cleanup(server.Close)
	for _, f := range old.files {
		body, err := samples.ReadFile("samples/mnist/" + f.Name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(body)
		s.files = append(s.files, file{Name: f.Name, URLs: []string{server.URL + "/" + f.Name}, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(body))})
		files[f.Name] = change(f.Name, body)
	}
	t.Cleanup(func() { *mnistSet = old })
	*mnistSet = s
	return s, requests
}

func asPublished(_ string, body []byte) []byte { return body }

func TestFullIsDownloadedOnce(t *testing.T) {
	cache := noData(t)
	set, requests := publisher(t, asPublished)
	var total int64
	train, _, err := MNIST(t.Context(), From{Source: Full, Progress: func(p Progress) {
		if p.Set != "mnist" || p.Done > p.Total {
			t.Errorf("progress %+v", p)
		}
		if p.Done == p.Total {
			total += p.Total
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	var want int64
	for _, f := range set.files {
		want += f.Size
	}
	if train.Len() != 2000 || total != want || *requests != 4 {
		t.Errorf("%d images, %d bytes reported of %d, %d requests", train.Len(), total, want, *requests)
	}
	if o := train.Origin(); o.Kind != Full || o.Path != filepath.Join(cache, "mnist") {
		t.Errorf("origin %+v", o)
	}
	// From now on the zero From finds the full set, and nothing is asked for again.
	for _, from := range []From{{}, {Source: Full}} {
		train, _, err := MNIST(t.Context(), from)
		if err != nil || train.Origin().Kind != Full || *requests != 4 {
			t.Errorf("%+v: %v, origin %v, %d requests", from, err, train.Origin(), *requests)
		}
	}
	if o, err := Fetch(t.Context(), "mnist", From{}); err != nil || o.Path != filepath.Join(cache, "mnist") || *requests != 4 {
		t.Errorf("Fetch: %v, origin %v, %d requests", err, o, *requests)
	}
}

// TestDamagedCacheIsNotUsed damages one file behind our back: Local goes back to
// the sample, Full brings that file again.
func TestDamagedCacheIsNotUsed(t *testing.T) {
	cache := noData(t)
	_, requests := publisher(t, asPublished)
	if _, err := Fetch(t.Context(), "mnist", From{}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(cache, "mnist", "t10k-labels-idx1-ubyte.gz")
	if err := os.WriteFile(path, []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	if o, err := Find("mnist"); err != nil || o.Kind != Sample {
		t.Errorf("Find: %v, %v; want the sample", o, err)
	}
	train, _, err := MNIST(t.Context(), From{Source: Full})
	if err != nil || train.Origin().Kind != Full || *requests != 5 {
		t.Errorf("%v, %d requests, want 5", err, *requests)
	}
}

func TestWrongChecksumIsAnError(t *testing.T) {
	cache := noData(t)
	publisher(t, func(file string, body []byte) []byte {
		body = append([]byte(nil), body...)
		if strings.HasPrefix(file, "t10k-images") {
			body[100] ^= 1
		}
		return body
	})
	_, _, err := MNIST(t.Context(), From{Source: Full})
	var wrong *fetch.ChecksumError
	if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), "mnist: t10k-images-idx3-ubyte.gz: ") {
		t.Errorf("got error %v, want a checksum error that names the file", err)
	}
	if _, err := os.Stat(filepath.Join(cache, "mnist", "t10k-images-idx3-ubyte.gz")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the wrong file is in the cache: %v", err)
	}
	if o, err := Find("mnist"); err != nil || o.Kind != Sample {
		t.Errorf("Find: %v, %v; want the sample", o, err)
	}
}

// TestLocalNeverDownloads: the zero From takes the sample when nothing else is there.
func TestLocalNeverDownloads(t *testing.T) {
	noData(t)
	_, requests := publisher(t, asPublished)
	train, _, err := MNIST(t.Context(), From{})
	if err != nil || train.Origin().Kind != Sample || *requests != 0 {
		t.Errorf("%v, %d requests", err, *requests)
	}
}

// TestDataFolderComesFirst: $REEF_DATA wins over the cache, with uncompressed
// files too, but only when the set is complete there.
func TestDataFolderComesFirst(t *testing.T) {
	noData(t)
	root := t.TempDir()
	t.Setenv("REEF_DATA", root)
	dir := filepath.Join(root, "mnist")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i, f := range mnistSet.files {
		if o, err := Find("mnist"); err != nil || o.Kind != Sample {
			t.Errorf("%d of 4 files: %v, %v; want the sample", i, o, err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.Also[0]), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if o, err := Find("mnist"); err != nil || o.Kind != Full || o.Path != dir {
		t.Errorf("%v, %v; want the full set in %s", o, err, dir)
	}
}

func TestMirror(t *testing.T) {
	noData(t)
	set, requests := publisher(t, asPublished)
	url := set.files[0].URLs[0]
	t.Setenv("REEF_MIRROR", strings.TrimSuffix(url, "/"+set.files[0].Name))
	for i := range mnistSet.files {
		mnistSet.files[i].URLs = []string{"http://127.0.0.1:1/unreachable"}
	}
	if _, err := Fetch(t.Context(), "mnist", From{}); err != nil || *requests != 4 {
		t.Errorf("%v, %d requests", err, *requests)
	}
}

func TestUnknownSet(t *testing.T) {
	if _, err := Find("minst"); err == nil || !strings.HasPrefix(err.Error(), `data set "minst": unknown, want one of `) || !strings.Contains(err.Error(), "mnist") {
		t.Errorf("got error %v", err)
	}
}

// TestRegistry: what a download is checked against is what the real files have.
// imdb.npz and reuters.npz are left out, for which other people's copies are packed
// anew; their sizes are the published ones all the same.
func TestRegistry(t *testing.T) {
	realData(t)
	seen := map[string]bool{}
	for _, s := range Sets() {
		if seen[s.Name] || s.Title == "" || s.Publisher == "" || s.License == "" || s.Sample == "" || len(s.files) == 0 {
			t.Errorf("%s: doubled or incomplete", s.Name)
		}
		seen[s.Name] = true
		for _, f := range s.files {
			if len(f.URLs) == 0 || f.Size == 0 || f.SHA256 == "" && f.check == nil {
				t.Errorf("%s: %s: no address, size or checksum", s.Name, f.Name)
			}
			info, err := os.Stat(filepath.Join(os.Getenv("REEF_DATA"), s.Folder, f.Name))
			if err != nil {
				continue
			}
			if info.Size() != f.Size {
				t.Errorf("%s: %s has %d bytes, the registry says %d", s.Name, f.Name, info.Size(), f.Size)
			}
			if f.Name == "imdb.npz" || f.Name == "reuters.npz" {
				continue
			}
			if err := fetch.Have(filepath.Join(os.Getenv("REEF_DATA"), s.Folder), f.published()); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestMirrorOfTheRealFiles downloads MNIST and Boston as they are published.
func TestMirrorOfTheRealFiles(t *testing.T) {
	root := realData(t)
	realData(t, "mnist")
	realData(t, "reuters")
	server := httptest.NewServer(http.FileServer(http.Dir(root)))
	defer server.Close()
	noData(t)
	t.Setenv("REEF_MIRROR", server.URL)
	for _, name := range []string{"mnist", "boston_housing"} {
		o, err := Fetch(t.Context(), name, From{})
		if err != nil {
			t.Fatal(err)
		}
		found, err := Find(name)
		if err != nil || found != o || o.Kind != Full {
			t.Errorf("%s: fetched to %+v, found %+v, %v", name, o, found, err)
		}
	}
	// The repacked archive is not the published one.
	if _, err := Fetch(t.Context(), "reuters", From{Client: &http.Client{Transport: only(server.URL)}}); err == nil || !strings.Contains(err.Error(), "SHA-256 is ") {
		t.Errorf("got error %v, want a wrong checksum", err)
	}
}

// only lets requests to one server through, so that no test reaches the network.
type only string

func (o only) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(r.URL.String(), string(o)) {
		return nil, errors.New("no network in tests")
	}
	return http.DefaultTransport.RoundTrip(r)
}

func TestOriginString(t *testing.T) {
	for _, c := range []struct {
		o    Origin
		want string
	}{
		{Origin{Set: "x", Kind: Sample}, "x: embedded sample"},
		{Origin{Set: "x", Kind: Generated, Detail: "two years"}, "x: generated, not measured: two years"},
		{Origin{Set: "x", Kind: Full, Path: "/d"}, "x: full set in /d"},
		{Origin{Set: "x", Kind: "folder", Path: "/d"}, "x: user's set in /d"},
	} {
		if got := c.o.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestCacheFolder: without $REEF_CACHE it is the user's; one that cannot be made is
// an error that names it.
func TestCacheFolder(t *testing.T) {
	cache := noData(t)
	t.Setenv("REEF_CACHE", "")
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("LocalAppData", cache) // Windows
	t.Setenv("HOME", cache)         // macOS
	if dir, err := CacheDir(); err != nil || !strings.HasPrefix(dir, cache) || filepath.Base(dir) != "reef" {
		t.Errorf("cache in %q, %v", dir, err)
	}
	publisher(t, asPublished)
	file := filepath.Join(cache, "a file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REEF_CACHE", file)
	if _, err := Fetch(t.Context(), "mnist", From{}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got error %v, want one that names %s", err, file)
	}
}
