// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// body is what the publisher has: 300 kB in which no two places look alike.
var body = func() []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < 300_000; i++ {
		fmt.Fprintf(&b, "%d;", i)
	}
	return b.Bytes()
}()

func init() { pause = time.Millisecond }

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func published(url string) File {
	return File{Name: "f.bin", URLs: []string{url}, SHA256: sum(body), Size: int64(len(body))}
}

// publisher serves body, with ranges, and cuts the connection of the first cuts
// requests after a third of what it was asked for.
type publisher struct {
	body     []byte
	cuts     int32
	noRanges bool
	requests atomic.Int32
	mu       sync.Mutex
	ranges   []string
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := p.requests.Add(1)
	p.mu.Lock()
	p.ranges = append(p.ranges, r.Header.Get("Range"))
	p.mu.Unlock()
	var first int
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &first); err != nil || p.noRanges {
		first = 0
	}
	if first > len(p.body) {
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		return
	}
	rest := p.body[first:]
	w.Header().Set("Content-Length", fmt.Sprint(len(rest)))
	if first > 0 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, len(p.body)-1, len(p.body)))
		w.WriteHeader(http.StatusPartialContent)
	}
	if n <= p.cuts {
		rest = rest[:len(rest)/3]
	}
	_, _ = w.Write(rest) // a short body makes net/http cut the connection
}

func serve(t *testing.T, p *publisher) string {
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	return s.URL + "/f.bin"
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGet(t *testing.T) {
	p := &publisher{body: body}
	f := published(serve(t, p))
	dir := filepath.Join(t.TempDir(), "cache")
	var last int64
	path, err := Get(t.Context(), dir, f, nil, func(done, total int64) {
		if done <= last || total != int64(len(body)) {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
	})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(content(t, path), body) || last != int64(len(body)) {
		t.Error("the file differs from the published one")
	}
	if _, err := Get(t.Context(), dir, f, nil, nil); err != nil || p.requests.Load() != 1 {
		t.Errorf("second call: error %v, %d requests, want 1", err, p.requests.Load())
	}
	if _, err := os.Stat(path + ".part"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the partial file is still there: %v", err)
	}
}

func TestGetResumesAfterCut(t *testing.T) {
	p := &publisher{body: body, cuts: 2}
	f := published(serve(t, p))
	path, err := Get(t.Context(), t.TempDir(), f, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(content(t, path), body) {
		t.Error("the file differs from the published one")
	}
	third := len(body) / 3
	want := fmt.Sprint([]string{"", fmt.Sprintf("bytes=%d-", third), fmt.Sprintf("bytes=%d-", third+(len(body)-third)/3)})
	if got := fmt.Sprint(p.ranges); got != want {
		t.Errorf("ranges asked for: %s, want %s", got, want)
	}
}

func TestGetResumesEarlierCall(t *testing.T) {
	for _, c := range []struct {
		name     string
		part     []byte
		noRanges bool
		requests int32
	}{
		{"good beginning", body[:1000], false, 1},
		{"server without ranges", body[:1000], true, 1},
		{"of another version", bytes.Repeat([]byte("x"), 1000), false, 2},
		{"longer than the file", append(bytes.Clone(body), 1, 2, 3), false, 2},
		{"complete", body, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &publisher{body: body, noRanges: c.noRanges}
			f := published(serve(t, p))
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "f.bin.part"), c.part, 0o644); err != nil {
				t.Fatal(err)
			}
			path, err := Get(t.Context(), dir, f, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(content(t, path), body) || p.requests.Load() != c.requests {
				t.Errorf("right file %t after %d requests, want %d", bytes.Equal(content(t, path), body), p.requests.Load(), c.requests)
			}
		})
	}
}

func TestGetRefusesWrongChecksum(t *testing.T) {
	old := []byte("an older file that the user still has")
	bad := bytes.Clone(body)
	bad[5000] ^= 1
	f := published(serve(t, &publisher{body: bad}))
	dir := t.TempDir()
	path := filepath.Join(dir, "f.bin")
	if err := os.WriteFile(path, old, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Get(t.Context(), dir, f, nil, nil)
	var wrong *ChecksumError
	if !errors.As(err, &wrong) || wrong.Want != f.SHA256 || wrong.Got != sum(bad) || !strings.HasPrefix(err.Error(), "f.bin: ") {
		t.Errorf("got error %v, want a ChecksumError that names the file", err)
	}
	if !bytes.Equal(content(t, path), old) {
		t.Error("the old file is gone")
	}
	if _, err := os.Stat(path + ".part"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the refused file is still there: %v", err)
	}
}

// TestGetWithoutPublishedChecksum: the content is checked once; from then on the
// checksum that the good file had is what counts.
func TestGetWithoutPublishedChecksum(t *testing.T) {
	p := &publisher{body: body}
	f := published(serve(t, p))
	f.SHA256 = ""
	dir := t.TempDir()
	f.Check = func(string) error { return errors.New("two rows, want three") }
	if _, err := Get(t.Context(), dir, f, nil, nil); err == nil || !strings.HasSuffix(err.Error(), "not the published file: two rows, want three") {
		t.Errorf("got error %v", err)
	}
	checks := 0
	f.Check = func(string) error { checks++; return nil }
	path, err := Get(t.Context(), dir, f, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Get(t.Context(), dir, f, nil, nil); err != nil || checks != 1 || p.requests.Load() != 2 {
		t.Errorf("second call: %v, %d checks, %d requests", err, checks, p.requests.Load())
	}
	if err := os.WriteFile(path, []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Get(t.Context(), dir, f, nil, nil); err != nil || p.requests.Load() != 3 || !bytes.Equal(content(t, path), body) {
		t.Errorf("after damage: %v, %d requests", err, p.requests.Load())
	}
}

func TestGetTriesMirrors(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	defer gone.Close()
	f := published(serve(t, &publisher{body: body}))
	f.URLs = append([]string{gone.URL}, f.URLs...)
	if _, err := Get(t.Context(), t.TempDir(), f, nil, nil); err != nil {
		t.Fatal(err)
	}
	f.URLs = f.URLs[:1]
	if _, err := Get(t.Context(), t.TempDir(), f, nil, nil); err == nil || !strings.Contains(err.Error(), "404 Not Found") {
		t.Errorf("got error %v, want the status", err)
	}
}

// TestGetUnreachable: an address that does not answer is named once, and no empty file
// stays behind.
func TestGetUnreachable(t *testing.T) {
	s := httptest.NewServer(nil)
	f := published(s.URL)
	s.Close()
	dir := t.TempDir()
	_, err := Get(t.Context(), dir, f, nil, nil)
	if want := "f.bin: download failed: " + s.URL + ": dial tcp "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got error %v, want %s...", err, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "f.bin.part")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty file is left: %v", err)
	}
}

// TestGetUnknownHost: a name that does not exist is not asked for again.
func TestGetUnknownHost(t *testing.T) {
	tries := 0
	client := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		tries++
		return nil, &net.DNSError{Err: "no such host", Name: "publisher.invalid", IsNotFound: true}
	})}
	_, err := Get(t.Context(), t.TempDir(), published("http://publisher.invalid/f.bin"), client, nil)
	if want := "f.bin: download failed: http://publisher.invalid/f.bin: lookup publisher.invalid: no such host"; err == nil || err.Error() != want || tries != 1 {
		t.Errorf("got error %v after %d tries, want %s", err, tries, want)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestGetRefusesOtherSize(t *testing.T) {
	f := published(serve(t, &publisher{body: append(bytes.Clone(body), 0)}))
	if _, err := Get(t.Context(), t.TempDir(), f, nil, nil); err == nil || !strings.Contains(err.Error(), "bytes offered, want") {
		t.Errorf("got error %v, want the two sizes", err)
	}
}

func TestGetGivesUpOnSilence(t *testing.T) {
	defer func(d time.Duration) { stall = d }(stall)
	stall = 20 * time.Millisecond
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer s.Close()
	defer close(release)
	_, err := Get(t.Context(), t.TempDir(), published(s.URL), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "no data for 20ms") {
		t.Errorf("got error %v", err)
	}
}

func TestGetCanceled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the user pressed Ctrl-C")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body[:1000])
		w.(http.Flusher).Flush()
		<-r.Context().Done() // the rest never comes
	}))
	defer s.Close()
	dir := t.TempDir()
	_, err := Get(ctx, dir, published(s.URL), nil, func(int64, int64) { cancel(why) })
	if !errors.Is(err, why) {
		t.Errorf("got error %v, want %v", err, why)
	}
	if got := content(t, filepath.Join(dir, "f.bin.part")); !bytes.Equal(got, body[:1000]) {
		t.Errorf("%d bytes kept for the next call, want 1000", len(got))
	}
}

// TestGetTwoProcesses runs this test binary twice over one cache folder while
// the publisher cuts the connection now and then.
func TestGetTwoProcesses(t *testing.T) {
	if url := os.Getenv("FETCH_TEST_URL"); url != "" {
		if _, err := Get(t.Context(), os.Getenv("FETCH_TEST_DIR"), published(url), nil, nil); err != nil {
			t.Fatal(err)
		}
		return
	}
	p := &publisher{body: body, cuts: 2}
	url := serve(t, p)
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestGetTwoProcesses$")
			cmd.Env = append(os.Environ(), "FETCH_TEST_URL="+url, "FETCH_TEST_DIR="+dir)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	wg.Wait()
	if !bytes.Equal(content(t, filepath.Join(dir, "f.bin")), body) || p.requests.Load() != 3 {
		t.Errorf("right file %t, %d requests, want 3 (two cut, one whole, none by the second process)",
			bytes.Equal(content(t, filepath.Join(dir, "f.bin")), body), p.requests.Load())
	}
}
