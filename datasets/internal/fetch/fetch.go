// SPDX-License-Identifier: Apache-2.0

// Package fetch downloads a published file into a folder: verified by SHA-256,
// resumed after a broken connection, renamed into place only when it is complete,
// and by one process at a time.
package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	neturl "net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// File is a published file.
type File struct {
	Name   string   // name in the folder
	URLs   []string // publisher first, then mirrors
	SHA256 string   // lower-case hex; empty if nobody publishes it
	Size   int64    // bytes; 0 if unknown
	// Check replaces a published checksum: it reads the file and says whether it is
	// the published one. A file that passed is recognized later by its checksum,
	// which is stored beside it in NAME.sha256.
	Check func(path string) error
}

// Progress is called from time to time with the bytes downloaded so far and the total (0
// if unknown).
type Progress func(done, total int64)

// attempts is how often one address is tried again after a broken connection.
const attempts = 4

// stall is how long a connection may be silent before it counts as broken; pause is the
// unit of the growing wait before the next attempt.
var (
	stall = 60 * time.Second
	pause = 200 * time.Millisecond
)

// ChecksumError reports that a file is not the published one.
type ChecksumError struct{ File, Got, Want string }

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("%s: SHA-256 is %s, want %s: the file is not used", e.File, e.Got, e.Want)
}

// Get returns the path of f in dir, and downloads it if it is missing or not the
// published file. An existing file stays as it is until a verified one replaces it. Until
// then the download is in dir as NAME.part and is resumed by the next call. Two processes
// may call Get for the same folder at the same time: the second waits and then finds the
// file.
func Get(ctx context.Context, dir string, f File, client *http.Client, progress Progress) (string, error) {
	path := filepath.Join(dir, f.Name)
	if Have(dir, f) == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("%s: %w", f.Name, err)
	}
	unlock, err := lock(ctx, filepath.Join(dir, ".lock"))
	if err != nil {
		return "", fmt.Errorf("%s: lock of the cache folder %s: %w", f.Name, dir, err)
	}
	defer unlock()
	if Have(dir, f) == nil { // another process was faster
		return path, nil
	}
	if client == nil {
		client = http.DefaultClient
	}
	if progress == nil {
		progress = func(int64, int64) {}
	}
	var errs []error
	for _, url := range f.URLs {
		err := download(ctx, client, url, path, f, progress)
		if err == nil {
			return path, nil
		}
		if ctx.Err() != nil {
			return "", fmt.Errorf("%s: %w", f.Name, context.Cause(ctx))
		}
		errs = append(errs, err)
	}
	return "", fmt.Errorf("%s: download failed: %w", f.Name, errors.Join(errs...))
}

// Have reports why f is not in dir: missing, or not the published file.
func Have(dir string, f File) error {
	path := filepath.Join(dir, f.Name)
	want := f.SHA256
	if want == "" {
		noted, err := os.ReadFile(path + ".sha256")
		if err != nil {
			return err
		}
		want = strings.TrimSpace(string(noted))
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	seen := good{path, want, info.Size(), info.ModTime()}
	if _, ok := verified.Load(seen); ok {
		return nil
	}
	if err := verify(path, want); err != nil {
		return err
	}
	verified.Store(seen, nil)
	return nil
}

// verified remembers the files that this process has verified, so that a gigabyte is read
// only once as long as the file does not change.
var verified sync.Map // of good

type good struct {
	path, sum string
	size      int64
	changed   time.Time
}

// verify checks that the file at path has the given SHA-256.
func verify(path, want string) error {
	got, err := sum256(path)
	if err != nil {
		return err
	}
	if got != want {
		return &ChecksumError{path, got, want}
	}
	return nil
}

func sum256(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// download fills path.part from url and renames it to path.
func download(ctx context.Context, client *http.Client, url, path string, f File, progress Progress) error {
	part := path + ".part"
	resumed, err := transferAll(ctx, client, url, part, f.Size, progress)
	if err != nil {
		return err
	}
	err = f.accept(part)
	if err != nil && resumed {
		// What an earlier call left may belong to another version: start over once.
		if err := os.Remove(part); err != nil {
			return err
		}
		if _, err := transferAll(ctx, client, url, part, f.Size, progress); err != nil {
			return err
		}
		err = f.accept(part)
	}
	if err != nil {
		_ = os.Remove(part) // useless to the next call
		if wrong := (*ChecksumError)(nil); errors.As(err, &wrong) {
			return &ChecksumError{url, wrong.Got, wrong.Want}
		}
		return fmt.Errorf("%s: not the published file: %w", url, err)
	}
	if f.SHA256 == "" {
		sum, err := sum256(part)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path+".sha256", []byte(sum+"\n"), 0o644); err != nil {
			return err
		}
	}
	return os.Rename(part, path)
}

// accept decides whether a complete download is the published file.
func (f File) accept(part string) error {
	if f.SHA256 != "" {
		return verify(part, f.SHA256)
	}
	if f.Check == nil {
		return errors.New("no checksum is known and there is no check")
	}
	return f.Check(part)
}

// transferAll repeats transfer until the body is complete, as long as the only errors are
// broken connections. It reports whether it started with bytes of an earlier call.
func transferAll(ctx context.Context, client *http.Client, url, part string, size int64, progress Progress) (resumed bool, err error) {
	if info, err := os.Stat(part); err == nil {
		resumed = info.Size() > 0
	}
	for try := range attempts {
		if try > 0 {
			select {
			case <-ctx.Done():
				return resumed, context.Cause(ctx)
			case <-time.After(time.Duration(try) * pause):
			}
		}
		var again bool
		if again, err = transfer(ctx, client, url, part, size, progress); err == nil || !again {
			return resumed, err
		}
	}
	return resumed, err
}

// transfer requests what part does not have yet and appends it. again says that the same
// request may succeed later.
func transfer(ctx context.Context, client *http.Client, url, part string, size int64, progress Progress) (again bool, err error) {
	var have int64
	if info, err := os.Stat(part); err == nil {
		have = info.Size()
	}
	if size > 0 && have == size {
		return false, nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(stall, func() { cancel(fmt.Errorf("no data for %v", stall)) })
	defer silence.Stop()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("Accept-Encoding", "identity") // the file as stored, .gz included
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	resp, err := client.Do(req)
	if err != nil {
		if wrapped := (*neturl.Error)(nil); errors.As(err, &wrapped) {
			err = wrapped.Err // without method and address, which are added here
		}
		unknown := (*net.DNSError)(nil)
		return !errors.As(err, &unknown) || !unknown.IsNotFound, fmt.Errorf("%s: %w", url, cause(ctx, err))
	}
	defer func() { _ = resp.Body.Close() }() // only read
	var first int64
	switch resp.StatusCode {
	case http.StatusPartialContent:
		if n, _ := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-", &first); n != 1 || first != have {
			return false, fmt.Errorf("%s: asked for bytes from %d, got %q", url, have, resp.Header.Get("Content-Range"))
		}
	case http.StatusOK: // no support for ranges: start over
	case http.StatusRequestedRangeNotSatisfiable: // part is longer than the file
		return true, errors.Join(fmt.Errorf("%s: %s", url, resp.Status), os.Remove(part))
	default:
		return resp.StatusCode >= 500, fmt.Errorf("%s: %s", url, resp.Status)
	}
	total := size
	if resp.ContentLength >= 0 {
		total = first + resp.ContentLength
	}
	if size > 0 && total != size {
		return false, fmt.Errorf("%s: %d bytes offered, want %d", url, total, size)
	}
	out, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := out.Truncate(first); err != nil {
		return false, err
	}
	if _, err := out.Seek(first, io.SeekStart); err != nil {
		return false, err
	}
	w := &counter{w: out, done: first, total: total, limit: size, report: progress, alive: func() { silence.Reset(stall) }}
	if _, err := io.Copy(w, resp.Body); err != nil {
		return w.failed == nil, fmt.Errorf("%s: cut at byte %d of %d: %w", url, w.done, total, cause(ctx, err))
	}
	return false, out.Sync()
}

// cause prefers the reason why the context was canceled.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	return err
}

// counter reports progress and rejects more bytes than were announced.
type counter struct {
	w                  io.Writer
	done, total, limit int64
	report             Progress
	alive              func()
	failed             error // an error of the disk, not of the connection
}

func (c *counter) Write(p []byte) (int, error) {
	if c.limit > 0 && c.done+int64(len(p)) > c.limit {
		c.failed = fmt.Errorf("more than the %d bytes expected", c.limit)
		return 0, c.failed
	}
	n, err := c.w.Write(p)
	c.done += int64(n)
	c.failed = err
	c.alive()
	c.report(c.done, c.total)
	return n, err
}
