// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
)

// catsDogsZips are the archives that are looked for, by name.
var catsDogsZips = []string{
	"cats_and_dogs_small.zip", "cats_and_dogs_small_180.zip", // the article's choice, sorted into folders
	"train.zip",                  // Kaggle's 25,000 training pictures
	"kagglecatsanddogs_5340.zip", // Microsoft's, the same pictures
}

// The ways in which the pictures are laid out: sorted into folders as in the
// article, or with their number in the name as published by Kaggle and Microsoft.
var (
	sortedName = regexp.MustCompile(`(?:^|/)(train|validation|test)/(cat|dog)s/[^/]+\.jpe?g$`)
	kaggleName = regexp.MustCompile(`(?:^|/)(cat|dog)\.([0-9]{1,6})\.jpg$`)
	petName    = regexp.MustCompile(`(?:^|/)PetImages/(Cat|Dog)/([0-9]{1,6})\.jpg$`)
)

// maxPictures bounds the files of a folder or an archive; Kaggle has 25,000.
const maxPictures = 1 << 17

// CatsDogs loads photographs of cats (class 0) and dogs (class 1): 1,000 + 1,000 to
// train, 500 + 500 to validate and 500 + 500 to test, chosen by number as in
// Chollet's Deep Learning with Python, section 5.2. The sample is not photographs
// but drawings made by the program: 200 + 200, 100 + 100 and 100 + 100.
//
// Input shape:  (height, width, 3)
// Target shape: (1)
//
// A folder holds train, validation and test with cats and dogs in each; or the
// published pictures train/cat.0.jpg ... or PetImages/Cat/0.jpg ..., of which the
// numbers 0-999, 1000-1499 and 1500-1999 are taken; or one of these as .zip, which
// is not unpacked. Augment in the options is for the training pictures only.
//
// Source: Elson, Douceur, Howell, Saul: Asirra, ACM CCS 2007.
func CatsDogs(ctx context.Context, from From, o ImageOptions) (train, validation, test *ImageFolder, err error) {
	p, err := from.locate(ctx, "dogs_vs_cats")
	if err != nil {
		return nil, nil, nil, err
	}
	var parts map[string][]imageFile
	var load func(string) (*picture, error)
	var fsys fs.FS
	if p.origin.Kind == Sample {
		parts, load = drawings(), loadDrawing
	} else {
		var name string
		if fsys, name, err = p.catsDogs(); err != nil {
			return nil, nil, nil, fmt.Errorf("dogs_vs_cats: %w", err)
		}
		if parts, err = sortPictures(fsys, name); err != nil {
			return nil, nil, nil, fmt.Errorf("dogs_vs_cats: %w", err)
		}
		load = fromFS(fsys)
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

// catsDogs opens the archive in the place, or takes the place itself.
func (p place) catsDogs() (fsys fs.FS, name string, err error) {
	f, file, err := p.open(catsDogsZips...)
	if errors.Is(err, fs.ErrNotExist) {
		return p.fs, p.name(""), nil
	}
	if err != nil {
		return nil, "", err
	}
	// The file stays open as long as pictures are read from it; the runtime closes
	// it when nobody holds it any more.
	name = p.name(file)
	z, err := newZip(f, name)
	if err != nil {
		return nil, "", errors.Join(err, f.Close())
	}
	return z, name, nil
}

// sortPictures finds the pictures of the three parts.
func sortPictures(fsys fs.FS, name string) (map[string][]imageFile, error) {
	parts := map[string][]imageFile{}
	numbered := map[string]int{} // number of a file that has one
	total := 0
	err := fs.WalkDir(fsys, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return nil
		}
		if total++; total > maxPictures {
			return fmt.Errorf("more than %d files", maxPictures)
		}
		if m := sortedName.FindStringSubmatch(file); m != nil {
			parts[m[1]] = append(parts[m[1]], imageFile{file, catOrDog(m[2])})
			return nil
		}
		m := kaggleName.FindStringSubmatch(file)
		if m == nil {
			if m = petName.FindStringSubmatch(file); m == nil || !isJPEG(fsys, file) {
				return nil // Microsoft's archive holds some that are empty or no pictures
			}
		}
		number, _ := strconv.Atoi(m[2]) // digits, by the pattern
		numbered[file] = number
		for _, c := range []struct {
			part string
			end  int
		}{{"train", 1000}, {"validation", 1500}, {"test", 2000}} {
			if number < c.end {
				parts[c.part] = append(parts[c.part], imageFile{file, catOrDog(m[1])})
				break
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, part := range []string{"train", "validation", "test"} {
		files := parts[part]
		slices.SortStableFunc(files, func(a, b imageFile) int {
			if a.class != b.class {
				return a.class - b.class
			}
			return numbered[a.name] - numbered[b.name] // walked by name, so sorted by it otherwise
		})
		if len(files) == 0 || files[0].class != 0 || files[len(files)-1].class != 1 {
			return nil, fmt.Errorf("%s: %d pictures of cats and dogs for the part %q, want some of both", name, len(files), part)
		}
	}
	return parts, nil
}

func catOrDog(name string) int {
	if name == "cat" || name == "Cat" {
		return 0
	}
	return 1
}

// isJPEG looks at the first bytes of a file.
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
