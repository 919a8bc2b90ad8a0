// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/reef-dl/reef/internal/text"
)

// imageTypes are the extensions of image files, in lower case.
var imageTypes = []string{".jpg", ".jpeg", ".png", ".gif", ".bmp"}

// Limits of a folder or an archive of images: Kaggle's cats and dogs are 25,000 files.
const (
	maxImages     = 1 << 17
	maxImageDirs  = 1 << 14
	maxPathLength = 1 << 10
	maxPathDepth  = 32
)

// hidden reports whether a file system or an operating system put the file there.
func hidden(name string) bool {
	return strings.HasPrefix(name, ".") || slices.Contains([]string{"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"}, name)
}

// isImage recognizes images by name.
func isImage(name string) bool { return hasType(name, imageTypes) }

// hasType reports whether a file has one of the extensions.
func hasType(name string, types []string) bool {
	return !hidden(name) && slices.Contains(types, strings.ToLower(path.Ext(name)))
}

// isDir follows links; a broken link is not a folder.
func isDir(fsys fs.FS, name string, e fs.DirEntry) (bool, error) {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir(), nil
	}
	info, err := behind(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.IsDir(), err
}

// behind is what a link points to. In an archive, links point nowhere.
func behind(fsys fs.FS, name string) (fs.FileInfo, error) {
	info, err := fs.Stat(fsys, name)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		err = fmt.Errorf("%s: the file system does not follow links", name)
	}
	return info, err
}

// byName sorts the entries of a folder, which the caller's file system may return in any
// order.
func byName(entries []fs.DirEntry) []fs.DirEntry {
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries
}

// walk collects the files of all classes.
type walk struct {
	fsys  fs.FS
	types []string // extensions
	files []imageFile
	dirs  int
	seen  int
}

// class adds the files in a folder and below it.
func (w *walk) class(dir string, class int) error {
	found := map[string][]string{} // names, by folder
	if err := w.find(dir, 0, found); err != nil {
		return err
	}
	folders := make([]string, 0, len(found))
	for folder := range found {
		folders = append(folders, folder)
	}
	slices.Sort(folders)
	for _, folder := range folders {
		for _, name := range found[folder] {
			w.files = append(w.files, imageFile{name: path.Join(folder, name), class: class})
		}
	}
	return nil
}

// folderName is the path of a folder for errors. The file system of os.DirFS is the path of its
// root; what others call their root is unknown.
func folderName(fsys fs.FS, dir string) string {
	if root := reflect.ValueOf(fsys); reflect.TypeOf(fsys) == reflect.TypeOf(os.DirFS(".")) {
		return path.Join(filepath.ToSlash(root.String()), dir)
	}
	return dir
}

// classes collects the files of a folder that has a folder for each class. what are the
// files, for errors.
func (w *walk) classes(dir, what string) (names []string, err error) {
	if err := checkArchive(w.fsys); err != nil {
		return nil, err
	}
	dir = path.Clean(dir)
	entries, err := fs.ReadDir(w.fsys, dir)
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, &fs.PathError{Op: failed.Op, Path: folderName(w.fsys, dir), Err: failed.Err}
	}
	if err != nil {
		return nil, err
	}
	var empty []string
	for _, e := range byName(entries) {
		class := path.Join(dir, e.Name())
		if hidden(e.Name()) {
			continue
		}
		is, err := isDir(w.fsys, class, e)
		if err != nil {
			return nil, err
		}
		if !is {
			continue
		}
		before := len(w.files)
		if err := w.class(class, len(names)); err != nil {
			return nil, err
		}
		if len(w.files) == before {
			empty = append(empty, class)
		}
		names = append(names, e.Name())
	}
	types := strings.Join(w.types, " ")
	switch {
	case len(empty) == 1:
		return nil, fmt.Errorf("class folder %s contains no %s (%s): remove it or add some", empty[0], what, types)
	case len(empty) > 1:
		return nil, text.Brief(fmt.Errorf("%d class folders contain no %s (%s): remove them or add some: %s", len(empty), what, types, strings.Join(empty, ", ")))
	case len(names) < 2:
		return nil, fmt.Errorf("%s has %s with %s, want one folder for each of at least two classes", folderName(w.fsys, dir), text.Count(len(names), "class folder"), text.Count(len(w.files), strings.TrimSuffix(what, "s")))
	}
	return names, nil
}

func (w *walk) find(dir string, depth int, found map[string][]string) error {
	if w.dirs++; w.dirs > maxImageDirs || depth > maxPathDepth {
		return fmt.Errorf("%s: more than %d folders, or nested more than %d deep", dir, maxImageDirs, maxPathDepth)
	}
	entries, err := fs.ReadDir(w.fsys, dir)
	if err != nil {
		return err
	}
	if w.seen += len(entries); w.seen > 8*maxImages {
		return fmt.Errorf("%s: more than %d files", dir, 8*maxImages)
	}
	for _, e := range byName(entries) {
		name := path.Join(dir, e.Name())
		switch {
		case hidden(e.Name()):
		case e.IsDir():
			if err := w.find(name, depth+1, found); err != nil {
				return err
			}
		case !hasType(e.Name(), w.types):
		case e.Type()&fs.ModeSymlink != 0:
			info, err := behind(w.fsys, name)
			if err != nil {
				return err // a broken link
			}
			if info.Mode().IsRegular() {
				found[dir] = append(found[dir], e.Name())
			}
		case e.Type().IsRegular():
			found[dir] = append(found[dir], e.Name())
		default:
			return fmt.Errorf("%s: not a regular file", name)
		}
	}
	return nil
}

// checkArchive rejects a zip archive whose names alone would take much memory and time:
// every level of every path becomes an entry.
func checkArchive(fsys fs.FS) error {
	z, ok := fsys.(*zip.Reader)
	if c, closes := fsys.(*zip.ReadCloser); closes {
		z, ok = &c.Reader, true
	}
	if !ok {
		return nil
	}
	if len(z.File) > 8*maxImages {
		return fmt.Errorf("archive of %d files, want at most %d", len(z.File), 8*maxImages)
	}
	for _, f := range z.File {
		if len(f.Name) > maxPathLength || strings.Count(f.Name, "/")+strings.Count(f.Name, `\`) > maxPathDepth {
			return fmt.Errorf("archive: name %.60q of %d bytes, want at most %d bytes and %d levels", f.Name, len(f.Name), maxPathLength, maxPathDepth)
		}
	}
	return nil
}

// imageFile is an image and its class.
type imageFile struct {
	name   string
	class  int
	number int // in the name of published cats and dogs
}
