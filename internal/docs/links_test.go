// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// checkForm checks how a page begins and that every block has a language.
func checkForm(p *page) (errs []error) {
	if strings.HasPrefix(p.file, "docs/") {
		if !strings.HasPrefix(p.lines[0], "# ") {
			errs = append(errs, p.fault(1, "a page begins with # and its title"))
		}
		for i, l := range p.lines[1:] {
			if strings.HasPrefix(l, "# ") && !p.inBlock(i+2) {
				errs = append(errs, p.fault(i+2, "a page has one title; sections begin with ##"))
			}
		}
	}
	for _, b := range p.blocks {
		switch {
		case b.lang == "":
			errs = append(errs, p.fault(b.line-1, "the block has no language; ```text is what the block before it prints, ```text norun anything else"))
		case b.lang == "text" && b.for_ == nil && !b.has("norun"):
			errs = append(errs, p.fault(b.line-1, "no go or sh block prints this text: none is before it, or a heading or another block stands between; ```text norun is not compared"))
		case b.lang == "text" && b.for_ != nil && b.for_.lang == "go" && (b.for_.has("norun") || b.for_.file() != ""):
			errs = append(errs, p.fault(b.line-1, "the go block before it is not run, so that it prints nothing"))
		case (b.lang == "bash" || b.lang == "shell" || b.lang == "console" || b.lang == "golang"):
			errs = append(errs, p.fault(b.line-1, "the language is %s; want sh or go, which are run", b.lang))
		}
	}
	return errs
}

func (p *page) inBlock(line int) bool {
	for _, b := range p.blocks {
		if line >= b.line-1 && line <= b.end {
			return true
		}
	}
	return false
}

var lineFragment = regexp.MustCompile(`^L(\d+)(?:-L(\d+))?$`)

// checkLinks checks that what a page links to exists: files and headings of the repository,
// exported names on pkg.go.dev. Other pages of the web are not fetched.
func checkLinks(root string, p *page) (errs []error) {
	for _, l := range p.links {
		u, err := url.Parse(l.target)
		if err != nil {
			errs = append(errs, p.fault(l.line, "link [%s]: %v", l.text, err))
			continue
		}
		if u.Scheme != "" {
			rest, ok := strings.CutPrefix(u.Host+u.Path, "pkg.go.dev/"+module)
			if u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "mailto" {
				errs = append(errs, p.fault(l.line, "link [%s] to %s has an unknown scheme", l.text, l.target))
			} else if ok {
				if err := apiLink(root, strings.Trim(rest, "/"), u.Fragment); err != "" {
					errs = append(errs, p.fault(l.line, "link [%s] to %s: %s", l.text, l.target, err))
				}
			}
			continue
		}
		file := p.file
		if u.Path != "" {
			file = path.Join(path.Dir(p.file), u.Path)
			if strings.HasPrefix(u.Path, "/") || strings.HasPrefix(file, "..") {
				errs = append(errs, p.fault(l.line, "link [%s] to %s leaves the repository", l.text, l.target))
				continue
			}
			if !existsExactly(root, file) {
				errs = append(errs, p.fault(l.line, "link [%s]: there is no %s", l.text, file))
				continue
			}
		}
		if u.Fragment == "" {
			continue
		}
		if m := lineFragment.FindStringSubmatch(u.Fragment); m != nil {
			text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
			if n, _ := strconv.Atoi(m[1]); err != nil || n < 1 || n > bytes.Count(text, []byte("\n"))+1 {
				errs = append(errs, p.fault(l.line, "link [%s]: %s has no line %s", l.text, file, m[1]))
			}
			continue
		}
		other := p
		if file != p.file {
			if path.Ext(file) != ".md" {
				errs = append(errs, p.fault(l.line, "link [%s]: %s has no headings", l.text, file))
				continue
			}
			if other, err = readPage(root, file); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		if _, ok := other.headings[u.Fragment]; !ok {
			errs = append(errs, p.fault(l.line, "link [%s]: %s has no heading #%s", l.text, file, u.Fragment))
		}
	}
	return errs
}

// unreachable lists the pages to which no links lead from those at which a reader starts.
func unreachable(pages map[string]*page, starts ...string) (list []string) {
	seen := map[string]bool{}
	var visit func(file string)
	visit = func(file string) {
		p := pages[file]
		if p == nil || seen[file] {
			return
		}
		seen[file] = true
		for _, l := range p.links {
			target, _, _ := strings.Cut(l.target, "#")
			visit(path.Join(path.Dir(file), target))
			visit(path.Join(path.Dir(file), target, "README.md"))
		}
	}
	for _, file := range starts {
		visit(file)
	}
	for file := range pages {
		if !seen[file] {
			list = append(list, file)
		}
	}
	slices.Sort(list)
	return list
}

// existsExactly reports whether a file exists under this name, also in its case.
func existsExactly(root, file string) bool {
	if file == "." {
		return true
	}
	list, err := os.ReadDir(filepath.Join(root, filepath.FromSlash(path.Dir(file))))
	if err != nil {
		return false
	}
	for _, e := range list {
		if e.Name() == path.Base(file) {
			return true
		}
	}
	return false
}

// apiLink returns what is wrong with a link to a package or an exported name.
func apiLink(root, pkg, name string) string {
	if i := strings.IndexByte(pkg, '@'); i >= 0 {
		return "a link to API has no version"
	}
	names, err := exported(root, pkg)
	switch {
	case err != nil || len(names) == 0 && pkg != "":
		return "there is no package " + pkg
	case name == "" || strings.HasPrefix(name, "pkg-") || strings.HasPrefix(name, "example-") || strings.HasPrefix(name, "hdr-") || strings.HasPrefix(name, "section-"):
		return ""
	case !names[name]:
		return "the package exports no " + name
	}
	return ""
}

var exportedCache sync.Map

// exported returns the exported names of a package: also T.M for methods and fields.
func exported(root, pkg string) (map[string]bool, error) {
	if m, ok := exportedCache.Load(root + "|" + pkg); ok {
		return m.(map[string]bool), nil
	}
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pkg), "*.go"))
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		names["package "+f.Name.Name] = true
		for _, d := range f.Decls {
			exportedOf(d, names)
		}
	}
	exportedCache.Store(root+"|"+pkg, names)
	return names, nil
}

func exportedOf(d ast.Decl, names map[string]bool) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			names[d.Name.Name] = true
			return
		}
		t := d.Recv.List[0].Type
		if s, ok := t.(*ast.StarExpr); ok {
			t = s.X
		}
		if g, ok := t.(*ast.IndexExpr); ok {
			t = g.X
		}
		if id, ok := t.(*ast.Ident); ok {
			names[id.Name+"."+d.Name.Name] = true
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.ValueSpec:
				for _, n := range s.Names {
					names[n.Name] = true
				}
			case *ast.TypeSpec:
				names[s.Name.Name] = true
				var fields *ast.FieldList
				switch t := s.Type.(type) {
				case *ast.InterfaceType:
					fields = t.Methods
				case *ast.StructType:
					fields = t.Fields
				default:
					continue
				}
				for _, f := range fields.List {
					for _, n := range f.Names {
						names[s.Name.Name+"."+n.Name] = true
					}
				}
			}
		}
	}
}

// names are the exported names of packages by the name under which code has them.
type names map[string]map[string]bool

func newNames(root string) names {
	n := names{}
	for short, at := range given {
		if pkg, ok := strings.CutPrefix(at, module+"/"); ok {
			if list, err := exported(root, pkg); err == nil && len(list) > 0 {
				n[short] = list
			}
		}
	}
	n["keraslike"] = n["k"]
	return n
}

var qualified = regexp.MustCompile(`(?:^|[^\w./"-])([a-z]\w*)\.([A-Z]\w*)`)

// checkNames checks code in sentences: a name of a package of Reef must be exported.
func checkNames(p *page, n names) (errs []error) {
	for _, s := range p.spans {
		for _, m := range qualified.FindAllStringSubmatch(s.text, -1) {
			if list := n[m[1]]; list != nil && !list[m[2]] {
				errs = append(errs, p.fault(s.line, "`%s`: %s exports no %s", s.text, m[1], m[2]))
			}
		}
	}
	return errs
}
