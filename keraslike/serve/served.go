// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	k "github.com/reef-dl/reef/keraslike"
)

// served is a model under its name, in the version that is served now.
type served struct {
	source
	queue    *queue
	metrics  *modelMetrics
	settings *settings
	current  atomic.Pointer[version]
	loadedAt atomic.Int64 // Unix nanoseconds

	mu     sync.Mutex // held while a version is made
	number int        // of the last version
	seen   stamp      // of the file when it was last loaded, or failed to
}

// stamp tells whether a file has changed.
type stamp struct {
	size int64
	time time.Time
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.Size(), info.ModTime()}, nil
}

// reload loads the file and serves what it has.
func (s *served) reload(ctx context.Context) error {
	if s.load == nil {
		return fmt.Errorf("serve: model %q was not loaded from a file", s.name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	began := time.Now()
	now, err := stampOf(s.path)
	var m *k.Model
	if err == nil {
		s.seen = now
		if m, err = s.loadModel(); err == nil {
			err = ctx.Err()
		}
	}
	if err == nil {
		err = s.replace(m)
	}
	return s.report(err, began)
}

// loadModel calls the function of Loader, whose panic is an error.
func (s *served) loadModel() (m *k.Model, err error) {
	defer func() {
		if v := recover(); v != nil {
			m, err = nil, fmt.Errorf("loading panicked: %v", v)
		}
	}()
	return s.load(s.path)
}

// swap serves a model of the program.
func (s *served) swap(m *k.Model) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	began := time.Now()
	return s.report(s.replace(m), began)
}

// replace serves a model if it fits. Requests that have begun keep the version that read them.
func (s *served) replace(m *k.Model) error {
	v, err := newVersion(strconv.Itoa(s.number+1), m)
	if err != nil {
		return err
	}
	if before := s.current.Load(); before != nil {
		if err := before.same(v); err != nil {
			return err
		}
	}
	if err := v.warm(s.settings); err != nil {
		return fmt.Errorf("trying it: %w", err)
	}
	s.number++
	s.current.Store(v)
	s.loadedAt.Store(time.Now().UnixNano())
	return nil
}

// report logs and counts what came of a load.
func (s *served) report(err error, began time.Time) error {
	log := s.settings.log.With("model", s.name)
	if s.path != "" {
		log = log.With("file", s.path)
	}
	if err == nil {
		s.metrics.loaded.Inc()
		log.Info("model loaded", "version", s.current.Load().id, "took", time.Since(began).Round(time.Millisecond).String())
		return nil
	}
	s.metrics.failed.Inc()
	if s.current.Load() != nil {
		log.Error("model not loaded, the one before it is still served", "error", err.Error())
	}
	return fmt.Errorf("serve: model %q: %w", s.name, err)
}

// changed reports whether the file has changed since it was loaded and has then been the same for one
// look, so that it is not read while it is written.
func (s *served) changed(before *stamp) bool {
	now, err := stampOf(s.path)
	if err != nil {
		*before = stamp{} // it is being replaced, or it is gone: what is loaded stays
		return false
	}
	same := now == *before
	*before = now
	s.mu.Lock()
	defer s.mu.Unlock()
	return same && now != s.seen
}

// Reload loads the file of a model again and serves it from now on. After an error the model that was
// served before still is. The model must have the same inputs and outputs as that one.
func (h *Handler) Reload(ctx context.Context, name string) error {
	s, err := h.model(name)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return s.reload(ctx)
}

// ReloadAll is Reload for all models that come from files.
func (h *Handler) ReloadAll(ctx context.Context) error {
	var failures []error
	for _, s := range h.models {
		if s.load != nil {
			failures = append(failures, s.reload(ctx))
		}
	}
	return errors.Join(failures...)
}

// Swap serves another model of the program under a name from now on; see Reload.
func (h *Handler) Swap(name string, m *k.Model) error {
	s, err := h.model(name)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return s.swap(m)
}

// Watch looks at the files of all models at this interval and reloads those that have changed, until ctx is
// done. A file that cannot be loaded is logged and counted, and tried again when it changes again.
func (h *Handler) Watch(ctx context.Context, every time.Duration) {
	if every <= 0 {
		return
	}
	looks := make([]stamp, len(h.models))
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for i, s := range h.models {
			if s.load != nil && s.changed(&looks[i]) {
				if err := s.reload(ctx); err != nil && ctx.Err() == nil {
					h.settings.log.LogAttrs(ctx, slog.LevelDebug, "reload", slog.String("error", err.Error()))
				}
			}
		}
	}
}
