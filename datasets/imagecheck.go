// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"

	"github.com/reef-dl/reef/datasets/internal/picture"
	"github.com/reef-dl/reef/internal/text"
)

// ImageReport is what ImageFolder.Check has found. Its String is for people.
type ImageReport struct {
	Classes []string     // names
	Counts  []int        // images of every class
	Bytes   int64        // of all files
	Decoded bool         // whether every file was decoded, not only its header read
	Faults  []ImageFault // images that end training when they are read
	Remarks []ImageFault // images that can be read, but may be wrong
	// Duplicates are the images with the same bytes, by index: the files of each list are
	// all equal. Equal images in different classes, or in training and test parts that are
	// split afterward, spoil what is measured.
	Duplicates [][]int

	folder          *ImageFolder
	heights, widths []int  // of the readable images, sorted
	bad             []bool // by image: whether it has a fault
}

// ImageFault is what is wrong with one image.
type ImageFault struct {
	Index int // of the image in the folder
	File  string
	Err   error // names the file
}

// Err is an error that lists the images that end training, nil if there are none.
func (r *ImageReport) Err() error {
	errs := make([]error, len(r.Faults))
	for i, f := range r.Faults {
		errs[i] = f.Err
	}
	return several(errs)
}

// Images are remarked on if one side is shorter than a third of the size that they get, or
// if their aspect ratio differs from its by more than a factor of 3.
const oddFactor = 3

// Check opens every image before training does: it reads the headers or, with decode,
// decodes every image as training would, which takes as long as one epoch of reading but
// also finds what is truncated or corrupt inside. It reports images that cannot be read,
// that are odd in size, that seem to be truncated and that have the same bytes, and how the
// images are distributed over the classes. The error is that of the report, Err, or of the
// context; the report is there in any case.
func (s *ImageFolder) Check(ctx context.Context, decode bool) (_ *ImageReport, err error) {
	defer rescue(&err, "image folder: the file system")
	n := len(s.files)
	r := &ImageReport{Classes: s.names, Counts: make([]int, len(s.names)), Decoded: decode || s.fsys == nil, folder: s, bad: make([]bool, n)}
	names := make([]string, n)
	for i, f := range s.files {
		r.Counts[f.class]++
		names[i] = f.name
	}
	if s.fsys == nil { // drawings have no files
		return r, r.decodeAll(ctx)
	}
	headers, sizes, faults := make([]picture.Header, n), make([]int64, n), make([]error, n)
	budget := picture.NewBudget(s.fsys, names)
	if err := inParallel(ctx, n, names, faults, func(i int) (err error) {
		if sizes[i], err = s.stat(i); err == nil {
			headers[i], err = picture.ReadHeader(s.fsys, s.files[i].name, s.options.size(), budget)
		}
		return err
	}); err != nil {
		return r, err
	}
	for i, h := range headers {
		r.Bytes += sizes[i]
		if faults[i] != nil {
			continue
		}
		r.heights, r.widths = append(r.heights, h.Height), append(r.widths, h.Width)
		r.remarkOn(i, h)
	}
	slices.Sort(r.heights)
	slices.Sort(r.widths)
	r.take(faults)
	if err := r.findDuplicates(ctx, sizes, faults); err != nil {
		return r, err
	}
	if decode {
		return r, r.decodeAll(ctx)
	}
	return r, r.Err()
}

// stat is the size of file i.
func (s *ImageFolder) stat(i int) (int64, error) {
	f, err := s.fsys.Open(s.files[i].name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// take adds the faults of images that have none yet.
func (r *ImageReport) take(faults []error) {
	for i, err := range faults {
		if err != nil && !r.bad[i] {
			r.bad[i] = true
			r.Faults = append(r.Faults, ImageFault{i, r.folder.files[i].name, err})
		}
	}
	slices.SortFunc(r.Faults, func(a, b ImageFault) int { return a.Index - b.Index })
}

// decodeAll decodes the images whose headers are good.
func (r *ImageReport) decodeAll(ctx context.Context) error {
	s := r.folder
	names, faults := make([]string, len(s.files)), make([]error, len(s.files))
	for i, f := range s.files {
		names[i] = f.name
	}
	if err := inParallel(ctx, len(s.files), names, faults, func(i int) error {
		if r.bad[i] {
			return nil
		}
		_, err := s.image(i)
		return err
	}); err != nil {
		return err
	}
	r.take(faults)
	return r.Err()
}

// remarkOn looks at a header.
func (r *ImageReport) remarkOn(i int, h picture.Header) {
	o, name := r.folder.options, r.folder.files[i].name
	remark := func(format string, args ...any) {
		r.Remarks = append(r.Remarks, ImageFault{i, name, fmt.Errorf("%s: %w", name, fmt.Errorf(format, args...))})
	}
	if !h.Ends {
		remark("has no end mark of its format (%s): perhaps truncated", h.Format)
	}
	// Cross products in place of quotients.
	across, down := int64(h.Width)*int64(o.Height), int64(h.Height)*int64(o.Width)
	switch {
	case oddFactor*h.Height < o.Height || oddFactor*h.Width < o.Width:
		remark("%dx%d pixels, enlarged to %dx%d", h.Height, h.Width, o.Height, o.Width)
	case across > oddFactor*down || down > oddFactor*across:
		how := "distorted"
		if o.Crop {
			how = "cut"
		}
		remark("%dx%d pixels, %s to %dx%d", h.Height, h.Width, how, o.Height, o.Width)
	}
}

// findDuplicates compares the images of the same size in bytes by SHA-256.
func (r *ImageReport) findDuplicates(ctx context.Context, sizes []int64, faults []error) error {
	s := r.folder
	bySize := map[int64][]int{}
	for i, n := range sizes {
		if faults[i] == nil {
			bySize[n] = append(bySize[n], i)
		}
	}
	var candidates []int
	for _, same := range bySize {
		if len(same) > 1 {
			candidates = append(candidates, same...)
		}
	}
	slices.Sort(candidates)
	names, errs := make([]string, len(candidates)), make([]error, len(candidates))
	sums := make([][sha256.Size]byte, len(candidates))
	for j, i := range candidates {
		names[j] = s.files[i].name
	}
	if err := inParallel(ctx, len(candidates), names, errs, func(j int) error {
		f, err := s.fsys.Open(names[j])
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // only read
		h := sha256.New()
		if _, err := io.Copy(h, io.LimitReader(f, picture.MaxBytes)); err != nil {
			return fmt.Errorf("%s: %w", names[j], err)
		}
		h.Sum(sums[j][:0])
		return nil
	}); err != nil {
		return err
	}
	equal := map[[sha256.Size]byte]int{} // index in Duplicates
	all := make([]error, len(s.files))
	var groups [][]int
	for j, i := range candidates {
		if errs[j] != nil {
			all[i] = errs[j]
			continue
		}
		g, ok := equal[sums[j]]
		if !ok {
			g = len(groups)
			equal[sums[j]], groups = g, append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	r.Duplicates = slices.DeleteFunc(groups, func(g []int) bool { return len(g) < 2 })
	r.take(all)
	return nil
}

// inParallel calls work for 0..n-1 on all processors and stores its errors. A panic of the
// caller's file system, or a call of runtime.Goexit in it, is an error of the file. It
// returns the error of the context.
func inParallel(ctx context.Context, n int, names []string, errs []error, work func(i int) error) error {
	var at atomic.Int64
	for int(at.Load()) < n && ctx.Err() == nil { // once, unless runtime.Goexit ends every worker
		var wg sync.WaitGroup
		for range min(runtime.GOMAXPROCS(0), n) {
			wg.Go(func() {
				for ctx.Err() == nil {
					i := int(at.Add(1)) - 1
					if i >= n {
						return
					}
					own(names[i]+": reading it", func() error { return work(i) }, func(err error) { errs[i] = err })
				}
			})
		}
		wg.Wait()
	}
	return ctx.Err()
}

// reportedImages is how many images of a kind String lists.
const reportedImages = 10

// String is a report of some lines.
func (r *ImageReport) String() string {
	var b strings.Builder
	total, least, most := 0, 0, 0
	for c, n := range r.Counts {
		total += n
		if n < r.Counts[least] {
			least = c
		}
		if n > r.Counts[most] {
			most = c
		}
	}
	how := "headers read"
	if r.Decoded {
		how = "all decoded"
	}
	fmt.Fprintf(&b, "%s of %d classes, %.1f MB, %s\n", text.Count(total, "image"), len(r.Classes), float64(r.Bytes)/1e6, how)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "class\timages\tshare")
	for c, name := range r.Classes {
		fmt.Fprintf(w, "%s\t%s\t%.1f %%\n", shorten(name, 40), text.Thousands(r.Counts[c]), 100*float64(r.Counts[c])/float64(max(total, 1)))
	}
	_ = w.Flush() // a Builder takes everything
	if len(r.Classes) > 1 && r.Counts[most] >= 2*r.Counts[least] {
		fmt.Fprintf(&b, "unbalanced: %.1f times as many of %s as of %s; class weights or more images of the rare class help\n", float64(r.Counts[most])/float64(max(r.Counts[least], 1)), shorten(r.Classes[most], 40), shorten(r.Classes[least], 40))
	}
	if n := len(r.heights); n > 0 {
		o := r.folder.options
		fmt.Fprintf(&b, "heights %d to %d, half below %d; widths %d to %d, half below %d; resized to %dx%d\n", r.heights[0], r.heights[n-1], r.heights[n/2], r.widths[0], r.widths[n-1], r.widths[n/2], o.Height, o.Width)
	}
	list := func(title string, n int, line func(i int) string) {
		if n == 0 {
			return
		}
		fmt.Fprintf(&b, "%s: %s\n", title, text.Thousands(n))
		for i := range min(n, reportedImages) {
			fmt.Fprintf(&b, "  %s\n", line(i))
		}
		if n > reportedImages {
			fmt.Fprintf(&b, "  and %s more\n", text.Thousands(n-reportedImages))
		}
	}
	list("images that cannot be read and end training", len(r.Faults), func(i int) string { return text.Brief(r.Faults[i].Err).Error() })
	list("images to look at", len(r.Remarks), func(i int) string { return r.Remarks[i].Err.Error() })
	list("images that are there more than once", len(r.Duplicates), func(i int) string { return r.equal(r.Duplicates[i]) })
	if len(r.Faults)+len(r.Remarks)+len(r.Duplicates) == 0 {
		b.WriteString("nothing to complain about\n")
	}
	return trimLines(b.String())
}

// equal lists images with the same bytes.
func (r *ImageReport) equal(group []int) string {
	const listed = 4
	var names []string
	classes := map[int]bool{}
	for _, i := range group {
		classes[r.folder.files[i].class] = true
		if len(names) < listed {
			names = append(names, r.folder.files[i].name)
		}
	}
	line := strings.Join(names, " = ")
	if len(group) > listed {
		line += fmt.Sprintf(" = %d more", len(group)-listed)
	}
	if len(classes) > 1 {
		line += fmt.Sprintf(", in %d classes", len(classes))
	}
	return line
}
