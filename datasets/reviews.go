// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/tar"
	"bufio"
	"bytes"
	"cmp"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/reef-dl/reef/internal/inflate"
	"github.com/reef-dl/reef/internal/sniff"
)

var reviewsSet = register(Set{
	Name:      "imdb_reviews",
	Folder:    "imdb",
	Title:     "IMDB movie reviews as text, 25,000 training and 25,000 test reviews, good or bad",
	Publisher: "https://ai.stanford.edu/~amaas/data/sentiment/",
	License:   "free for research, cite Maas et al., ACL 2011",
	Sample:    "300 training and 150 test reviews",
	files: []file{{
		Name:   "aclImdb_v1.tar.gz",
		Also:   []string{"aclImdb", "aclImdb_v1.tar.bz2", "aclImdb_v1_labeled.tar.bz2"},
		URLs:   []string{"https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"},
		SHA256: "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
		Size:   84125825,
	}},
})

// Limits of an archive of reviews; the published one has 100,000 of at most 14 kB.
const (
	maxReviews     = 1 << 18
	maxReviewBytes = 1 << 20
	maxTextBytes   = 1 << 29 // all together
)

// reviewsInflated limits the uncompressed size of an archive; the published one
// compresses to a quarter.
var reviewsInflated = inflate.Limit{Base: 24 << 20, Ratio: 16}

// review is one file of the archive.
type review struct {
	id, rating int
	text       string
}

// reviewName matches the path of a labeled review.
var reviewName = regexp.MustCompile(`^aclImdb/(train|test)/(neg|pos)/([0-9]{1,9})_([0-9]{1,2})\.txt$`)

// Reviews loads the movie reviews of IMDB as text, 0 for negative and 1 for positive:
// 25,000 for training and 25,000 for testing; the sample has 300 and 150. Negative
// reviews come first, each kind in the order of the files' numbers; shuffle before you
// split. The files are read from the published aclImdb_v1.tar.gz (or .tar.bz2), without
// unpacking it, or from an unpacked folder aclImdb.
//
// Source: as for IMDB.
func Reviews(ctx context.Context, from From) (train, test *Texts, err error) {
	p, err := from.locate(ctx, reviewsSet)
	if err != nil {
		return nil, nil, err
	}
	found := map[string][]review{} // by "train/neg" and so on
	if info, statErr := fs.Stat(p.fs, "aclImdb"); statErr == nil && info.IsDir() {
		err = readReviewFolder(ctx, p, found)
	} else {
		err = readReviewArchive(ctx, p, found)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("imdb_reviews: %w", err)
	}
	var out [2]*Texts
	for k, part := range [2]string{"train", "test"} {
		t := &Texts{names: []string{"neg", "pos"}, origin: p.origin}
		for label, class := range t.names {
			all := found[part+"/"+class]
			if len(all) == 0 {
				return nil, nil, fmt.Errorf("imdb_reviews: %s: no reviews aclImdb/%s/%s/ID_RATING.txt", p.name(""), part, class)
			}
			slices.SortFunc(all, func(a, b review) int {
				return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.rating, b.rating))
			})
			for _, r := range all {
				t.Texts, t.Labels = append(t.Texts, r.text), append(t.Labels, int32(label))
			}
		}
		out[k] = t
	}
	return out[0], out[1], nil
}

// addReview adds a file if its name is that of a labeled review; read is called only
// then. total counts the bytes of all reviews so far.
func addReview(found map[string][]review, name string, total *int64, read func(limit int64) ([]byte, error)) error {
	m := reviewName.FindStringSubmatch(name)
	if m == nil {
		return nil
	}
	raw, err := read(maxReviewBytes + 1)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	*total += int64(len(raw))
	if len(raw) > maxReviewBytes || *total > maxTextBytes {
		return fmt.Errorf("%s: more than %d bytes in one review or %d in all", name, maxReviewBytes, maxTextBytes)
	}
	id, _ := strconv.Atoi(m[3]) // digits, by the pattern
	rating, _ := strconv.Atoi(m[4])
	key := m[1] + "/" + m[2]
	if found[key] = append(found[key], review{id, rating, strings.ToValidUTF8(string(raw), "\uFFFD")}); len(found[key]) > maxReviews {
		return fmt.Errorf("%s: more than %d reviews", name, maxReviews)
	}
	return nil
}

func readReviewFolder(ctx context.Context, p dataDir, found map[string][]review) error {
	var total int64
	for _, dir := range []string{"train/neg", "train/pos", "test/neg", "test/pos"} {
		dir = path.Join("aclImdb", dir)
		entries, err := fs.ReadDir(p.fs, dir)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name(dir), err)
		}
		for _, e := range entries {
			name := path.Join(dir, e.Name())
			err := addReview(found, name, &total, func(limit int64) ([]byte, error) {
				f, err := p.fs.Open(name)
				if err != nil {
					return nil, err
				}
				defer func() { _ = f.Close() }() // only read
				return io.ReadAll(io.LimitReader(f, limit))
			})
			if err != nil {
				return fmt.Errorf("%s: %w", p.name(""), err)
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

func readReviewArchive(ctx context.Context, p dataDir, found map[string][]review) error {
	f, file, err := p.open("aclImdb_v1.tar.gz", "aclImdb_v1.tar.bz2", "aclImdb_v1_labeled.tar.bz2")
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	return readTar(ctx, f, p.name(file), found)
}

// readTar reads a compressed archive of reviews.
func readTar(ctx context.Context, r io.Reader, name string, found map[string][]review) error {
	count := &inflate.Counter{Reader: r}
	plain, gzipped, err := inflate.Gunzip(count, name, reviewsInflated)
	if err != nil {
		return err
	}
	if !gzipped {
		in := plain.(*bufio.Reader)
		begin, err := sniff.Peek(in, sniff.Len)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if !bytes.HasPrefix(begin, []byte("BZh")) {
			return fmt.Errorf("%s: offset 0: %s, want a tar archive compressed with gzip or bzip2", name, cmp.Or(sniff.Name(begin), "unknown"))
		}
		plain = reviewsInflated.Of(bzip2.NewReader(in), count.Count)
	}
	// What is skipped counts too.
	limited := &io.LimitedReader{R: plain, N: 8 * maxTextBytes}
	t := tar.NewReader(limited)
	var total int64
	for {
		offset := 8*maxTextBytes - limited.N
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			// The archive ends before the compressed stream, which has the checksum.
			if _, err := io.Copy(io.Discard, limited); err != nil {
				return fmt.Errorf("%s: offset %d: %w", name, offset, err)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: offset %d: %w", name, offset, err)
		}
		err = addReview(found, path.Clean(h.Name), &total, func(limit int64) ([]byte, error) { return io.ReadAll(io.LimitReader(t, limit)) })
		if err == nil && total > 8*maxTextBytes-limited.N { // sparse files, which take no space in the archive
			err = fmt.Errorf("%s: %d bytes of reviews so far, more than the archive has", h.Name, total)
		}
		if err != nil {
			return fmt.Errorf("%s: offset %d: %w", name, offset, err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}
