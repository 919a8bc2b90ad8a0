// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"

	"github.com/reef-dl/reef/internal/inflate"
)

var catsDogsSet = register(Set{
	Name:      "dogs_vs_cats",
	Folder:    "dogs_vs_cats",
	Title:     "Dogs vs. Cats photographs, 2,000 training, 1,000 validation and 1,000 test images",
	Publisher: "https://www.kaggle.com/c/dogs-vs-cats/data and https://www.microsoft.com/download/details.aspx?id=54765",
	License:   "Asirra, Microsoft Research and Petfinder.com: for research and teaching under the publishers' terms",
	Sample:    "generated drawings, no photographs: 400 training, 200 validation and 200 test images",
	files: []file{{
		Name:   "kagglecatsanddogs_5340.zip",
		Also:   append([]string{"train"}, catsDogsZips...),
		URLs:   []string{"https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/kagglecatsanddogs_5340.zip"},
		SHA256: "b7974bd00a84a99921f36ee4403f089853777b5ae8d151c76a86e64900334af9",
		Size:   824887076,
	}},
})

// catsDogsZips are the names under which an archive is looked for.
var catsDogsZips = []string{
	"cats_and_dogs_small.zip", "cats_and_dogs_small_180.zip", // the article's selection, sorted into folders
	"train.zip",                  // Kaggle's 25,000 training images
	"kagglecatsanddogs_5340.zip", // Microsoft's, the same images
}

// The layouts of the images: sorted into folders as in the article, or with a number in
// the name as published by Kaggle and Microsoft.
var (
	sortedName = regexp.MustCompile(`^(?:(.*)/)?(train|validation|test)/(cat|dog)s/.+$`)
	kaggleName = regexp.MustCompile(`^(?:(.*)/)?(cat|dog)\.([0-9]{1,6})\.(?i:jpe?g)$`)
	petName    = regexp.MustCompile(`^(?:(.*)/)?PetImages/(Cat|Dog)/([0-9]{1,6})\.(?i:jpe?g)$`)
)

// CatsDogs loads photographs of cats (class 0) and dogs (class 1): 1,000 + 1,000 for
// training, 500 + 500 for validation and 500 + 500 for testing, chosen by number as in
// Chollet's Deep Learning with Python, section 5.2. The sample does not consist of
// photographs but of generated drawings: 200 + 200, 100 + 100 and 100 + 100.
//
// Input shape:  (height, width, 3)
//
// Target shape: (1)
//
// A folder holds train, validation and test with cats and dogs in each; or the published
// images train/cat.0.jpg ... or PetImages/Cat/0.jpg ..., of which the numbers 0-999,
// 1000-1499 and 1500-1999 are used; or one of these as a .zip, which is not unpacked.
// Augment in the options applies to the training images only.
//
// Source: Elson, Douceur, Howell, Saul: Asirra, ACM CCS 2007.
func CatsDogs(ctx context.Context, from From, o ImageOptions) (train, validation, test *ImageFolder, err error) {
	p, err := from.locate(ctx, catsDogsSet)
	if err != nil {
		return nil, nil, nil, err
	}
	var parts map[string][]imageFile
	var load loader
	var fsys fs.FS
	if p.origin.Kind == Sample {
		parts, load = drawings(), loadDrawing
	} else {
		var name string
		if fsys, name, err = p.catsDogs(); err != nil {
			return nil, nil, nil, fmt.Errorf("dogs_vs_cats: %w", err)
		}
		if parts, err = sortImages(fsys, name); err != nil {
			return nil, nil, nil, fmt.Errorf("dogs_vs_cats: %w", err)
		}
		load = fileLoader(fsys, parts["train"], parts["validation"], parts["test"])
	}
	var out [3]*ImageFolder
	for k, part := range [3]string{"train", "validation", "test"} {
		if k > 0 {
			o.Augment = nil
		}
		if out[k], err = newImageFolder(parts[part], []string{"cats", "dogs"}, load, o); err != nil {
			return nil, nil, nil, fmt.Errorf("dogs_vs_cats: %w", err)
		}
		out[k].origin, out[k].fsys = p.origin, fsys
	}
	return out[0], out[1], out[2], nil
}

// catsDogs opens the archive in the folder, or returns the folder itself.
func (p dataDir) catsDogs() (fsys fs.FS, name string, err error) {
	f, file, err := p.open(catsDogsZips...)
	if errors.Is(err, fs.ErrNotExist) {
		return p.fs, p.name(""), nil
	}
	if err != nil {
		return nil, "", err
	}
	// The file stays open as long as images are read from it; the runtime closes it
	// when it becomes unreachable.
	name = p.name(file)
	z, _, err := inflate.Zip(f, name)
	if err != nil {
		return nil, "", errors.Join(err, f.Close())
	}
	return z, name, nil
}

// found is what an archive or a folder holds in one of the layouts.
type found struct {
	root  string // the folder above, of the sorted layout
	parts map[string][]imageFile
	taken map[[2]int]string // images, by class and number
}

// sortImages finds the images of the three parts. If there are several layouts, as when
// the small set was sorted out of Kaggle's, the sorted one is used, else Kaggle's. Files
// that NewImageFolder ignores are ignored here.
func sortImages(fsys fs.FS, name string) (map[string][]imageFile, error) {
	if err := checkArchive(fsys); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var layouts [3]found // sorted, Kaggle's, Microsoft's
	for i := range layouts {
		layouts[i] = found{parts: map[string][]imageFile{}, taken: map[[2]int]string{}}
	}
	total := 0
	err := fs.WalkDir(fsys, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if file != "." && hidden(path.Base(file)) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		if total++; total > maxImages {
			return fmt.Errorf("more than %d files", maxImages)
		}
		switch {
		case !isImage(file):
			return nil
		case sortedName.MatchString(file):
			m := sortedName.FindStringSubmatch(file)
			return layouts[0].sorted(file, m[1], m[2], m[3])
		case kaggleName.MatchString(file):
			m := kaggleName.FindStringSubmatch(file)
			return layouts[1].numbered(file, m[2], m[3])
		case petName.MatchString(file) && isJPEG(fsys, file): // some files of the published archive are empty or not images
			m := petName.FindStringSubmatch(file)
			return layouts[2].numbered(file, m[2], m[3])
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	best := layouts[0]
	for _, l := range layouts[1:] {
		if len(best.parts) == 0 {
			best = l
		}
	}
	for _, part := range []string{"train", "validation", "test"} {
		files := best.parts[part]
		slices.SortStableFunc(files, func(a, b imageFile) int {
			return cmp.Or(a.class-b.class, a.number-b.number, cmp.Compare(path.Dir(a.name), path.Dir(b.name)), cmp.Compare(a.name, b.name))
		})
		if len(files) == 0 || files[0].class != 0 || files[len(files)-1].class != 1 {
			return nil, fmt.Errorf("%s: %d images of cats and dogs for the part %q, want some of both", name, len(files), part)
		}
	}
	return best.parts, nil
}

// sorted adds an image of train, validation or test.
func (f *found) sorted(file, root, part, class string) error {
	if len(f.parts) > 0 && root != f.root {
		return fmt.Errorf("images are sorted into train, validation and test in both %q and %q, want one of them", f.root, root)
	}
	f.root = root
	f.parts[part] = append(f.parts[part], imageFile{name: file, class: catOrDog(class)})
	return nil
}

// numbered adds an image whose number says which part it belongs to.
func (f *found) numbered(file, class, digits string) error {
	number, _ := strconv.Atoi(digits) // digits, by the pattern
	key := [2]int{catOrDog(class), number}
	if other := f.taken[key]; other != "" {
		return fmt.Errorf("%s and %s have the same number", other, file)
	}
	f.taken[key] = file
	for _, c := range []struct {
		part string
		end  int
	}{{"train", 1000}, {"validation", 1500}, {"test", 2000}} {
		if number < c.end {
			f.parts[c.part] = append(f.parts[c.part], imageFile{file, key[0], number})
			break
		}
	}
	return nil
}

func catOrDog(name string) int {
	if name == "cat" || name == "Cat" {
		return 0
	}
	return 1
}

// isJPEG checks the first bytes of a file.
func isJPEG(fsys fs.FS, file string) bool {
	f, err := fsys.Open(file)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read
	var begin [3]byte
	_, err = io.ReadFull(f, begin[:])
	return err == nil && bytes.Equal(begin[:], []byte{0xff, 0xd8, 0xff})
}
