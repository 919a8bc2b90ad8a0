// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"regexp"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	k "github.com/reef-dl/reef/keraslike"
)

// Option is an option of New: a model or a setting.
type Option interface{ apply(*settings) }

type option func(*settings)

func (o option) apply(s *settings) { o(s) }

// settings are those of all models.
type settings struct {
	maxBatch, maxRows, maxPixels, top int
	maxBody, memory                   int64
	batchWait, timeout, grace         time.Duration
	batchTime                         time.Duration // see inTime
	log                               *slog.Logger
	registry                          *prometheus.Registry
	sources                           []source
}

// source is where a model comes from.
type source struct {
	name  string
	path  string // of the file; empty for a model of the program
	load  func(path string) (*k.Model, error)
	model *k.Model
}

func defaults() *settings {
	return &settings{
		maxBatch: 64, maxRows: 1024, maxPixels: 16 << 20, top: 5,
		maxBody: 16 << 20, memory: 512 << 20,
		batchTime: 25 * time.Millisecond, batchWait: 2 * time.Millisecond, timeout: 5 * time.Second, grace: 15 * time.Second,
		log: slog.Default(),
	}
}

// inTime returns how many samples of several requests are computed at once if each takes so long: a model
// that needs batchTime for a few samples gains nothing from more.
func (s *settings) inTime(each time.Duration) int {
	return min(s.maxBatch, s.maxRows, int(max(1, s.batchTime/max(1, each))))
}

// Model serves a model of the program. It must not be trained meanwhile, except by methods that may be
// called while others predict.
func Model(name string, m *k.Model) Option {
	return option(func(s *settings) { s.sources = append(s.sources, source{name: name, model: m}) })
}

// File serves the model of a file that Model.Save wrote. How it was compiled is not read.
func File(name, path string) Option {
	return Loader(name, path, func(path string) (*k.Model, error) { return k.Load(path, k.WithoutCompile) })
}

// Loader serves the model of a file that load reads, such as one of Keras:
//
//	serve.Loader("vgg", "vgg16.h5", func(path string) (*k.Model, error) {
//		m, _, err := kerasfile.Load(path)
//		return m, err
//	})
//
// load is called again by Reload and Watch.
func Loader(name, path string, load func(path string) (*k.Model, error)) Option {
	return option(func(s *settings) { s.sources = append(s.sources, source{name: name, path: path, load: load}) })
}

// MaxBatch sets how many samples of several requests are computed at once: at most as many, and as the
// model computes in 25 ms. A request with more is computed by itself.
func MaxBatch(samples int) Option { return option(func(s *settings) { s.maxBatch = samples }) }

// BatchWait sets how long a batch waits at most for as many samples as the batch before it had. With 0 a
// batch has what came while the one before it was computed.
func BatchWait(d time.Duration) Option { return option(func(s *settings) { s.batchWait = d }) }

// MaxQueue sets how many samples of a model may wait or be computed, which also limits those of one
// request.
func MaxQueue(samples int) Option { return option(func(s *settings) { s.maxRows = samples }) }

// MaxBody sets the longest body of a request in bytes.
func MaxBody(bytes int64) Option { return option(func(s *settings) { s.maxBody = bytes }) }

// MaxPixels sets the largest picture, width times height. It is compared before the picture is decoded.
func MaxPixels(n int) Option { return option(func(s *settings) { s.maxPixels = n }) }

// MaxMemory sets how many bytes the bodies and samples of all requests may take together.
func MaxMemory(bytes int64) Option { return option(func(s *settings) { s.memory = bytes }) }

// Timeout sets how long a request may take, from its header to its answer. One that would have to wait
// for longer, as the queue and the speed of the model are, is refused at once.
func Timeout(d time.Duration) Option { return option(func(s *settings) { s.timeout = d }) }

// Grace sets how long ListenAndServe waits for requests in progress when it is stopped.
func Grace(d time.Duration) Option { return option(func(s *settings) { s.grace = d }) }

// TopClasses sets how many classes an answer of the plain form lists for each sample.
func TopClasses(n int) Option { return option(func(s *settings) { s.top = n }) }

// Logger sets where events are logged: models and failures of the server as information, warnings and
// errors, requests at the level of debugging.
func Logger(l *slog.Logger) Option { return option(func(s *settings) { s.log = l }) }

// Registry sets where the metrics are registered, which GET /metrics shows with all others of the
// registry.
func Registry(r *prometheus.Registry) Option { return option(func(s *settings) { s.registry = r }) }

// validName is a name that needs no escape in a path.
var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// check returns all mistakes in the settings.
func (s *settings) check() error {
	var mistakes []error
	mistake := func(wrong bool, format string, args ...any) {
		if wrong {
			mistakes = append(mistakes, fmt.Errorf("serve: "+format, args...))
		}
	}
	mistake(len(s.sources) == 0, "no model, want Model, File or Loader")
	seen := map[string]bool{}
	for _, src := range s.sources {
		mistake(!validName.MatchString(src.name), "model name %q, want letters, digits, points, dashes and underscores, at most 128", src.name)
		mistake(seen[src.name], "two models are named %q", src.name)
		mistake(src.load == nil && src.model == nil, "model %q: it is nil", src.name)
		seen[src.name] = true
	}
	positive := func(what string, n int64) {
		mistake(n < 1 || n > math.MaxInt64/64, "%s %d, want a positive number", what, n)
	}
	positive("MaxBatch", int64(s.maxBatch))
	positive("MaxQueue", int64(s.maxRows))
	positive("MaxBody", s.maxBody)
	positive("MaxPixels", int64(s.maxPixels))
	positive("MaxMemory", s.memory)
	positive("TopClasses", int64(s.top))
	mistake(s.batchWait < 0 || s.batchWait > time.Minute, "BatchWait %v, want 0 to a minute", s.batchWait)
	mistake(s.timeout <= 0, "Timeout %v, want a positive duration", s.timeout)
	mistake(s.grace < 0, "Grace %v, want 0 or more", s.grace)
	mistake(s.log == nil, "the logger is nil")
	return errors.Join(mistakes...)
}
