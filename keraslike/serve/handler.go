// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/reef-dl/reef/internal/text"
	k "github.com/reef-dl/reef/keraslike"
)

// Handler serves models. It is an http.Handler, see the documentation of the package for its paths.
type Handler struct {
	settings *settings
	models   []*served
	byName   map[string]*served
	unknown  *modelMetrics // of requests for a model that there is not
	mux      *http.ServeMux
	memory   budget
	requests sync.Pool
	draining atomic.Bool  // not ready, but serving
	gate     sync.RWMutex // held for reading by requests, for writing since Close
	closing  sync.Once
}

// New returns a handler for one model or several. All are loaded, and each has computed a sample, when it
// returns.
//
//	Model, File, Loader  required  what is served, under which name
//	MaxBatch             64        samples that are computed at once
//	BatchWait            2 ms      how long a batch waits for more samples
//	MaxQueue             1024      samples of a model that wait
//	MaxBody              16 MiB    bytes of a request's body
//	MaxPixels            16 Mi     pixels of a picture
//	MaxMemory            512 MiB   bytes for the bodies and samples of all requests
//	Timeout              5 s       from the header of a request to its answer
//	Grace                15 s      for requests in progress at the end of ListenAndServe
//	TopClasses           5         classes in an answer
//	Logger               slog.Default()
//	Registry             its own   of Prometheus
func New(options ...Option) (*Handler, error) {
	s := defaults()
	for _, o := range options {
		if o == nil {
			return nil, fmt.Errorf("serve: an option is nil")
		}
		o.apply(s)
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	h := &Handler{settings: s, byName: map[string]*served{}, mux: http.NewServeMux()}
	h.memory.limit = s.memory
	h.requests.New = func() any { return &request{call: call{memory: &h.memory}, settings: s} }
	metrics := newMetrics(h)
	h.unknown = metrics.unknown()
	for _, src := range s.sources {
		m := &served{source: src, settings: s, metrics: metrics.of(src.name)}
		load := func() error { return m.reload(context.Background()) }
		if src.load == nil {
			load = func() error { return m.swap(src.model) }
		}
		if err := load(); err != nil {
			h.Close()
			return nil, err
		}
		m.model = nil // the version has it until it is replaced
		m.queue = newQueue(s, m.metrics)
		m.queue.each.Store(int64(m.current.Load().each))
		h.models = append(h.models, m)
		h.byName[m.name] = m
	}
	registry, err := metrics.register(s.registry)
	if err != nil {
		h.Close()
		return nil, fmt.Errorf("serve: %w", err)
	}
	h.routes()
	h.route("GET", "/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP)
	return h, nil
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// Drain makes the handler not ready: GET /v2/health/ready answers 503, so that a load balancer sends no
// more requests. Those that come are still answered.
func (h *Handler) Drain() { h.draining.Store(true) }

// Close refuses further requests, waits for those in progress and ends the goroutines of the handler.
func (h *Handler) Close() {
	h.closing.Do(func() {
		h.Drain()
		h.gate.Lock() // waits for the requests in progress, and is never unlocked
		for _, s := range h.models {
			s.queue.close()
		}
	})
}

// model finds a model by name.
func (h *Handler) model(name string) (*served, error) {
	if s := h.byName[name]; s != nil {
		return s, nil
	}
	var all []string
	for _, s := range h.models {
		all = append(all, s.name)
	}
	return nil, fail(http.StatusNotFound, "there is no model %s, there are: %s%s", quoted(name), strings.Join(all, ", "), text.Meant(name, all...))
}

// route adds a path of one method.
func (h *Handler) route(method, path string, f http.HandlerFunc) {
	h.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method && (r.Method != http.MethodHead || method != http.MethodGet) {
			w.Header().Set("Allow", method)
			asFailure(fail(http.StatusMethodNotAllowed, "%s %.200s: want %s", r.Method, r.URL.Path, method)).write(w)
			return
		}
		f(w, r)
	})
}

// version finds the version of a model that the path of a request names.
func (h *Handler) version(r *http.Request) (*served, *version, error) {
	return h.find(r.PathValue("name"), r.PathValue("version"))
}

func (h *Handler) find(name, id string) (*served, *version, error) {
	s, err := h.model(name)
	if err != nil {
		return nil, nil, err
	}
	v := s.current.Load()
	if id != "" && id != v.id {
		return s, nil, fail(http.StatusNotFound, "model %q has no version %s, version %s is served", name, quoted(id), v.id)
	}
	return s, v, nil
}

// routes adds all paths.
func (h *Handler) routes() {
	h.route("GET", "/{$}", h.overview)
	h.route("GET", "/v2", h.server)
	h.route("GET", "/v2/{$}", h.server)
	h.route("GET", "/v2/health/live", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, []byte(`{"live":true}`+"\n")) })
	h.route("GET", "/v2/health/ready", h.ready)
	for _, path := range []string{"/v2/models/{name}", "/v2/models/{name}/versions/{version}"} {
		h.route("GET", path, h.metadata)
		h.route("GET", path+"/ready", h.modelReady)
		h.route("POST", path+"/infer", func(w http.ResponseWriter, r *http.Request) {
			h.answer(w, r, r.PathValue("name"), r.PathValue("version"), false)
		})
	}
	h.mux.HandleFunc("/v1/models/{name}", func(w http.ResponseWriter, r *http.Request) { h.plain(w, r, r.PathValue("name"), "") })
	h.mux.HandleFunc("/v1/models/{name}/versions/{version}", func(w http.ResponseWriter, r *http.Request) {
		h.plain(w, r, r.PathValue("name"), r.PathValue("version"))
	})
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		asFailure(fail(http.StatusNotFound, "there is nothing at %.200s; GET / lists what there is", r.URL.Path)).write(w)
	})
}

// plain is the path of the plain form, whose last part ends with the verb: NAME:predict.
func (h *Handler) plain(w http.ResponseWriter, r *http.Request, name, version string) {
	last := &version
	if version == "" {
		last = &name
	}
	var verb string
	*last, verb, _ = strings.Cut(*last, ":")
	want := map[string]string{"": http.MethodGet, "predict": http.MethodPost}[verb]
	switch {
	case want == "":
		asFailure(fail(http.StatusNotFound, "there is no %s, want %s:predict", quoted(verb), name)).write(w)
	case r.Method != want && (r.Method != http.MethodHead || want == http.MethodPost):
		hint := ""
		if verb == "" {
			hint = fmt.Sprintf(", or POST %.200s:predict for predictions", r.URL.Path)
		}
		w.Header().Set("Allow", want)
		asFailure(fail(http.StatusMethodNotAllowed, "%s %.200s: want %s%s", r.Method, r.URL.Path, want, hint)).write(w)
	case verb == "":
		h.status(w, name, version)
	default:
		h.answer(w, r, name, version, true)
	}
}

// answer passes a request through its model.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, name, id string, plain bool) {
	began := time.Now()
	s, v, err := h.find(name, id)
	m := h.unknown
	if s != nil {
		m = s.metrics
	}
	code := http.StatusOK
	if err == nil {
		err = h.predict(w, r, s, v, plain, began)
	}
	if err != nil {
		f := asFailure(err)
		code = f.code
		if code != statusGone {
			f.write(w)
		}
	}
	took := time.Since(began)
	m.count(code)
	if code == http.StatusOK {
		m.duration.Observe(took.Seconds())
	}
	h.logRequest(r, name, code, err, took)
}

// logRequest logs a request, and failures of the server as errors.
func (h *Handler) logRequest(r *http.Request, name string, code int, err error, took time.Duration) {
	level := slog.LevelDebug
	if code == http.StatusInternalServerError {
		level = slog.LevelError
	}
	if !h.settings.log.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{slog.String("model", name), slog.Int("code", code), slog.Duration("took", took), slog.String("from", r.RemoteAddr)}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	h.settings.log.LogAttrs(r.Context(), level, "request", attrs...)
}

// predict reads a request, computes its samples and writes the answer.
func (h *Handler) predict(w http.ResponseWriter, r *http.Request, s *served, v *version, plain bool, began time.Time) (err error) {
	if !h.gate.TryRLock() {
		return errClosed
	}
	defer h.gate.RUnlock()
	if err := s.queue.admit(1, h.settings.timeout); err != nil { // before anything is read
		return err
	}
	q := h.requests.Get().(*request)
	q.begin(v)
	q.deadline = began.Add(h.settings.timeout)
	ctx, cancel := context.WithDeadline(r.Context(), q.deadline)
	q.ctx = ctx
	defer func() {
		cancel()
		if value := recover(); value != nil { // nothing that the request has may be used again
			q.release()
			h.settings.log.Error("panic", "model", s.name, "panic", fmt.Sprint(value), "stack", string(debug.Stack()))
			err = fail(http.StatusInternalServerError, "the server failed")
			return
		}
		h.recycle(q)
	}()
	if err := q.read(w, r); err != nil {
		return err
	}
	if err := s.queue.admit(1, h.settings.timeout); err != nil { // before it is decoded
		return err
	}
	var form predict
	length := 0
	if plain {
		kind, err := q.kindOf(r.Header.Get("Content-Type"))
		switch {
		case err != nil:
			return err
		case kind == "json":
			err = form.read(q)
		default:
			err = q.readRaw(kind)
		}
		if err != nil {
			return err
		}
	} else if err := q.infer.read(q, r.Header); err != nil {
		return err
	}
	if err := q.check(); err != nil {
		return err
	}
	if err := q.reserve(); err != nil {
		return err
	}
	if err := s.queue.run(ctx, &q.call); err != nil {
		return err
	}
	if plain {
		q.reply, err = form.write(q, s.name)
	} else {
		q.reply, length, err = q.infer.write(q, s.name)
	}
	if err != nil {
		return err
	}
	header := w.Header()
	header["Content-Type"] = jsonType
	if length > 0 {
		header["Content-Type"] = binaryType
		header[headerLength] = []string{strconv.Itoa(length)}
	}
	header["Content-Length"] = []string{strconv.Itoa(len(q.reply))}
	_, _ = w.Write(q.reply) // the client may be gone
	return nil
}

var binaryType = []string{"application/octet-stream"}

// recycle keeps the memory of a request for the next one.
func (h *Handler) recycle(q *request) {
	const kept = 4 << 20 // bytes
	q.release()
	q.forget()
	q.ctx = nil
	q.infer.reset()
	clear(q.texts)
	if cap(q.body) > kept {
		q.body = nil
	}
	if cap(q.reply) > kept {
		q.reply = nil
	}
	inputs := q.infer.inputs[:cap(q.infer.inputs)]
	for i := range inputs {
		if inputs[i].texts = nil; cap(inputs[i].values) > kept/4 {
			inputs[i].values = nil
		}
	}
	h.requests.Put(q)
}

// ready tells a load balancer whether to send requests.
func (h *Handler) ready(w http.ResponseWriter, _ *http.Request) {
	if h.draining.Load() {
		writeJSON(w, http.StatusServiceUnavailable, []byte(`{"ready":false}`+"\n"))
		return
	}
	writeJSON(w, 200, []byte(`{"ready":true}`+"\n"))
}

func (h *Handler) modelReady(w http.ResponseWriter, r *http.Request) {
	s, _, err := h.version(r)
	if err != nil {
		asFailure(err).write(w)
		return
	}
	code, ready := 200, !h.draining.Load()
	if !ready {
		code = http.StatusServiceUnavailable
	}
	writeJSON(w, code, fmt.Appendf(nil, "{\"name\":%q,\"ready\":%v}\n", s.name, ready))
}

// server answers GET /v2.
func (h *Handler) server(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, 200, fmt.Appendf(nil, "{\"name\":\"reef\",\"version\":%q,\"extensions\":[\"binary_tensor_data\",\"classification\"]}\n", buildVersion()))
}

// buildVersion is that of the module in the program, "devel" if it is not known.
func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if m.Path == "github.com/reef-dl/reef" && m.Version != "" && m.Version != "(devel)" {
				return m.Version
			}
		}
	}
	return "devel"
}

// metadata answers GET /v2/models/NAME.
func (h *Handler) metadata(w http.ResponseWriter, r *http.Request) {
	s, v, err := h.version(r)
	if err != nil {
		asFailure(err).write(w)
		return
	}
	b := appendText([]byte(`{"name":`), s.name)
	b = append(b, `,"versions":[`...)
	b = append(appendText(b, v.id), `],"platform":"reef"`...)
	for _, list := range []struct {
		key   string
		infos []tensorInfo
	}{{"inputs", v.inputs}, {"outputs", v.outputs}} {
		b = append(b, `,"`+list.key+`":[`...)
		for i, t := range list.infos {
			if i > 0 {
				b = append(b, ',')
			}
			b = t.append(b)
		}
		b = append(b, ']')
	}
	writeJSON(w, 200, append(b, "}\n"...))
}

// append appends the metadata of a tensor.
func (t *tensorInfo) append(b []byte) []byte {
	b = appendText(append(b, `{"name":`...), t.name)
	datatype := "FP32"
	if t.strings {
		datatype = "BYTES"
	}
	b = append(b, `,"datatype":"`+datatype+`","shape":[-1`...)
	for _, n := range t.shape {
		b = append(b, ',')
		b = strconv.AppendInt(b, int64(n), 10) // k.Any is -1
	}
	b = append(b, ']')
	if t.classes != nil {
		b = append(b, `,"classes":[`...)
		for i, class := range t.classes {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(b, class)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

// status answers GET /v1/models/NAME as TensorFlow Serving does.
func (h *Handler) status(w http.ResponseWriter, name, id string) {
	_, v, err := h.find(name, id)
	if err != nil {
		asFailure(err).write(w)
		return
	}
	writeJSON(w, 200, fmt.Appendf(nil, "{\"model_version_status\":[{\"version\":%q,\"state\":\"AVAILABLE\",\"status\":{\"error_code\":\"OK\",\"error_message\":\"\"}}]}\n", v.id))
}

// overview lists the models for people.
func (h *Handler) overview(w http.ResponseWriter, r *http.Request) {
	var b strings.Builder
	fmt.Fprintf(&b, "Reef serves %s.\n", text.Count(len(h.models), "model"))
	for _, s := range h.models {
		v := s.current.Load()
		fmt.Fprintf(&b, "\n%s, version %s\n", s.name, v.id)
		for _, t := range v.inputs {
			fmt.Fprintf(&b, "  input   %s %s\n", t.name, t.shape)
		}
		for _, t := range v.outputs {
			fmt.Fprintf(&b, "  output  %s %s\n", t.name, t.shape)
		}
		fmt.Fprintf(&b, "\n  %s\n", h.Example("http://"+r.Host, s.name))
	}
	fmt.Fprint(&b, "\nGET /v2/health/ready, /v2/models/NAME and /metrics tell more.\n")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(b.String()))
}

// Example returns a command line that asks a model by curl; url is that of the server. It is empty for a
// model that there is not.
func (h *Handler) Example(url, name string) string {
	s := h.byName[name]
	if s == nil {
		return ""
	}
	v := s.current.Load()
	command := fmt.Sprintf("curl %s/v1/models/%s:predict", url, name)
	if len(v.inputs) == 1 && v.raw[0] != nil {
		switch v.raw[0].Kind() {
		case "image":
			return command + " --data-binary @photo.jpg"
		case "text_sequences", "text_matrix":
			return command + ` -d '{"instances": ["a text"]}'`
		case "table", "columns":
			return command + " -H 'Content-Type: text/csv' --data-binary @rows.csv"
		}
	}
	const most = 64 // numbers in a command
	var inputs []string
	for _, in := range v.inputs {
		if in.shape.Size() > most {
			return command + " --data-binary @samples.json"
		}
		value := zeros(in.shape)
		if in.strings {
			value = strings.ReplaceAll(value, "0", `"a text"`)
		}
		if len(v.inputs) > 1 {
			value = fmt.Sprintf("%q: %s", in.name, value)
		}
		inputs = append(inputs, value)
	}
	sample := strings.Join(inputs, ", ")
	if len(v.inputs) > 1 {
		sample = "{" + sample + "}"
	}
	return command + ` -d '{"instances": [` + sample + `]}'`
}

// zeros is a sample of a shape as JSON.
func zeros(shape k.Shape) string {
	if len(shape) == 0 {
		return "0"
	}
	n := shape[0]
	if n == k.Any {
		n = 3
	}
	each := zeros(shape[1:])
	return "[" + strings.TrimSuffix(strings.Repeat(each+", ", n), ", ") + "]"
}
