// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
)

// page is a Markdown file: what the tests look at.
type page struct {
	file     string // relative to the root, with slashes
	lines    []string
	blocks   []*block
	headings map[string]int // anchor to line
	links    []link
	spans    []span
}

// block is a fenced block of code, or hidden code in a comment: <!--go ... -->.
type block struct {
	lang string
	args []string // the words behind the language
	text string
	line int    // of the first line of text, from 1
	end  int    // line of the closing fence
	for_ *block // of a text block: the block whose output it shows
}

func (b *block) has(arg string) bool {
	for _, a := range b.args {
		if a == arg {
			return true
		}
	}
	return false
}

// file returns the name under which the block is saved in the folder of the page, or "".
func (b *block) file() string {
	for _, a := range b.args {
		if strings.Contains(a, ".") {
			return a
		}
	}
	return ""
}

// link is [text](target) or ![text](target).
type link struct {
	text, target string
	picture      bool
	line         int
}

// span is `code` within a line.
type span struct {
	text string
	line int
}

// fault is an error in a line of a Markdown file.
type fault struct {
	file string
	line int
	what string
}

func (f fault) Error() string { return fmt.Sprintf("%s:%d: %s", f.file, f.line, f.what) }

func (p *page) fault(line int, format string, args ...any) error {
	return fault{p.file, line, fmt.Sprintf(format, args...)}
}

var (
	linkPattern    = regexp.MustCompile(`(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(<?([^)\s>]*)>?(?:\s+"[^"]*")?\)`)
	refPattern     = regexp.MustCompile(`^ {0,3}\[([^\]]+)\]:\s+(\S+)`)
	spanPattern    = regexp.MustCompile("(`+)(.+?)(`+)")
	headingPattern = regexp.MustCompile(`^(#{1,6})\s+(.*?)\s*#*$`)
	fencePattern   = regexp.MustCompile("^( {0,3})(```+|~~~+)\\s*(.*)$")
)

// readPage reads a file of the repository.
func readPage(root, file string) (*page, error) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
	if err != nil {
		return nil, err
	}
	return parsePage(file, string(text))
}

// parsePage finds blocks, headings, links and pieces of code in a text.
func parsePage(file, text string) (*page, error) {
	p := &page{file: file, headings: map[string]int{}}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	p.lines = strings.Split(text, "\n")
	taken := map[string]int{}
	var last *block // the go or sh block that a text block may belong to
	for i := 0; i < len(p.lines); i++ {
		row := p.lines[i]
		if m := fencePattern.FindStringSubmatch(row); m != nil {
			b := &block{line: i + 2}
			words := strings.Fields(m[3])
			if len(words) > 0 {
				b.lang, b.args = words[0], words[1:]
			}
			end := i + 1
			for ; end < len(p.lines); end++ {
				if s := strings.TrimSpace(p.lines[end]); strings.HasPrefix(s, m[2]) && strings.Trim(s, m[2][:1]) == "" {
					break
				}
				b.text += strings.TrimPrefix(p.lines[end], m[1]) + "\n"
			}
			if end == len(p.lines) {
				return nil, p.fault(i+1, "the block is not closed")
			}
			b.end = end + 1
			switch b.lang {
			case "go", "sh":
				last = b
			case "text":
				if !b.has("norun") {
					b.for_ = last
				}
				last = nil
			default:
				last = nil
			}
			p.blocks = append(p.blocks, b)
			i = end
			continue
		}
		if rest, ok := strings.CutPrefix(row, "<!--go"); ok && strings.TrimSpace(rest) == "" {
			b := &block{lang: "go", line: i + 2}
			end := i + 1
			for ; end < len(p.lines) && strings.TrimSpace(p.lines[end]) != "-->"; end++ {
				b.text += p.lines[end] + "\n"
			}
			if end == len(p.lines) {
				return nil, p.fault(i+1, "the comment is not closed")
			}
			b.end = end + 1
			p.blocks = append(p.blocks, b)
			i = end
			continue
		}
		if m := headingPattern.FindStringSubmatch(row); m != nil {
			last = nil
			a := anchor(m[2])
			if n := taken[a]; n > 0 {
				taken[a]++
				a = fmt.Sprintf("%s-%d", a, n)
			} else {
				taken[a] = 1
			}
			p.headings[a] = i + 1
		}
		plain := spanPattern.ReplaceAllStringFunc(row, func(s string) string {
			m := spanPattern.FindStringSubmatch(s)
			if m[1] != m[3] {
				return s
			}
			p.spans = append(p.spans, span{strings.TrimSpace(m[2]), i + 1})
			return strings.Repeat("x", len(s))
		})
		for _, at := range linkPattern.FindAllStringSubmatchIndex(plain, -1) {
			p.links = append(p.links, link{row[at[4]:at[5]], row[at[6]:at[7]], at[2] < at[3], i + 1})
		}
		if m := refPattern.FindStringSubmatch(row); m != nil {
			p.links = append(p.links, link{m[1], m[2], false, i + 1})
		}
	}
	return p, nil
}

// anchor returns the fragment under which GitHub shows a heading.
func anchor(heading string) string {
	heading = linkPattern.ReplaceAllString(heading, "$2")
	var b strings.Builder
	for _, r := range strings.ToLower(heading) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-':
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte('-')
		}
	}
	return b.String()
}

// name is the page's name in tests: tutorials/01-mnist for docs/tutorials/01-mnist.md.
func (p *page) name() string {
	return strings.TrimPrefix(strings.TrimSuffix(p.file, path.Ext(p.file)), "docs/")
}
