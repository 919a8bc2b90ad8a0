// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	k "github.com/reef-dl/reef/keraslike"
	"github.com/reef-dl/reef/keraslike/serve"
)

// server serves a model with two inputs, and one with one.
func server(t *testing.T) string {
	t.Helper()
	a, b := k.NamedInput("a", 2, 3), k.NamedInput("b", k.Any)
	two := k.NewModel("two", []*k.Tensor{a, b}, []*k.Tensor{k.Flatten().Apply(a), k.Reshape([]int{k.Any, 1}).Apply(b)})
	one := k.Sequential("one", k.Input(4), k.Dense(2))
	for _, m := range []*k.Model{one, two} {
		if err := m.Build(1); err != nil {
			t.Fatal(err)
		}
	}
	h, err := serve.New(serve.Model("one", one), serve.Model("two", two), serve.Logger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(func() { s.Close(); h.Close() })
	return s.URL
}

func TestLoad(t *testing.T) {
	url := server(t)
	body := filepath.Join(t.TempDir(), "body.json")
	if err := os.WriteFile(body, []byte("[1,2,3]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code string
	}{
		{[]string{"-model", "one"}, "200"},
		{[]string{"-model", "two"}, "200"},
		{[]string{"-model", "two", "-form", "infer"}, "200"},
		{[]string{"-model", "two", "-form", "binary"}, "200"},
		{[]string{"-model", "two", "-form", "bytes"}, "200"},
		{[]string{"-model", "one", "-body", body}, "400"},
		{[]string{"-model", "one", "-rate", "100"}, "200"},
	} {
		var out, log bytes.Buffer
		if status := run(append(c.args, "-url", url, "-connections", "3", "-time", "100ms"), &out, &log); status != 0 {
			t.Fatalf("%q: exit status %d: %s", c.args, status, log.String())
		}
		if !regexp.MustCompile(`^\d+ requests in \d+\.\d s on 3 connections: \d+ requests/s\n  ` + c.code + ` +\d+ +\d+/s  p50 \S+ ms  p90 \S+ ms  p99 \S+ ms  max \S+ ms\n$`).MatchString(out.String()) {
			t.Errorf("%q: %s, want code %s", c.args, out.String(), c.code)
		}
	}
}

// TestBrokenConnections: connections that the server closes or breaks are opened again and counted.
func TestBrokenConnections(t *testing.T) {
	count := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if count++; count%3 == 0 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Connection", "close")
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer s.Close()
	l := &load{address: strings.TrimPrefix(s.URL, "http://"), request: []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), connections: 1, limit: 100 * time.Millisecond}
	all, _, err := l.run()
	if err != nil || len(all[503]) == 0 || len(all[broken]) == 0 || len(all) != 2 {
		t.Errorf("%v (%v)", all, err)
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, 2, "no -model given"},
		{[]string{"one"}, 2, "did you mean -model one?"},
		{[]string{"-model", "one", "-form", "predct"}, 2, `did you mean "predict"?`},
		{[]string{"-model", "one", "-connections", "0"}, 2, "-connections 0"},
		{[]string{"-model", "one", "-rate", "-1"}, 2, "-rate -1"},
		{[]string{"-model", "one", "-rate", "NaN"}, 2, "-rate NaN"},
		{[]string{"-model", "one", "-time", "0s"}, 2, "-time 0s"},
		{[]string{"-model", "one", "-type", "a\r\nb"}, 2, "-type"},
		{[]string{"-model", "one", "-url", "http://example.com:80"}, 2, "does not send to other machines"},
		{[]string{"-model", "one", "-url", "localhost:80"}, 2, "want http://HOST:PORT"},
		{[]string{"-model", "one", "-body", "nowhere"}, 1, "nowhere"},
		{[]string{"-model", "one", "-url", server(t) + "/x"}, 1, "404"},
		{[]string{"-model", "none", "-url", server(t)}, 1, "there is no model"},
		{[]string{"-h"}, 0, "Usage: load"},
	} {
		var out, log bytes.Buffer
		if status := run(c.args, &out, &log); status != c.status || !strings.Contains(log.String(), c.want) {
			t.Errorf("%q: exit status %d, %s\nwant %d and %q", c.args, status, log.String(), c.status, c.want)
		}
	}
}
