// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/reef-dl/reef/internal/cli"
)

// TestCompletionInBash asks the script for the words that continue a command line.
func TestCompletionInBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	status, script, stderr := command(t, "completion", "bash")
	if status != 0 {
		t.Fatal(stderr)
	}
	emptyFolder(t)
	for _, name := range []string{"runs/one", "runs/two"} {
		if err := os.MkdirAll(name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("photo.jpg", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string][]string{
		"-name mn":                  {"mnist", "mnistcnn"},
		"-describe te":              {"temperature"},
		"-name imdb -variant ":      {"overfit", "plain", "l2", "dropout"},
		"-describe boston -variant": nil,
		"-name mnist -variant ":     nil,
		"-name mnist -ep":           {"-epochs"},
		"-name mnist -epochs ":      nil,
		"-fetch a":                  {"all"},
		"-base v":                   {"vgg16"},
		"-data s":                   {"sample"},
		"-out ru":                   {"runs"},
		"-explain ph":               {"photo.jpg"},
		"com":                       {"compare", "completion"},
		"-na":                       {"-name"},
		"compare runs/":             {"runs/one", "runs/two"},
		"compare runs/one runs/t":   {"runs/two"},
		"completion ":               {"bash", "zsh", "fish"},
	} {
		words := strings.Split("recipe "+line, " ")
		if line == "-describe boston -variant" {
			words, want = append(words, "k"), []string{"kfold10", "kfold5"}
		}
		quoted := "'" + strings.Join(words, "' '") + "'"
		test := script + "\nCOMP_WORDS=(" + quoted + "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _recipe; printf '%s\\n' \"${COMPREPLY[@]}\""
		out, err := exec.Command(bash, "--norc", "-c", test).CombinedOutput()
		got := strings.Fields(string(out))
		slices.Sort(got)
		want = slices.Sorted(slices.Values(want))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q is completed by %q, want %q (%v)", line, got, want, err)
		}
	}
}

// TestCompletionScripts: every flag and recipe is in each of them, and the shells that are
// installed accept theirs.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range cli.Shells {
		status, script, stderr := command(t, "completion", shell)
		if status != 0 || stderr != "" {
			t.Fatalf("%s: status %d, stderr %q", shell, status, stderr)
		}
		newFlags(&options{}).VisitAll(func(f *flag.Flag) {
			if !strings.Contains(script, "-"+f.Name) && !strings.Contains(script, "-o "+f.Name+" ") {
				t.Errorf("%s: no flag -%s", shell, f.Name)
			}
		})
		wantText(t, shell, script, "compare", "completion", "temperature", "gru_stacked")
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		check := exec.Command(path, "-n")
		check.Stdin = strings.NewReader(script)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", shell, err, out)
		}
	}
	for want, args := range map[string][]string{
		`completion: got [], want one of: bash, zsh, fish`:                              nil,
		`completion: got ["bsah"], want one of: bash, zsh, fish (did you mean "bash"?)`: {"bsah"},
		`completion: got ["bash" "zsh"]`:                                                {"bash", "zsh"},
	} {
		status, stdout, stderr := command(t, append([]string{"completion"}, args...)...)
		if status != cli.Misused || stdout != "" {
			t.Errorf("%q: status %d, stdout %q", args, status, stdout)
		}
		wantText(t, "stderr", stderr, want)
	}
}
