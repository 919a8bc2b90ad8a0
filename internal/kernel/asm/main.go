// SPDX-License-Identifier: Apache-2.0

// Command asm generates the amd64 assembly of package simd, its Go declarations and its tables,
// one family of functions per file. It is a separate module so that the library does not depend
// on avo; its output is committed.
//
// Run it with go generate in package simd, or with -check to compare its output with the
// existing files.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

// family is the content of NAME_amd64.s and NAME_amd64.go.
type family struct {
	name  string
	build func(*build.Context)
	table func() string // Go code after the declarations, which may use package ref; may be nil
}

var families = []family{
	{"tile", tiles, tileTables},
	{"strip", strips, stripTables},
	{"transpose", transposes, nil},
	{"winograd", winograd, nil},
	{"activation", activations, activationTables},
	{"elementwise", elementwise, nil},
	{"function", functions, functionTables},
	{"machine", machines, machineTables},
	{"machine_wide", wideMachine, wideMachineTable},
	{"reduction", reductions, nil},
	{"norm", norms, nil},
	{"update", updates, nil},
	{"pooling", pools, nil},
	{"philox", philox, nil},
	{"gates", gates, nil},
	{"gather", gathers, nil},
	{"move", moves, moveTables},
	{"pause", pause, nil},
	{"peak", peaks, nil},
}

func main() {
	log.SetFlags(0)
	dir := flag.String("dir", "../simd", "folder of package simd")
	check := flag.Bool("check", false, "write nothing; fail if a file differs from what would be written")
	flag.Parse()
	files, err := render()
	if err != nil {
		log.Fatal(err)
	}
	for name, text := range files {
		if err := put(filepath.Join(*dir, name), text, *check); err != nil {
			log.Fatal(err)
		}
	}
}

// render returns the content of all files by name.
func render() (map[string][]byte, error) {
	files := map[string][]byte{}
	var err error
	for _, f := range families {
		if files[f.name+"_amd64.s"], files[f.name+"_amd64.go"], err = f.render(); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	files["table.go"], files["table_amd64.go"], err = tables()
	return files, err
}

func (f family) render() (asm, stubs []byte, err error) {
	ctx := build.NewContext()
	ctx.ConstraintExpr("amd64,!noasm")
	f.build(ctx)
	file, err := ctx.Result()
	if err != nil {
		return nil, nil, err
	}
	mergeChains(file)
	if err := pass.Compile.Execute(file); err != nil {
		return nil, nil, err
	}
	cfg := printer.Config{Name: "internal/kernel/asm", Pkg: "simd"}
	if asm, err = printer.NewGoAsm(cfg).Print(file); err != nil {
		return nil, nil, err
	}
	if stubs, err = printer.NewStubs(cfg).Print(file); err != nil {
		return nil, nil, err
	}
	if f.table != nil {
		table := f.table()
		if strings.Contains(table, "ref.") {
			const clause = "package simd\n"
			stubs = bytes.Replace(stubs, []byte(clause), []byte(clause+"\nimport \"github.com/reef-dl/reef/internal/kernel/ref\"\n"), 1)
		}
		if stubs, err = format.Source(append(stubs, table...)); err != nil {
			return nil, nil, err
		}
	}
	return append([]byte(license), asm...), append([]byte(license), stubs...), nil
}

const license = "// SPDX-License-Identifier: Apache-2.0\n\n"

func put(path string, text []byte, check bool) error {
	if check {
		old, err := os.ReadFile(path)
		if err == nil && !bytes.Equal(old, text) {
			err = fmt.Errorf("%s: differs from what the generator writes; run go generate", path)
		}
		return err
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, text, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// pause emits one iteration of a spin loop: it lets the other hardware thread of the core run for
// about 50 to 140 cycles.
func pause(c *build.Context) {
	c.Function("Pause")
	c.Doc("Pause tells the CPU that this is a spin loop.")
	c.Attributes(nosplit)
	c.SignatureExpr("func()")
	for range 4 {
		c.PAUSE()
	}
	c.RET()
}

// tileTables lists the tiles by vectors and rows, for the driver to select from.
func tileTables() string {
	var b strings.Builder
	list := func(rows int, name func(rows int) string) {
		b.WriteString("{\n\tnil,\n")
		for r := 1; r <= rows; r++ {
			fmt.Fprintf(&b, "\t%s,\n", name(r))
		}
		b.WriteString("}")
	}
	for _, set := range []isa{avx512, avx2} {
		fmt.Fprintf(&b, "\nvar %sTiles = [][]func(*byte){\n\tnil,\n", set.name)
		for vectors := 1; vectors <= set.maxVectors(1); vectors++ {
			rows := set.rows
			for set.maxVectors(rows) < vectors {
				rows--
			}
			list(rows, func(rows int) string { return set.tileName(rows, vectors) })
			b.WriteString(",\n")
		}
		b.WriteString("}\n")
	}
	return b.String()
}
