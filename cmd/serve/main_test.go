// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	k "github.com/reef-dl/reef/keraslike"
)

// save saves a model that multiplies one number by a factor.
func save(t *testing.T, path string, factor float32) {
	t.Helper()
	m := k.Sequential("scaled", k.Input(1), k.Dense(1, k.NoBias))
	if err := m.Compile(k.SGD(0.1), k.MSE); err != nil {
		t.Fatal(err)
	}
	w, err := m.Weight("dense/kernel")
	if err == nil {
		err = w.Set([]float32{factor})
	}
	if err == nil {
		err = m.Save(path)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// started is a command that serves.
type started struct {
	url    string
	lines  []string // about the models
	cancel context.CancelFunc
	status chan int
	log    *buffer
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start runs the command until it listens.
func start(t *testing.T, models int, args ...string) *started {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &started{cancel: cancel, status: make(chan int, 1), log: &buffer{}}
	r, w := io.Pipe()
	go func() {
		s.status <- run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), w, s.log)
		w.Close()
	}()
	lines := bufio.NewScanner(r)
	for range models + 1 {
		if !lines.Scan() {
			t.Fatalf("the command has ended: %s", s.log)
		}
		s.lines = append(s.lines, lines.Text())
	}
	s.url = strings.TrimPrefix(s.lines[0], "listening on ")
	t.Cleanup(func() { cancel(); http.DefaultClient.CloseIdleConnections() })
	return s
}

func (s *started) post(t *testing.T, path, body string) string {
	t.Helper()
	r, err := http.Post(s.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	return fmt.Sprintf("%d %s", r.StatusCode, text)
}

func TestServe(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "one model.safetensors"), filepath.Join(dir, "m")
	save(t, first, 2)
	save(t, second, 3)
	s := start(t, 2, "-model", first, "-model", "two="+second, "-log", "json", "-watch", "5ms", "-v")
	if !regexp.MustCompile(`^http://localhost:\d+$`).MatchString(s.url) {
		t.Errorf("the command says %q", s.lines)
	}
	// The command that is printed works, if it is run by a client of Go.
	m := regexp.MustCompile(`^  curl (\S+)(/v1/models/one-model:predict) -d '(.*)'$`).FindStringSubmatch(s.lines[1])
	if m == nil || m[1] != s.url {
		t.Fatalf("the command says %q", s.lines)
	}
	if got := s.post(t, m[2], m[3]); !strings.Contains(got, `"predictions":[[0]]`) {
		t.Error(got)
	}
	if got := s.post(t, "/v1/models/two:predict", "[2]"); !strings.Contains(got, `"predictions":[[6]]`) {
		t.Error(got)
	}
	save(t, second, 5)
	for end := time.Now().Add(20 * time.Second); !strings.Contains(s.post(t, "/v1/models/two:predict", "[2]"), `"predictions":[[10]]`); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the file that has changed was not loaded")
		}
	}
	s.cancel()
	if status := <-s.status; status != 0 {
		t.Errorf("exit status %d", status)
	}
	for _, want := range []string{`"msg":"model loaded","model":"two"`, `"msg":"shutting down"`, `"level":"DEBUG","msg":"request","model":"two","code":200`} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log has no %s:\n%s", want, s.log)
		}
	}
}

// TestKerasFile serves a file of Keras.
func TestKerasFile(t *testing.T) {
	files, _ := filepath.Glob("../../keraslike/kerasfile/testdata/*.keras")
	if len(files) == 0 {
		files, _ = filepath.Glob("../../keraslike/kerasfile/testdata/*/*.keras")
	}
	if len(files) == 0 {
		t.Fatal("there is no file of Keras to test with")
	}
	for _, file := range files {
		if _, err := load(file); err == nil {
			s := start(t, 1, "-model", "m="+file, "-log", "none")
			r, err := http.Get(s.url + "/v2/models/m/ready")
			if err != nil || r.StatusCode != 200 {
				t.Errorf("%v %v", r, err)
			}
			return
		}
	}
	t.Errorf("none of %d files could be loaded", len(files))
}

func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "m.safetensors")
	save(t, file, 1)
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, 2, "no -model given"},
		{[]string{file}, 2, "did you mean -model " + file},
		{[]string{"-model", "="}, 2, "want FILE or NAME=FILE"},
		{[]string{"-model", "a/b=" + file}, 2, `"a/b" is no name for a model`},
		{[]string{"-model", file, "-model", file}, 2, `two models are named "m"`},
		{[]string{"-modle", file}, 2, "did you mean -model?"},
		{[]string{"-model", file, "-log", "txt"}, 2, `did you mean "text"?`},
		{[]string{"-model", file, "-max-batch", "0"}, 2, "-max-batch 0: want a positive number"},
		{[]string{"-model", file, "-queue", "-1"}, 2, "-queue -1"},
		{[]string{"-model", file, "-timeout", "0s"}, 2, "-timeout 0s"},
		{[]string{"-model", file, "-batch-wait", "2h"}, 2, "-batch-wait 2h"},
		{[]string{"-model", file, "-watch", "-1s"}, 2, "-watch -1s"},
		{[]string{"-model", file, "-grace", "-1s"}, 2, "-grace -1s"},
		{[]string{"-model", filepath.Join(dir, "none")}, 1, "no such file"},
		{[]string{"-model", "main.go"}, 1, "main.go"},
		{[]string{"-model", file, "-addr", "nowhere:99999"}, 1, "99999"},
		{[]string{"-help"}, 0, "Exit status:"},
	} {
		var out, log bytes.Buffer
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		if status := run(ctx, c.args, &out, &log); status != c.status || !strings.Contains(log.String(), c.want) {
			t.Errorf("%q: exit status %d, %s\nwant %d and %q", c.args, status, log.String(), c.status, c.want)
		}
		cancel()
	}
}

// TestHelp: the help lists every flag.
func TestHelp(t *testing.T) {
	var out bytes.Buffer
	if status := run(context.Background(), []string{"-h"}, io.Discard, &out); status != 0 {
		t.Errorf("exit status %d", status)
	}
	for _, name := range []string{"-model", "-addr", "-max-batch", "-batch-wait", "-queue", "-timeout", "-max-body", "-max-pixels", "-max-memory", "-watch", "-grace", "-log", "-v"} {
		if !strings.Contains(out.String(), "  "+name) {
			t.Errorf("the help has no %s", name)
		}
	}
}
