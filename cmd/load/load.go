// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// load is what is sent, and how.
type load struct {
	address     string
	request     []byte
	connections int
	rate        float64
	limit       time.Duration
}

// results are the latencies by status code; broken is the code of connections that broke.
type results map[int][]time.Duration

const broken = 0

// run sends requests on all connections. took is the time to the last answer.
func (l *load) run() (all results, took time.Duration, err error) {
	conns := make([]net.Conn, l.connections)
	for i := range conns {
		if conns[i], err = l.dial(); err != nil {
			return nil, 0, err
		}
	}
	all = results{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	begin := time.Now()
	for i, conn := range conns {
		wg.Go(func() {
			own := l.send(i, conn, begin)
			mu.Lock()
			defer mu.Unlock()
			for code, list := range own {
				all[code] = append(all[code], list...)
			}
		})
	}
	wg.Wait()
	return all, time.Since(begin), nil
}

func (l *load) dial() (net.Conn, error) { return net.DialTimeout("tcp", l.address, 10*time.Second) }

// send sends requests on connection i until the time is over.
func (l *load) send(i int, conn net.Conn, begin time.Time) results {
	own := results{}
	r := bufio.NewReaderSize(conn, 4096)
	defer func() { conn.Close() }()
	for n := 0; ; n++ {
		now := time.Now()
		if l.rate > 0 {
			due := begin.Add(time.Duration(float64(n*l.connections+i) / l.rate * float64(time.Second)))
			if due.Sub(begin) >= l.limit {
				return own
			}
			if due.After(now) {
				time.Sleep(due.Sub(now))
				now = time.Now()
			}
		}
		if now.Sub(begin) >= l.limit {
			return own
		}
		code, last := l.exchange(conn, r)
		own[code] = append(own[code], time.Since(now))
		if code != broken && !last {
			continue
		}
		conn.Close()
		again, err := l.dial()
		if err != nil {
			return own
		}
		conn = again
		r.Reset(conn)
	}
}

// exchange sends the request and reads the answer. last reports that the server closes the connection.
func (l *load) exchange(conn net.Conn, r *bufio.Reader) (code int, last bool) {
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Write(l.request); err != nil {
		return broken, true
	}
	line, err := r.ReadSlice('\n')
	if err != nil || len(line) < 12 {
		return broken, true
	}
	if code, err = strconv.Atoi(string(line[9:12])); err != nil {
		return broken, true
	}
	length := -1
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return broken, true
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if key, value, _ := bytes.Cut(line, []byte(": ")); bytes.EqualFold(key, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return broken, true
			}
		} else if bytes.EqualFold(line, []byte("Connection: close")) {
			last = true
		}
	}
	if length < 0 {
		return broken, true
	}
	if _, err := io.CopyN(io.Discard, r, int64(length)); err != nil {
		return broken, true
	}
	return code, last
}

// report prints a line for each status code.
func report(w io.Writer, l *load, all results, took time.Duration) {
	total := 0
	for _, list := range all {
		total += len(list)
	}
	fmt.Fprintf(w, "%d requests in %.1f s on %d connections: %.0f requests/s\n", total, took.Seconds(), l.connections, float64(total)/took.Seconds())
	for _, code := range slices.Sorted(maps.Keys(all)) {
		list := all[code]
		slices.Sort(list)
		name := strconv.Itoa(code)
		if code == broken {
			name = "broken"
		}
		at := func(share float64) string { return milliseconds(list[int(share*float64(len(list)-1))]) }
		fmt.Fprintf(w, "  %-6s %8d  %7.0f/s  p50 %s  p90 %s  p99 %s  max %s\n", name, len(list), float64(len(list))/took.Seconds(), at(0.5), at(0.9), at(0.99), at(1))
	}
}

func milliseconds(d time.Duration) string {
	return strings.TrimSpace(fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000))
}
