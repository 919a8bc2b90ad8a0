// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"

	"github.com/reef-dl/reef/datasets/internal/fetch"
)

// From selects where a data set is read from. The zero value is Local.
type From struct {
	// Source is Local, Sample, Full or a folder with the published files.
	Source string
	// Progress, if not nil, is called while a file is downloaded.
	Progress func(Progress)
	// Client is used for downloads; nil means http.DefaultClient.
	Client *http.Client
}

// Progress reports how far the download of a file is.
type Progress struct {
	Set, File   string
	Done, Total int64 // bytes; Total is 0 if unknown
}

// Find returns, without using the network, what From{} would load for the named set: the
// full set if it is on this machine, else an excerpt in $REEF_DATA, else the sample.
// Files in the cache are read once to verify them.
func Find(name string) (Origin, error) {
	set, err := lookup(name, sets)
	if err != nil {
		return Origin{}, err
	}
	if p, ok := set.local(); ok {
		return p.origin, nil
	}
	return set.sample().origin, nil
}

// CacheDir is the folder that downloads go to: $REEF_CACHE, else "reef" in the user's
// cache folder.
func CacheDir() (string, error) {
	if dir := os.Getenv("REEF_CACHE"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder, set $REEF_CACHE: %w", err)
	}
	return filepath.Join(dir, "reef"), nil
}

// locate finds the files of a set, and downloads them if from asks for that.
func (from From) locate(ctx context.Context, set *Set) (dataDir, error) {
	switch from.Source {
	case Sample:
		if set.Sample == "" {
			return dataDir{}, fmt.Errorf("%s: has no sample", set.Name)
		}
		return set.sample(), nil
	case Local, Full:
		if p, ok := set.local(); ok {
			return p, nil
		}
		switch {
		case from.Source == Full:
			return set.fetch(ctx, from)
		case set.Sample == "":
			return dataDir{}, set.missing()
		}
		return set.sample(), nil
	default:
		info, err := os.Stat(from.Source)
		if err != nil {
			return dataDir{}, fmt.Errorf("%s: folder of the data set: %w", set.Name, err)
		}
		if !info.IsDir() {
			return dataDir{}, fmt.Errorf("%s: %s is not a folder, want one with the published files (or %q or %q)", set.Name, from.Source, Sample, Full)
		}
		return set.at(from.Source, "folder"), nil
	}
}

// has reports whether locate would find the set, or a part of it, without a download.
func (from From) has(set *Set) bool {
	switch from.Source {
	case Sample:
		return set.Sample != ""
	case Local, Full:
		_, ok := set.local()
		return ok
	default:
		p := set.at(from.Source, "folder")
		return set.complete(p.fs) || set.partial(p.fs)
	}
}

// local is what this machine has of the set: all of it, or else an excerpt in $REEF_DATA,
// which counts as the user's folder.
func (s *Set) local() (dataDir, bool) {
	if p, ok := s.onDisk(); ok {
		return p, true
	}
	root := os.Getenv("REEF_DATA")
	if root == "" {
		return dataDir{}, false
	}
	p := s.at(filepath.Join(root, s.Folder), "folder")
	return p, s.partial(p.fs)
}

// missing is the error for a set without a sample: where it was looked for and how to get
// it.
func (s *Set) missing() error {
	f := s.files[0]
	where := "the cache"
	if dir, err := CacheDir(); err == nil {
		where += ", " + filepath.Join(dir, s.Folder)
	}
	return fmt.Errorf("%s: %s is neither in $REEF_DATA/%s nor in %s; the source %q downloads it (%d MB, from %s)",
		s.Name, f.Name, s.Folder, where, Full, (f.Size+5e5)/1e6, f.URLs[0])
}

// onDisk looks in $REEF_DATA and in the cache. Files in the cache must have the published
// checksum; files that the user put into $REEF_DATA are checked by content when they are
// read, since other copies may be packed differently.
func (s *Set) onDisk() (dataDir, bool) {
	if root := os.Getenv("REEF_DATA"); root != "" {
		if p := s.at(filepath.Join(root, s.Folder), Full); s.complete(p.fs) {
			return p, true
		}
	}
	root, err := CacheDir()
	if err != nil {
		return dataDir{}, false
	}
	dir := filepath.Join(root, s.Folder)
	for _, f := range s.files {
		if fetch.Have(dir, f.published()) != nil {
			return dataDir{}, false
		}
	}
	return s.at(dir, Full), len(s.files) > 0
}

// partial reports whether a part of the set is there.
func (s *Set) partial(dir fs.FS) bool {
	found, _ := fs.Glob(dir, s.excerpt) // the patterns are valid constants
	return s.excerpt != "" && len(found) > 0
}

// complete reports whether every file of the set is there under one of its names.
func (s *Set) complete(dir fs.FS) bool {
	for _, f := range s.files {
		found := false
		for _, name := range append([]string{f.Name}, f.Also...) {
			if _, err := fs.Stat(dir, name); err == nil {
				found = true
				break
			}
		}
		if !found {
			return false
		}
	}
	return len(s.files) > 0
}

// fetch downloads into the cache what is missing there.
func (s *Set) fetch(ctx context.Context, from From) (dataDir, error) {
	root, err := CacheDir()
	if err != nil {
		return dataDir{}, err
	}
	dir := filepath.Join(root, s.Folder)
	for _, f := range s.files {
		file := f.published()
		if mirror := os.Getenv("REEF_MIRROR"); mirror != "" {
			file.URLs = append([]string{mirror + "/" + s.Folder + "/" + f.Name}, file.URLs...)
		}
		_, err := fetch.Get(ctx, dir, file, from.Client, func(done, total int64) {
			if from.Progress != nil {
				from.Progress(Progress{s.Name, f.Name, done, total})
			}
		})
		if err != nil {
			return dataDir{}, fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return s.at(dir, Full), nil
}

// Fetch downloads the full data set, or the weights, of the given name into the cache
// unless they are there already, and says where they are. It does not look at $REEF_DATA.
func Fetch(ctx context.Context, name string, from From) (Origin, error) {
	set, err := lookup(name, sets, weights)
	if err != nil {
		return Origin{}, err
	}
	p, err := set.fetch(ctx, from)
	return p.origin, err
}

// at is a folder on disk with files of the set.
func (s *Set) at(dir, kind string) dataDir {
	return dataDir{os.DirFS(dir), Origin{Set: s.Name, Kind: kind, Path: dir, License: s.License}}
}

// sample is the embedded sample.
func (s *Set) sample() dataDir {
	sub, err := fs.Sub(samples, path.Join("samples", s.Folder))
	if err != nil { // only for an invalid path, and the names are constants
		sub = samples
	}
	return dataDir{sub, Origin{Set: s.Name, Kind: Sample, License: s.License, Detail: s.Sample}}
}
