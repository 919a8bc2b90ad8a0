// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// fence writes ``` for ”' so that pages can stand in raw strings.
func fence(s string) string {
	return strings.NewReplacer("'''", "```", "'", "`").Replace(strings.TrimLeft(s, "\n"))
}

func parse(t *testing.T, file, text string) *page {
	t.Helper()
	p, err := parsePage(file, fence(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wantErrors compares errors with pieces that each must have, in their order.
func wantErrors(t *testing.T, got []error, want ...string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("there is no error with %q", want[i])
		case i >= len(want):
			t.Errorf("there is an error more: %v", got[i])
		case !strings.Contains(got[i].Error(), want[i]):
			t.Errorf("the error is %q, want it to have %q", got[i], want[i])
		}
	}
}

// TestRun runs pages that are right and pages with a mistake of each kind.
func TestRun(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command")
	}
	if !shellAvailable() {
		t.Skip("there is no bash")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	pages := []struct {
		name, text string
		compile    string // what the compiler says
		errors     []string
	}{
		{"right", `
# Right

'''go
x, unused := 3, 4
fmt.Println("x is", x)
'''

It prints

'''text
x is 3
'''

'''csv sub/table.csv
a,b
1,2
'''

'''sh
# a comment
grep -c , sub/table.csv
n=5
for i in 1 2; do
  echo $i
done
cat > greeting.txt <<END
hello
END
'''

'''text
2
...
'''

'''sh
echo $n; echo also >&2
false # exit status 1
'''

'''text
5
also
'''

'''go
b, err := os.ReadFile("greeting.txt")
check(err)
fmt.Print(string(b), twice(x), "\n")

// twice is used above.
func twice(a int) int { return 2 * a }

func() { fmt.Println("at once") }()
'''

'''text
hello
6
at once
'''

'''go norun
never := 1
log.Fatal(http.ListenAndServe(":80", nil))
'''

'''go
package main

func main() { println("whole") }
'''

'''text
whole
'''

'''go main.go
package main

func main() { println("saved") }
'''

'''sh
go mod init example.org/x
go run .
'''

'''text
...
saved
'''
`, "", nil},
		{"compile", `
# A block does not compile

'''go
x := 1
y := x + undefinedName
'''
`, "docs/compile.md:5: undefined: undefinedName", nil},
		{"figure", `
# A figure is wrong

'''go
fmt.Println("accuracy", 0.91)
fmt.Println("loss", 0.3)
'''

'''text
accuracy 0.9
loss 0.4
'''
`, "", []string{"docs/figure.md:10: the page shows\n\tloss 0.4\nprinted is\n\taccuracy 0.91\n\tloss 0.3"}},
		{"less", `
# More is printed

'''sh
echo a; echo b
'''

'''text
a
'''
`, "", []string{"docs/less.md:8: more is printed than the page shows"}},
		{"panic", `
# A block fails

'''go
fmt.Println("first")
'''

'''go
check(errors.New("disk is full"))
'''
`, "", []string{"docs/panic.md:8: the block ends with exit status 1\n\tdisk is full"}},
		{"early", `
# A block ends the program

'''go
os.Exit(0)
'''

'''go
fmt.Println("second")
'''
`, "", []string{"docs/early.md:4: the block ends with it has ended"}},
		{"command", `
# A command fails

'''sh
echo first
ls nothing-of-this-name
'''
`, "", []string{"docs/command.md:5: ls nothing-of-this-name: exit status 2"}},
		{"hangs", `
# A command never ends

'''sh
sleep 1000
'''
`, "", []string{"docs/hangs.md:4: sleep 1000: it has not ended within 2s"}},
	}
	w := &workshop{root: root, folder: t.TempDir(), goTool: goTool}
	var all []*program
	byPage := map[string][]*program{}
	parsed := map[string]*page{}
	for _, test := range pages {
		p := parse(t, "docs/"+test.name+".md", test.text)
		list, err := programs(p)
		if err != nil {
			t.Fatal(err)
		}
		all, byPage[test.name], parsed[test.name] = append(all, list...), list, p
	}
	said, err := w.buildPages(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range pages {
		t.Run(test.name, func(t *testing.T) {
			compiler := ""
			for _, p := range byPage[test.name] {
				compiler += said[p]
			}
			if test.compile != "" {
				if !strings.Contains(compiler, test.compile) {
					t.Errorf("the compiler says %q, want %q", compiler, test.compile)
				}
				return
			}
			if compiler != "" {
				t.Fatal(compiler)
			}
			limit := time.Minute
			if test.name == "hangs" {
				limit = 2 * time.Second
			}
			r := &runner{w: w, p: parsed[test.name], programs: byPage[test.name], tol: usual, limit: limit}
			wantErrors(t, r.run(t.TempDir(), t.Log), test.errors...)
		})
	}
}

func TestLinks(t *testing.T) {
	root := filepath.Join("..", "..")
	p := parse(t, "docs/page.md", `
# Title of 'this' page

[good](../README.md) [good](../CONTRIBUTING.md#conventions) [good](#title-of-this-page) [good](#again-1)
[good](https://pkg.go.dev/github.com/reef-dl/reef/keraslike#Dense) [good](https://example.org/x#y)
[good](https://pkg.go.dev/github.com/reef-dl/reef/keraslike#Model.Fit) [good](../Makefile#L3)

## Again
## Again

[a](missing.md)
[b](../readme.md)
[c](#nowhere)
[d](../CONTRIBUTING.md#nowhere)
[e](https://pkg.go.dev/github.com/reef-dl/reef/keraslike#Danse)
[f](https://pkg.go.dev/github.com/reef-dl/reef/nothing)
[g](../../outside.md)
[h](../Makefile#L9999)
'[code](missing.md)'

'''text norun
[in a block](missing.md)
'''
`)
	wantErrors(t, checkLinks(root, p),
		"docs/page.md:10: link [a]: there is no docs/missing.md",
		"docs/page.md:11: link [b]: there is no readme.md",
		"docs/page.md:12: link [c]: docs/page.md has no heading #nowhere",
		"docs/page.md:13: link [d]: CONTRIBUTING.md has no heading #nowhere",
		"docs/page.md:14: link [e] to https://pkg.go.dev/github.com/reef-dl/reef/keraslike#Danse: the package exports no Danse",
		"docs/page.md:15: link [f] to https://pkg.go.dev/github.com/reef-dl/reef/nothing: there is no package nothing",
		"docs/page.md:16: link [g] to ../../outside.md leaves the repository",
		"docs/page.md:17: link [h]: Makefile has no line 9999",
	)
}

func TestUnreachable(t *testing.T) {
	pages := map[string]*page{}
	for file, text := range map[string]string{
		"README.md": "[docs](docs/README.md#x)", "docs/README.md": "[a](a.md) [folder](b)", "docs/a.md": "", "docs/b/README.md": "[c](c.md)",
		"docs/b/c.md": "", "docs/lonely.md": "[a](a.md)",
	} {
		pages[file] = parse(t, file, text)
	}
	if got := unreachable(pages, "README.md"); !slices.Equal(got, []string{"docs/lonely.md"}) {
		t.Errorf("no link leads to %v, want docs/lonely.md", got)
	}
}

func TestNames(t *testing.T) {
	p := parse(t, "docs/page.md", `
# T

'k.Dense(3, k.ReLU)', 'os.Stderr', 'keras.layers', 'main.GO', 'k.Dance'
'datasets.MNIST', 'datasets.Mist(ctx)'
`)
	wantErrors(t, checkNames(p, newNames(filepath.Join("..", ".."))),
		"docs/page.md:3: `k.Dance`: k exports no Dance", "docs/page.md:4: `datasets.Mist(ctx)`: datasets exports no Mist")
}

func TestForm(t *testing.T) {
	p := parse(t, "docs/page.md", `
No title

'''
what
'''

'''text
printed by nothing
'''

'''bash
ls
'''

'''go norun
f()
'''

'''text
printed by a block that is not run
'''
`)
	wantErrors(t, checkForm(p), "docs/page.md:1: a page begins with #", "docs/page.md:3: the block has no language",
		"docs/page.md:7: no go or sh block prints this text", "docs/page.md:11: the language is bash", "docs/page.md:19: the go block before it is not run")
	if _, err := parsePage("docs/page.md", "# T\n\n```go\nx"); err == nil || err.Error() != "docs/page.md:3: the block is not closed" {
		t.Errorf("the error is %v", err)
	}
}

const smallSVG = `<svg xmlns="http://www.w3.org/2000/svg"><title>T</title><text x="1">accuracy</text><text>0.5</text><path d="M0 0"/></svg>`

func TestPictureFiles(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"docs/pictures/good.svg":   smallSVG,
		"docs/pictures/big.svg":    strings.Repeat("x", pictureBytes),
		"docs/pictures/unused.svg": smallSVG,
	} {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := parse(t, "docs/page.md", `
# T

![curves](pictures/good.svg)

Made by 'go run ./cmd/recipe -name mnist'.

![two](pictures/good.svg)

'''sh
go run ./cmd/recipe -name mnist
'''

![curves](pictures/missing.svg)
Made by 'go run ./cmd/recipe -name mnist'.

![](pictures/big.svg)

## Next

Made by 'go run ./cmd/recipe -name mnist'.
`)
	wantErrors(t, append(checkLinks(root, p), append(checkPictures(root, p), checkPictureFolder(root, []*page{p})...)...),
		"docs/page.md:13: link [curves]: there is no docs/pictures/missing.svg",
		"docs/page.md:16: the picture pictures/big.svg has no text that says what it shows",
		"docs/page.md:16: the picture pictures/big.svg has 102400 bytes, want less than 102400",
		"docs/page.md:16: nothing makes the picture pictures/big.svg",
		"docs/pictures/unused.svg: no page shows it",
	)
}

// TestMakePictures: a picture that its command draws otherwise is an error, or written with
// update; a path stands for the name.
func TestMakePictures(t *testing.T) {
	if !shellAvailable() {
		t.Skip("there is no bash")
	}
	root := t.TempDir()
	file := filepath.Join(root, "docs", "pictures", "mnist-curve.svg")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	old := strings.Replace(smallSVG, "accuracy", "loss", 1)
	if err := os.WriteFile(file, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	p := parse(t, "docs/page.md", `
# T

![curve](pictures/mnist-curve.svg)

Made by 'mkdir -p runs/mnist' and 'echo "$SVG" > runs/mnist/curve.svg'.
`)
	t.Setenv("SVG", smallSVG)
	w := &workshop{root: root, folder: t.TempDir()}
	run := func(update bool) []error {
		r := &runner{w: w, p: p, full: true, update: update, tol: measured, limit: time.Minute, commands: func() error { return nil }}
		return r.run(t.TempDir(), t.Log)
	}
	wantErrors(t, run(false), `docs/page.md:3: pictures/mnist-curve.svg is not what is drawn now: its text "loss" is "accuracy" now`)
	wantErrors(t, run(true))
	if text, err := os.ReadFile(file); err != nil || strings.TrimSpace(string(text)) != smallSVG {
		t.Errorf("the picture is %s (%v), want the one that the command draws", text, err)
	}
	wantErrors(t, run(false))
}

func TestCompare(t *testing.T) {
	for _, test := range []struct {
		want, got string
		ok        bool
	}{
		{"accuracy 0.90", "accuracy 0.91", true},
		{"accuracy 0.90", "accuracy 0.80", false},
		{"accuracy 0.90", "precision 0.90", false},
		{"0.0012", "0.0013", true}, // one unit of the last decimal
		{"0.0012", "0.0014", false},
		{"0.1", "0.2", false},
		{"epoch 1/5", "epoch 2/5", false},
		{"60,000 samples", "60000 samples", true},
		{"60,000 samples", "50,000 samples", false},
		{"-1.5e-3", "-1.52e-3", true},
		{"-1.5", "1.5", false},
		{"took 2 s", "took 15 s", true},
		{"took 2 s", "took 25 s", false},
		{"took 2s", "took 900ms", true},
		{"1m2s left", "65s left", true},
		{"350 samples/s", "2,000 samples/s", true},
		{"350 samples/s", "20,000 samples/s", false},
		{"350 samples/s", "350 words/s", false},
		{"on 2026-11-28", "on 2027-01-02", true},
		{"▁▃█ loss", "▁▂▅█ loss", true},
		{"a\n...\nd", "a\nb\nc\nd", true},
		{"a\n...\nd", "a\nd", true},
		{"a\n...\nd", "a\nb", false},
		{"...\nd\n...", "a\nd\nd\ne", true},
		{"weights 1 ...", "weights 1 and more", true},
		{"weights 1 ...", "weights 2 and more", false},
		{"a  b\n\nc", "a b\nc", true},
		{"progress 100", "progress 5\rprogress 100", true},
		{"a", "a\nb", false},
		{"conv2d_1", "conv2d_2", false},
		{"(28, 28, 1)", "(28, 28, 3)", false},
	} {
		if _, _, ok := match(rows(test.want), rows(test.got), measured); ok != test.ok {
			t.Errorf("a page with %q where %q is printed: %v, want %v", test.want, test.got, ok, test.ok)
		}
	}
}

func TestRenew(t *testing.T) {
	for _, test := range []struct{ text, printed, want string }{
		{"loss 0.4\n", "loss 0.3\n", "loss 0.3\n"},
		{"epoch 1 loss 0.4\n...\nepoch 5 loss 0.2\n", "epoch 1 loss 0.9\nepoch 2\nepoch 5 loss 0.5\n", "epoch 1 loss 0.9\n...\nepoch 5 loss 0.5\n"},
		{"a\n...\n", "b\n", ""},
	} {
		if got, ok := renew(&block{text: test.text}, []string{test.printed}); got != test.want || ok != (test.want != "") {
			t.Errorf("%q is renewed by %q to %q, want %q", test.text, test.printed, got, test.want)
		}
	}
}
