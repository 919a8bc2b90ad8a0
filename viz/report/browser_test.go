// SPDX-License-Identifier: Apache-2.0

//go:build browser

package report

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// visit opens a page in headless Chromium and returns its screenshot, what
// its console printed, and the addresses on the network it asked for.
func visit(t *testing.T, page string, width, height int, dark bool) (image.Image, []string, []string) {
	t.Helper()
	dir := t.TempDir()
	file, shot, log := filepath.Join(dir, "report.html"), filepath.Join(dir, "shot.png"), filepath.Join(dir, "net.json")
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	scheme := 1
	if dark {
		scheme = 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-dev-shm-usage", "--hide-scrollbars", "--enable-logging=stderr",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--log-net-log="+log,
		fmt.Sprintf("--window-size=%d,%d", width, height), fmt.Sprintf("--blink-settings=preferredColorScheme=%d", scheme),
		"--screenshot="+shot, "file://"+file)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("chromium: %v\n%s", err, out)
	}
	var console []string
	for _, line := range strings.Split(string(out), "\n") {
		if strings.Contains(line, "CONSOLE") {
			console = append(console, line)
		}
	}
	f, err := os.Open(shot)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return img, console, requests(t, log)
}

// requests reads the http and https addresses of pages out of Chromium's
// network log; what the browser asks of its maker by itself has no initiator.
func requests(t *testing.T, log string) []string {
	t.Helper()
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var net struct {
		Events []struct {
			Params struct {
				URL       string `json:"url"`
				Initiator string `json:"initiator"`
			} `json:"params"`
		} `json:"events"`
	}
	if err := json.Unmarshal(data, &net); err != nil {
		t.Fatalf("network log: %v", err)
	}
	if len(net.Events) == 0 {
		t.Fatal("network log is empty")
	}
	var asked []string
	for _, e := range net.Events {
		p := e.Params
		if regexp.MustCompile(`^(https?|wss?)://`).MatchString(p.URL) && p.Initiator != "" && p.Initiator != "not an origin" {
			asked = append(asked, p.URL)
		}
	}
	return asked
}

func TestBrowser(t *testing.T) {
	page := write(t, demo(t))
	for _, test := range []struct {
		name          string
		width, height int
		dark          bool
		paper         color.RGBA
	}{
		{"light", 1200, 3000, false, color.RGBA{255, 255, 255, 255}},
		{"dark", 1200, 3000, true, color.RGBA{0x14, 0x18, 0x1d, 255}},
		{"phone", 390, 3200, false, color.RGBA{255, 255, 255, 255}},
	} {
		t.Run(test.name, func(t *testing.T) {
			img, console, asked := visit(t, page, test.width, test.height, test.dark)
			if len(console) > 0 {
				t.Errorf("console: %s", strings.Join(console, "\n"))
			}
			if len(asked) > 0 {
				t.Errorf("the page asked for %q", asked)
			}
			if got := color.RGBAModel.Convert(img.At(2, 2)); got != test.paper {
				t.Errorf("paper is %v, want %v", got, test.paper)
			}
			// at least this share of the pixels is something else than paper,
			// and several colors of the pictures are there
			printed, colors, b := 0, map[color.Color]bool{}, img.Bounds()
			for y := b.Min.Y; y < b.Max.Y; y++ {
				for x := b.Min.X; x < b.Max.X; x++ {
					if c := color.RGBAModel.Convert(img.At(x, y)); c != test.paper {
						printed++
						colors[c] = true
					}
				}
			}
			if share := float64(printed) / float64(b.Dx()*b.Dy()); share < 0.05 || len(colors) < 200 {
				t.Errorf("%.1f %% of the page is printed in %d colors", 100*share, len(colors))
			}
		})
	}
}

// TestBrowserSees: the checks above do see a picture from elsewhere and a
// script, one refused by the page's policy, one not.
func TestBrowserSees(t *testing.T) {
	page := write(t, &Report{Title: "control"})
	guarded := strings.Replace(page, "<main>", `<main><img src="http://reef.invalid/a.png">`, 1)
	if _, console, _ := visit(t, guarded, 400, 400, false); len(console) == 0 {
		t.Error("a picture from elsewhere left no word in the console")
	}
	policy := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`)
	open := policy.ReplaceAllString(guarded, "")
	if _, _, asked := visit(t, open, 400, 400, false); len(asked) == 0 {
		t.Error("a request to the network went unseen")
	}
}
