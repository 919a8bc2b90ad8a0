// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// program is Go code that is compiled and run: a complete program, or all other blocks of a
// page together.
type program struct {
	page   *page
	name   string // of its folder and its binary
	source string
	blocks []*block // in their order
	run    bool
}

// given are the packages that blocks may name without an import.
var given = map[string]string{
	"bufio": "bufio", "bytes": "bytes", "context": "context", "embed": "embed", "csv": "encoding/csv", "json": "encoding/json",
	"errors": "errors", "flag": "flag", "fmt": "fmt", "image": "image", "color": "image/color", "jpeg": "image/jpeg", "png": "image/png",
	"io": "io", "fs": "io/fs", "iter": "iter", "log": "log", "slog": "log/slog", "maps": "maps", "math": "math", "rand": "math/rand/v2",
	"http": "net/http", "httptest": "net/http/httptest", "url": "net/url", "os": "os", "signal": "os/signal", "filepath": "path/filepath",
	"path": "path", "regexp": "regexp", "runtime": "runtime", "slices": "slices", "sort": "sort", "strconv": "strconv",
	"strings": "strings", "sync": "sync", "time": "time",

	"k": module + "/keraslike", "applications": module + "/keraslike/applications", "callbacks": module + "/keraslike/callbacks",
	"kerasfile": module + "/keraslike/kerasfile", "kerash5": module + "/keraslike/kerash5", "safetensors": module + "/keraslike/safetensors",
	"tensorboard": module + "/keraslike/tensorboard", "serve": module + "/keraslike/serve", "datasets": module + "/datasets",
	"graph": module + "/graph", "viz": module + "/viz", "explain": module + "/viz/explain", "inspect": module + "/viz/inspect",
	"report": module + "/viz/report", "recipes": module + "/recipes",
	"gorgonia": "gorgonia.org/gorgonia", "tensor": "gorgonia.org/tensor",
}

// turn is printed on both streams before a block waits for its turn.
const turn = "\x00turn\x00\n"

var packageClause = regexp.MustCompile(`(?m)^package (\w+)`)

// programs puts the Go blocks of a page together.
func programs(p *page) (list []*program, err error) {
	rest := &program{page: p, name: flat(p.name()), run: true}
	for _, b := range p.blocks {
		if b.lang != "go" || b.has("in") {
			continue
		}
		if !isComplete(b) {
			rest.blocks = append(rest.blocks, b)
			continue
		}
		if b.file() != "" && strings.Contains(b.text, "//go:embed ") {
			continue // the files are made by the page's commands, and so is the program
		}
		m := packageClause.FindStringSubmatch(b.text)
		list = append(list, &program{
			page: p, name: fmt.Sprintf("%s_%d", flat(p.name()), b.line), blocks: []*block{b},
			source: fmt.Sprintf("//line %s:%d\n%s", p.file, b.line, b.text),
			run:    m[1] == "main" && !b.has("norun") && b.file() == "",
		})
	}
	if len(rest.blocks) > 0 {
		if rest.source, err = assemble(p, rest.blocks); err != nil {
			return nil, err
		}
		rest.run = slices.ContainsFunc(rest.blocks, func(b *block) bool { return !b.has("norun") })
		list = append(list, rest)
	}
	return list, nil
}

// isComplete reports whether the first line of a block that is not a comment is a package clause.
func isComplete(b *block) bool {
	for row := range strings.Lines(b.text) {
		if row = strings.TrimSpace(row); row != "" && !strings.HasPrefix(row, "//") {
			return strings.HasPrefix(row, "package ")
		}
	}
	return false
}

// flat makes a page's name one word.
func flat(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
}

// assemble makes one program of blocks that are parts of it: declarations go to the top
// level, statements into main, in their order. A block waits for its turn, so that commands
// between blocks run in the order of the page.
func assemble(p *page, blocks []*block) (string, error) {
	var imports, top, main strings.Builder
	imported, used := map[string]bool{}, map[string]bool{}
	var declared []string
	skipping := false
	for _, b := range blocks {
		if b.has("norun") != skipping {
			if skipping = !skipping; skipping {
				main.WriteString("if reefDocsNever {\n")
			} else {
				main.WriteString("}\n")
			}
		}
		if !skipping {
			main.WriteString("reefDocsTurn()\n")
		}
		var inner []string // declared in code that does not run
		for _, c := range chunks(b.text) {
			line := b.line + strings.Count(b.text[:c.from], "\n")
			code := fmt.Sprintf("//line %s:%d\n%s\n", p.file, line, strings.TrimRight(c.text, "\n"))
			switch c.kind {
			case chunkImport:
				f, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+c.text, parser.ImportsOnly)
				if err != nil {
					return "", p.fault(line, "%v", err)
				}
				for _, s := range f.Imports {
					at := strings.Trim(s.Path.Value, `"`)
					name := at[strings.LastIndex(at, "/")+1:]
					if at == "math/rand/v2" {
						name = "rand"
					}
					if s.Name != nil {
						name = s.Name.Name
					}
					imported[name] = true
				}
				imports.WriteString(code)
			case chunkTop:
				top.WriteString(code)
				f, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+c.text, parser.SkipObjectResolution)
				if err == nil {
					note(f, used)
				}
			case chunkStatement:
				main.WriteString(code)
				f, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc _() {\n"+c.text+"\n}", parser.SkipObjectResolution)
				if err != nil {
					continue // the compiler says what is wrong, with the line
				}
				note(f, used)
				names := declares(f.Decls[0].(*ast.FuncDecl).Body.List)
				if skipping {
					inner = append(inner, names...)
				} else {
					declared = append(declared, names...)
				}
			}
		}
		main.WriteString("//line reefdocs.go:1\n")
		for _, n := range inner {
			fmt.Fprintf(&main, "_ = %s\n", n)
		}
	}
	if skipping {
		main.WriteString("}\n")
	}
	slices.Sort(declared)
	for _, n := range slices.Compact(declared) {
		fmt.Fprintf(&main, "_ = %s\n", n)
	}
	var b strings.Builder
	b.WriteString("package main\nimport (\n\treefDocsContext \"context\"\n\treefDocsLog \"log\"\n\treefDocsOS \"os\"\n")
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if used[name] && !imported[name] && !slices.Contains(declared, name) { // a variable hides a package
			fmt.Fprintf(&b, "\t%s %q\n", name, given[name])
		}
	}
	b.WriteString(")\n" + imports.String() + top.String() + `//line reefdocs.go:1
func check(err error) {
	if err != nil {
		reefDocsLog.SetFlags(0)
		reefDocsLog.Fatal(err)
	}
}

var reefDocsNever bool

func reefDocsTurn() {
	reefDocsOS.Stdout.WriteString(` + fmt.Sprintf("%q", turn) + `)
	reefDocsOS.Stderr.WriteString(` + fmt.Sprintf("%q", turn) + `)
	if n, _ := reefDocsOS.Stdin.Read(make([]byte, 1)); n == 0 {
		reefDocsOS.Exit(0)
	}
}

func main() {
	ctx := reefDocsContext.Background()
	_ = ctx
` + main.String() + "}\n")
	return b.String(), nil
}

// note adds the names before a dot: the packages that code may use.
func note(f *ast.File, used map[string]bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				used[x.Name] = true
			}
		}
		return true
	})
}

// declares returns the variables that statements declare, without those of inner scopes.
func declares(list []ast.Stmt) (names []string) {
	add := func(e ast.Expr) {
		if id, ok := e.(*ast.Ident); ok && id.Name != "_" {
			names = append(names, id.Name)
		}
	}
	for _, s := range list {
		switch s := s.(type) {
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				for _, e := range s.Lhs {
					add(e)
				}
			}
		case *ast.DeclStmt:
			if g, ok := s.Decl.(*ast.GenDecl); ok && g.Tok == token.VAR {
				for _, spec := range g.Specs {
					for _, id := range spec.(*ast.ValueSpec).Names {
						add(id)
					}
				}
			}
		}
	}
	return names
}

type chunkKind int

const (
	chunkStatement chunkKind = iota
	chunkTop
	chunkImport
)

// chunk is a declaration or statement with the comments before it.
type chunk struct {
	kind chunkKind
	from int // offset in the block
	text string
}

// chunks splits code at the ends of its declarations and statements.
func chunks(code string) (list []chunk) {
	var s scanner.Scanner
	fset := token.NewFileSet()
	file := fset.AddFile("", fset.Base(), len(code))
	s.Init(file, []byte(code), nil, 0)
	depth, from := 0, 0
	var words []string // the first tokens of the chunk
	flush := func(to int) {
		if len(words) > 0 {
			list = append(list, chunk{kindOf(words), from, code[from:to]})
		}
		from, words = to, nil
	}
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			break
		}
		switch tok {
		case token.LBRACE, token.LPAREN, token.LBRACK:
			depth++
		case token.RBRACE, token.RPAREN, token.RBRACK:
			depth--
		case token.SEMICOLON:
			if depth == 0 && lit != ";" {
				end := file.Offset(pos)
				if i := strings.IndexByte(code[end:], '\n'); i >= 0 { // comments behind the statement belong to it
					end += i + 1
				} else {
					end = len(code)
				}
				flush(end)
				continue
			}
		}
		if len(words) < 3 {
			if lit == "" || tok.IsOperator() {
				lit = tok.String()
			}
			if at := file.Offset(pos); tok == token.FUNC && strings.HasPrefix(code[at:], "func(") {
				lit = "func literal"
			}
			words = append(words, lit)
		}
	}
	flush(len(code))
	return list
}

// kindOf tells a chunk by its first words. A method or a named function, a type, constants
// and a list of variables are at the top level; a function literal is not.
func kindOf(words []string) chunkKind {
	second := ""
	if len(words) > 1 {
		second = words[1]
	}
	switch words[0] {
	case "import":
		return chunkImport
	case "type", "const":
		return chunkTop
	case "func":
		return chunkTop
	case "var":
		if second == "(" {
			return chunkTop
		}
	}
	return chunkStatement
}
