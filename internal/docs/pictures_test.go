// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	pictureBytes = 100 << 10
	allBytes     = 3 << 20
)

var madeBy = regexp.MustCompile("(?s)(?:[Mm]ade|[Dd]rawn) by\\s(`[^`]+`(?:(?:,| and|, and)\\s`[^`]+`)*)")

// drawnByProgram reports whether a Go block of the page that is run names the picture's file.
func drawnByProgram(p *page, l link) bool {
	for _, b := range p.blocks {
		if b.lang == "go" && !b.has("norun") && b.file() == "" && strings.Contains(b.text, strconv.Quote(path.Base(l.target))) {
			return true
		}
	}
	return false
}

// makers returns the commands that make a picture: those of the next sh block, or of a sentence
// "Made by `...`." before the next heading or picture.
func makers(p *page, l link) (list []command) {
	end := len(p.lines)
	for i := l.line; i < len(p.lines); i++ {
		if headingPattern.MatchString(p.lines[i]) && !p.inBlock(i+1) {
			end = i
			break
		}
	}
	for _, other := range p.links {
		if other.picture && other.line > l.line {
			// Pictures in a row are made by the same commands.
			between := strings.TrimSpace(strings.Join(p.lines[l.line:other.line-1], ""))
			if between != "" {
				end = min(end, other.line-1)
				break
			}
		}
	}
	for _, b := range p.blocks {
		if b.lang == "sh" && b.line > l.line && b.end <= end {
			return commands(b, true, func(string) bool { return true })
		}
	}
	text := strings.Join(p.lines[l.line-1:end], "\n")
	if m := madeBy.FindStringSubmatch(text); m != nil {
		for _, s := range regexp.MustCompile("`[^`]+`").FindAllString(m[1], -1) {
			s = strings.Join(strings.Fields(strings.Trim(s, "`")), " ")
			list = append(list, command{text: s, line: l.line, full: true, skip: map[bool]string{true: "tested elsewhere"}[elsewhere.MatchString(s)]})
		}
	}
	return list
}

// checkPictures checks that the pictures of a page exist, are small and can be made again.
func checkPictures(root string, p *page) (errs []error) {
	for _, l := range p.links {
		if !l.picture || strings.Contains(l.target, "://") {
			continue
		}
		if strings.TrimSpace(l.text) == "" {
			errs = append(errs, p.fault(l.line, "the picture %s has no text that says what it shows", l.target))
		}
		if info, err := os.Stat(filepath.Join(root, filepath.FromSlash(path.Join(path.Dir(p.file), l.target)))); err == nil && info.Size() >= pictureBytes {
			errs = append(errs, p.fault(l.line, "the picture %s has %d bytes, want less than %d", l.target, info.Size(), pictureBytes))
		}
		if !drawnByProgram(p, l) && len(makers(p, l)) == 0 {
			errs = append(errs, p.fault(l.line, "nothing makes the picture %s: want a sh block or \"Made by `COMMAND`.\" behind it, or a go block with its name", l.target))
		}
	}
	return errs
}

// checkPictureFolder checks that all of docs/pictures is shown, and is small together.
func checkPictureFolder(root string, pages []*page) (errs []error) {
	shown := map[string]bool{}
	for _, p := range pages {
		for _, l := range p.links {
			shown[path.Join(path.Dir(p.file), l.target)] = true
		}
	}
	list, err := os.ReadDir(filepath.Join(root, "docs", "pictures"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return []error{err}
	}
	var sum int64
	for _, e := range list {
		name := "docs/pictures/" + e.Name()
		if !shown[name] {
			errs = append(errs, fmt.Errorf("%s: no page shows it", name))
		}
		if info, err := e.Info(); err == nil {
			sum += info.Size()
		}
	}
	if sum >= allBytes {
		errs = append(errs, fmt.Errorf("docs/pictures has %d bytes, want less than %d", sum, allBytes))
	}
	return errs
}

// makePictures compares the pictures of a page with what is drawn now: by its program, by its sh
// blocks and, with full data, by the other commands beside them.
func (r *runner) makePictures(log func(...any)) {
	for _, l := range r.p.links {
		if !l.picture || strings.Contains(l.target, "://") {
			continue
		}
		if !drawnByProgram(r.p, l) && !r.makePicture(l, log) {
			continue
		}
		made := r.find(path.Base(l.target))
		if text := r.drawn[l.target]; text != nil {
			made = filepath.Join(r.folder, "drawn", path.Base(l.target))
			err := os.MkdirAll(filepath.Dir(made), 0o755)
			if err == nil {
				err = os.WriteFile(made, text, 0o600)
			}
			if err != nil {
				r.fail(l.line, "%v", err)
				continue
			}
		}
		if made == "" {
			r.fail(l.line, "what stands beside %s wrote no file of this name", l.target)
			continue
		}
		r.comparePicture(l, made)
	}
}

// keepPictures keeps the pictures whose commands have all run: those of later blocks may draw others of
// the same name.
func (r *runner) keepPictures() {
	for _, l := range r.p.links {
		if !l.picture || r.drawn[l.target] != nil || drawnByProgram(r.p, l) {
			continue
		}
		list := makers(r.p, l)
		if len(list) == 0 || slices.ContainsFunc(list, func(c command) bool { return !r.ran[c.text] }) {
			continue
		}
		if made := r.find(path.Base(l.target)); made != "" {
			text, err := os.ReadFile(made)
			if err != nil {
				r.fail(l.line, "%v", err)
			}
			r.drawn[l.target] = text
		}
	}
}

// makePicture runs the commands beside a picture, unless they have run. It reports whether there
// should be a picture now.
func (r *runner) makePicture(l link, log func(...any)) bool {
	made := false
	for _, c := range makers(r.p, l) {
		if c.skip != "" {
			log(r.p.fault(l.line, "not run: %s: %s", c.skip, c.text))
			continue
		}
		if r.ran[c.text] {
			made = true
			continue
		}
		if !r.full {
			return false
		}
		made, r.ran[c.text] = true, true
		err := r.openShell()
		if err == nil {
			err = r.commands()
		}
		if err != nil {
			r.fail(l.line, "%v", err)
			return false
		}
		back := command{text: "cd '" + r.folder + "'"} // blocks may have gone elsewhere
		if o, e, err := r.sh.run(back, r.limit); err != nil {
			r.fail(l.line, "%s: %v\n%s", back.text, err, indent(o+e))
			return false
		}
		if o, e, err := r.sh.run(c, r.limit); err != nil {
			r.fail(l.line, "%s: %v\n%s", c.text, err, indent(o+e))
			return false
		}
	}
	return made
}

// comparePicture compares a picture with the one that was made, or replaces it.
func (r *runner) comparePicture(l link, made string) {
	file := filepath.Join(r.w.root, filepath.FromSlash(path.Join(path.Dir(r.p.file), l.target)))
	err := samePicture(file, made)
	if err == nil {
		return
	}
	if !r.update {
		r.fail(l.line, "%s is not what is drawn now: %v", l.target, err)
		return
	}
	text, err := os.ReadFile(made)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o755)
	}
	if err == nil {
		err = os.WriteFile(file, text, 0o644)
	}
	if err != nil {
		r.fail(l.line, "%v", err)
	}
}

// samePicture compares a picture of a page with one that its command made: the texts of a SVG
// are equal and its shapes roughly, the pixels of others are alike.
func samePicture(want, got string) error {
	if filepath.Ext(want) == ".svg" {
		return sameSVG(want, got)
	}
	a, err := pixels(want)
	if err != nil {
		return err
	}
	b, err := pixels(got)
	if err != nil {
		return err
	}
	if a.Bounds().Size() != b.Bounds().Size() {
		return fmt.Errorf("its size is %v, the command draws %v", a.Bounds().Size(), b.Bounds().Size())
	}
	var sum float64
	size := a.Bounds().Size()
	for y := range size.Y {
		for x := range size.X {
			r1, g1, b1, _ := a.At(a.Bounds().Min.X+x, a.Bounds().Min.Y+y).RGBA()
			r2, g2, b2, _ := b.At(b.Bounds().Min.X+x, b.Bounds().Min.Y+y).RGBA()
			for _, d := range []float64{float64(r1) - float64(r2), float64(g1) - float64(g2), float64(b1) - float64(b2)} {
				sum += math.Abs(d) / 0xffff
			}
		}
	}
	if mean := sum / float64(3*size.X*size.Y); mean > 0.05 {
		return fmt.Errorf("its pixels differ by %.3f of the range in the mean, at most 0.05", mean)
	}
	return nil
}

func pixels(file string) (image.Image, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, _, err := image.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %v", file, err)
	}
	return m, nil
}

// drawing is what is compared of a SVG.
type drawing struct {
	texts    []string
	elements map[string]int
}

func readSVG(file string) (*drawing, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	d := &drawing{elements: map[string]int{}}
	dec := xml.NewDecoder(bytes.NewReader(text))
	var current strings.Builder
	depth := 0
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %v", file, err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			d.elements[tok.Name.Local]++
			if tok.Name.Local == "text" {
				depth++
			}
		case xml.EndElement:
			if tok.Name.Local == "text" {
				if depth--; depth == 0 {
					if s := strings.TrimSpace(current.String()); s != "" {
						d.texts = append(d.texts, s)
					}
					current.Reset()
				}
			}
		case xml.CharData:
			if depth > 0 {
				current.Write(tok)
			}
		}
	}
	return d, nil
}

// sameSVG compares words exactly and numbers in texts by a quarter, since they follow from
// training, and wants about as many elements.
func sameSVG(want, got string) error {
	a, err := readSVG(want)
	if err != nil {
		return err
	}
	b, err := readSVG(got)
	if err != nil {
		return err
	}
	wordsOf := func(list []string) (words []string) {
		for _, s := range list {
			if _, err := strconv.ParseFloat(plainNumber(s), 64); err != nil {
				words = append(words, s)
			}
		}
		return words
	}
	wa, wb := wordsOf(a.texts), wordsOf(b.texts)
	loose := tolerance{0.25, 10}
	for i := range max(len(wa), len(wb)) {
		switch {
		case i >= len(wa):
			return fmt.Errorf("its texts end before %q", wb[i])
		case i >= len(wb):
			return fmt.Errorf("its text %q is missing now", wa[i])
		case !sameLine(wa[i], wb[i], loose):
			return fmt.Errorf("its text %q is %q now", wa[i], wb[i])
		}
	}
	for name, n := range a.elements {
		if m := b.elements[name]; math.Abs(float64(n-m)) > 8+0.25*float64(max(n, m)) {
			return fmt.Errorf("it has %d elements <%s>, %d now", n, name, m)
		}
	}
	return nil
}
