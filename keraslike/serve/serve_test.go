// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	k "github.com/reef-dl/reef/keraslike"
)

// TestMain checks that no goroutine is left but those of the kernels, which stay for the next model.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/reef-dl/reef/internal/kernel/parallel.(*pool).serve"))
}

// anyTime lets batches take any time, since the models of tests wait.
var anyTime = option(func(s *settings) { s.batchTime = time.Second })

// identity is a model of four inputs that returns them.
func identity(t testing.TB) *k.Model {
	t.Helper()
	m := k.Sequential("identity", k.Input(4), k.Dense(4, k.NoBias))
	check(t, m.Build(1))
	set(t, m, "dense/kernel", 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1)
	return m
}

// hold keeps the model from predicting until release is called: predictions and changes of weights exclude
// each other.
func hold(t testing.TB, m *k.Model) (release func()) {
	t.Helper()
	w, err := m.Weight("dense/kernel")
	check(t, err)
	held, let, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		_ = w.Update(func([]float32) { close(held); <-let })
	}()
	<-held
	return sync.OnceFunc(func() { close(let); <-done })
}

// pending waits until a model has this many samples in its queue.
func pending(t testing.TB, h *Handler, name string, n int64) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); h.byName[name].queue.pending.Load() != n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d samples are pending, want %d", h.byName[name].queue.pending.Load(), n)
		}
	}
}

// taken waits until no call of a model waits: the last one is being computed.
func taken(t testing.TB, h *Handler, name string) {
	t.Helper()
	q := h.byName[name].queue
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		q.mu.Lock()
		n := len(q.waiting)
		q.mu.Unlock()
		if n == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d calls still wait", n)
		}
	}
}

func sampleBody(rng *rand.Rand) (body string, x []float32) {
	var words []string
	for range 4 {
		v := float32(rng.IntN(1000)) / 8
		x = append(x, v)
		words = append(words, strconv.FormatFloat(float64(v), 'g', -1, 32))
	}
	return "[" + strings.Join(words, ",") + "]", x
}

// TestConcurrentRequests: every client gets the answer to its own request, whatever the batch.
func TestConcurrentRequests(t *testing.T) {
	m := identity(t)
	h := handler(t, Model("m", m), Model("same", same(t)), MaxBatch(8))
	var wg sync.WaitGroup
	for client := range 16 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(client)))
			for range 100 {
				if rng.IntN(2) == 0 {
					n := 1 + rng.IntN(3) // of a length that others may not have
					w := post(h, "/v1/models/same:predict", "", strings.TrimSuffix("["+strings.Repeat("7,", n), ",")+"]")
					if want := strings.TrimSuffix(strings.Repeat("[7],", n), ","); w.Code != 200 || !strings.Contains(bodyOf(w), `"predictions":[[`+want+`]]`) {
						t.Errorf("%d %s, want %s", w.Code, w.Body, want)
					}
					continue
				}
				body, x := sampleBody(rng)
				w := post(h, "/v1/models/m:predict", "", body)
				var got struct{ Predictions [][]float32 }
				if err := json.Unmarshal([]byte(bodyOf(w)), &got); err != nil || len(got.Predictions) != 1 || fmt.Sprint(got.Predictions[0]) != fmt.Sprint(x) {
					t.Errorf("%s: %d %s", body, w.Code, w.Body)
				}
			}
		})
	}
	wg.Wait()
	if used := h.memory.used.Load(); used != 0 {
		t.Errorf("%d bytes of the budget are still in use", used)
	}
}

// TestGathering: what comes while a batch is computed is the next batch, up to MaxBatch and by shape.
func TestGathering(t *testing.T) {
	m := identity(t)
	h := handler(t, Model("m", m), MaxBatch(4), BatchWait(0), anyTime)
	release := hold(t, m)
	defer release()
	var wg sync.WaitGroup
	ask := func(rows int) {
		wg.Go(func() {
			if w := post(h, "/v1/models/m:predict", "", `{"instances":[`+strings.TrimSuffix(strings.Repeat("[1,2,3,4],", rows), ",")+`]}`); w.Code != 200 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	ask(1)
	pending(t, h, "m", 1)
	taken(t, h, "m")
	for i, rows := range []int{2, 1, 7, 1, 1} {
		ask(rows)
		pending(t, h, "m", []int64{3, 4, 11, 12, 13}[i])
	}
	release()
	wg.Wait()
	text := bodyOf(get(h, "/metrics"))
	// 1; then 2 + 1 + 1, since the seven do not fit; seven; and the last one.
	for _, want := range []string{`reef_batch_samples_count{model="m"} 4`, `reef_batch_samples_sum{model="m"} 13`, `reef_batch_samples_bucket{model="m",le="1"} 2`, `reef_batch_samples_bucket{model="m",le="4"} 3`, `reef_requests_total{code="200",model="m"} 6`} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
}

// TestLoneRequest: a request to an idle model does not wait for others.
func TestLoneRequest(t *testing.T) {
	const wait = 2 * time.Second
	h := handler(t, Model("m", identity(t)), BatchWait(wait))
	for i := range 4 {
		if i == 3 { // also if the last batch was a large one, some time ago
			h.byName["m"].queue.expected = 8
			time.Sleep(wait + 50*time.Millisecond)
		}
		began := time.Now()
		if w := post(h, "/v1/models/m:predict", "", `[1,2,3,4]`); w.Code != 200 {
			t.Fatal(w.Code, w.Body)
		}
		if took := time.Since(began); took > wait {
			t.Errorf("request %d took %v", i, took)
		}
	}
}

// TestOneBadRequest: a sample that the model refuses fails alone, not its batch.
func TestOneBadRequest(t *testing.T) {
	m := k.Sequential("words", k.Input(1), k.Embedding(10, 2), k.Flatten(), k.Dense(1, k.NoBias))
	check(t, m.Build(1))
	h := handler(t, Model("m", m), BatchWait(0))
	release := hold(t, m)
	defer release()
	var wg sync.WaitGroup
	for i, body := range []string{"[1]", "[2]", "[11]", "[3]"} {
		wg.Go(func() {
			w := post(h, "/v1/models/m:predict", "", body)
			if want := 200; body == "[11]" {
				if w.Code != 400 || !strings.Contains(bodyOf(w), "id is 11") {
					t.Errorf("%s: %d %s", body, w.Code, w.Body)
				}
			} else if w.Code != want {
				t.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
		})
		pending(t, h, "m", int64(i+1))
	}
	release()
	wg.Wait()
}

func TestBinaryData(t *testing.T) {
	h := handler(t, Model("pair", pair(t)), Model("reviews", reviews(t)))
	head := `{"inputs":[{"name":"b","shape":[2,1],"datatype":"INT16","parameters":{"binary_data_size":4}},{"name":"a","shape":[2,2],"datatype":"FP32","parameters":{"binary_data_size":16}}],"parameters":{"binary_data_output":true},"outputs":[{"name":"sum"},{"name":"same","parameters":{"binary_data":false}}]}`
	data := binary.LittleEndian.AppendUint16(nil, 5)
	data = binary.LittleEndian.AppendUint16(data, 0xffff)
	for _, v := range []float32{1, 2, 0, 0.5} {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	w := post(h, "/v2/models/pair/infer", "application/octet-stream", head+string(data), headerLength, strconv.Itoa(len(head)))
	length, _ := strconv.Atoi(w.Header().Get(headerLength))
	body := bodyOf(w)
	if w.Code != 200 || length == 0 || len(body) != length+8 {
		t.Fatalf("%d, length %d: %q", w.Code, length, body)
	}
	if !json.Valid([]byte(body[:length])) || !strings.Contains(body, `"data":[5,-1]`) || !strings.Contains(body, `{"name":"sum","datatype":"FP32","shape":[2,1],"parameters":{"binary_data_size":8}}`) {
		t.Errorf("got %s", body[:length])
	}
	for i, want := range []float32{8, 1.5} {
		if got := math.Float32frombits(binary.LittleEndian.Uint32([]byte(body[length+4*i:]))); got != want {
			t.Errorf("value %d is %v, want %v", i, got, want)
		}
	}
	head = `{"inputs":[{"name":"input","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":21}}]}`
	if w := post(h, "/v2/models/reviews/infer", "", head+"\x09\x00\x00\x00good film\x04\x00\x00\x00good", headerLength, strconv.Itoa(len(head))); w.Code != 200 || !strings.Contains(bodyOf(w), `"data":[13,1]`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	nan := `{"inputs":[{"name":"a","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}},{"name":"b","shape":[1,1],"datatype":"FP32","data":[1]}]}`
	for want, c := range map[string]struct{ length, body string }{
		"value 1 is NaN":                      {strconv.Itoa(len(nan)), nan + "\x00\x00\x00\x00\x00\x00\xc0\x7f"},
		"5 bytes follow the binary data":      {strconv.Itoa(len(nan)), nan + strings.Repeat("\x00", 13)},
		"at most the 7 bytes":                 {strconv.Itoa(len(nan)), nan + strings.Repeat("\x00", 7)},
		"want at most the length of the body": {"1000", "{}"},
	} {
		if w := post(h, "/v2/models/pair/infer", "", c.body, headerLength, c.length); w.Code != 400 || !strings.Contains(bodyOf(w), want) {
			t.Errorf("%d %s, want %s", w.Code, w.Body, want)
		}
	}
}

func TestLimits(t *testing.T) {
	m := identity(t)
	h := handler(t, Model("m", m), Model("photos", photos(t)), MaxBody(2000), MaxQueue(8), MaxPixels(3), BatchWait(0), Timeout(20*time.Second))
	expect := func(w *httptest.ResponseRecorder, code int, want string) {
		t.Helper()
		if w.Code != code || !strings.Contains(bodyOf(w), want) {
			t.Errorf("%d %s, want %d and %q", w.Code, w.Body, code, want)
		}
		if code == 503 && w.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	expect(post(h, "/v1/models/m:predict", "", strings.Repeat(" ", 2001)), 413, "the most is 2,000 bytes")
	r := httptest.NewRequest("POST", "/v1/models/m:predict", io.MultiReader(strings.NewReader("["), strings.NewReader(strings.Repeat(" ", 5000)))) // of unknown length
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	expect(w, 413, "too long")
	expect(post(h, "/v1/models/m:predict", "", `{"instances":[`+strings.Repeat("[1,2,3,4],", 8)+"[1,2,3,4]]}"), 413, "more than 8 samples")
	expect(post(h, "/v2/models/m/infer", "", `{"inputs":[{"name":"input","shape":[9,4],"datatype":"FP32","data":[`+strings.Repeat("1,", 35)+`1]}]}`), 413, "9 samples, the most is 8")
	expect(post(h, "/v1/models/photos:predict", "", string(smallPicture(t))), 413, "2 x 2 pixels, the most is 3")
	expect(post(h, "/v1/models/m:predict", "", "x", "Content-Encoding", "gzip"), 415, "gzip")

	release := hold(t, m)
	defer release()
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			expect(post(h, "/v1/models/m:predict", "", `[[1,2,3,4],[1,2,3,4],[1,2,3,4],[1,2,3,4]]`), 200, "predictions")
		})
	}
	pending(t, h, "m", 8)
	expect(post(h, "/v1/models/m:predict", "", `[1,2,3,4]`), 503, "the queue is full: 8 samples wait, the most is 8")
	h.memory.used.Add(h.memory.limit)
	expect(post(h, "/v1/models/photos:predict", "", "x"), 503, "all memory for requests is in use")
	h.memory.used.Add(-h.memory.limit)
	release()
	wg.Wait()
	if used := h.memory.used.Load(); used != 0 {
		t.Errorf("%d bytes of the budget are still in use", used)
	}
}

// TestTimeAndCancellation: a request whose time is over, or whose client is gone, leaves the queue.
func TestTimeAndCancellation(t *testing.T) {
	m := identity(t)
	h := handler(t, Model("m", m), BatchWait(0), Timeout(200*time.Millisecond))
	release := hold(t, m)
	defer release()
	var wg sync.WaitGroup
	wg.Go(func() { post(h, "/v1/models/m:predict", "", `[1,2,3,4]`) })
	pending(t, h, "m", 1)
	taken(t, h, "m")
	w := post(h, "/v1/models/m:predict", "", `[1,2,3,4]`)
	if w.Code != 503 || !strings.Contains(bodyOf(w), "no time for the request") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := httptest.NewRequestWithContext(ctx, "POST", "/v1/models/m:predict", strings.NewReader(`[1,2,3,4]`))
	wg.Go(func() { pendingAtLeast(h, "m", 2); cancel() })
	h.ServeHTTP(httptest.NewRecorder(), r)
	release()
	wg.Wait()
	pending(t, h, "m", 0)
	text := bodyOf(get(h, "/metrics"))
	if !strings.Contains(text, `reef_requests_total{code="499",model="m"} 1`) || !strings.Contains(text, `reef_batch_samples_sum{model="m"} 1`) {
		t.Errorf("a canceled request was computed, or is not counted:\n%s", text)
	}
}

func pendingAtLeast(h *Handler, name string, n int64) {
	for end := time.Now().Add(10 * time.Second); h.byName[name].queue.pending.Load() < n && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

// TestBusyModel: a request that would wait for longer than its time is refused before it is read.
func TestBusyModel(t *testing.T) {
	m := identity(t)
	h := handler(t, Model("m", m), Timeout(time.Second))
	q := h.byName["m"].queue
	q.each.Store(int64(300 * time.Millisecond))
	q.pending.Add(10)
	r := httptest.NewRequest("POST", "/v1/models/m:predict", unread{t})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 503 || w.Header().Get("Retry-After") != "3" || !strings.Contains(bodyOf(w), "busy for 3s") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	q.pending.Add(-10)
	if w := post(h, "/v1/models/m:predict", "", `[1,2,3,4]`); w.Code != 200 { // an idle model takes a request however slow it was
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

// TestAllocations: a request allocates little, whatever its size.
func TestAllocations(t *testing.T) {
	h := handler(t, Model("iris", iris(t)))
	body := strings.NewReader("")
	r := httptest.NewRequest("POST", "/v1/models/iris:predict", body)
	w := &discard{header: http.Header{}}
	text := `{"instances":[` + strings.Repeat("[1,2,3,4],", 100) + `[1,2,3,4]]}`
	allocs := testing.AllocsPerRun(200, func() {
		body.Reset(text)
		clear(w.header)
		h.ServeHTTP(w, r)
	})
	if w.code != 0 || w.n == 0 {
		t.Errorf("code %d, %d bytes", w.code, w.n)
	}
	if allocs > 60 && !raceEnabled {
		t.Errorf("a request makes %v allocations", allocs)
	}
}

type discard struct {
	header  http.Header
	code, n int
}

func (d *discard) Header() http.Header  { return d.header }
func (d *discard) WriteHeader(code int) { d.code = code }
func (d *discard) Write(b []byte) (int, error) {
	d.n += len(b)
	return len(b), nil
}

// scaled saves a model that multiplies by a factor.
func scaled(t testing.TB, path string, factor float32, inputs int) {
	t.Helper()
	m := k.Sequential("scaled", k.Input(inputs), k.Dense(inputs, k.NoBias))
	check(t, m.Build(1))
	check(t, setScale(m, factor, inputs))
	check(t, m.Save(path))
}

func setScale(m *k.Model, factor float32, inputs int) error {
	kernel := make([]float32, inputs*inputs)
	for i := range inputs {
		kernel[i*inputs+i] = factor
	}
	w, err := m.Weight("dense/kernel")
	if err != nil {
		return err
	}
	return w.Set(kernel)
}

// TestHotSwap changes the model many times under load. Every request is answered by one of the models, as
// its version says, and memory does not grow.
func TestHotSwap(t *testing.T) {
	swaps := 1000
	if testing.Short() || raceEnabled {
		swaps = 60
	}
	const inputs = 64
	path := filepath.Join(t.TempDir(), "m.safetensors")
	scaled(t, path, 0, inputs)
	file, err := os.ReadFile(path)
	check(t, err)
	factor := float32(0)
	h := handler(t, Loader("m", path, func(string) (*k.Model, error) {
		factor++
		m, err := k.LoadBytes(file)
		if err != nil {
			return nil, err
		}
		return m, setScale(m, factor, inputs)
	}))
	server := httptest.NewServer(h)
	defer server.Close()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var answered atomic.Int64
	body := "[" + strings.TrimSuffix(strings.Repeat("1,", inputs), ",") + "]"
	for range 4 {
		wg.Go(func() {
			client := server.Client()
			for {
				select {
				case <-stop:
					return
				default:
				}
				r, err := client.Post(server.URL+"/v1/models/m:predict", "application/json", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				var got struct {
					Version     string `json:"model_version"`
					Predictions [][]float32
				}
				err = json.NewDecoder(r.Body).Decode(&got)
				_, _ = io.Copy(io.Discard, r.Body)
				r.Body.Close()
				if err != nil || r.StatusCode != 200 || len(got.Predictions) != 1 || strconv.Itoa(int(got.Predictions[0][0])) != got.Version {
					t.Errorf("%d, version %s: %v (%v)", r.StatusCode, got.Version, got.Predictions, err)
					return
				}
				answered.Add(1)
			}
		})
	}
	var early, late runtime.MemStats
	for i := range swaps {
		check(t, h.Reload(t.Context(), "m"))
		for i%10 == 0 && answered.Load() < int64(i) && !t.Failed() { // as many requests as swaps
			time.Sleep(100 * time.Microsecond)
		}
		if i == swaps/4 {
			runtime.GC()
			runtime.ReadMemStats(&early)
		}
	}
	close(stop)
	wg.Wait()
	runtime.GC()
	runtime.ReadMemStats(&late)
	if late.HeapAlloc > early.HeapAlloc+8<<20 {
		t.Errorf("%d bytes are in use after %d swaps, %d after a quarter of them", late.HeapAlloc, swaps, early.HeapAlloc)
	}
	t.Logf("%d requests during %d swaps", answered.Load(), swaps)
}

// TestBadFile: what does not fit does not replace the model.
func TestBadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	scaled(t, path, 2, 4)
	h := handler(t, File("m", path), Model("fixed", iris(t)))
	bad := func(want string) {
		t.Helper()
		if err := h.Reload(t.Context(), "m"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if w := post(h, "/v1/models/m:predict", "", "[1,2,3,4]"); w.Code != 200 || !strings.Contains(bodyOf(w), `"model_version":"1","predictions":[[2,4,6,8]]`) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	scaled(t, path, 2, 5)
	bad(`input 0 is "input" of shape (batch, 5), that of the model that it would replace is "input" of shape (batch, 4)`)
	check(t, os.WriteFile(path, []byte("nothing"), 0o600))
	bad("load model")
	check(t, os.Remove(path))
	bad("no such file")
	if err := h.Reload(t.Context(), "fixed"); err == nil || !strings.Contains(err.Error(), "not loaded from a file") {
		t.Errorf("error %v", err)
	}
	if err := h.Reload(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "there is no model") {
		t.Errorf("error %v", err)
	}
	if err := h.Swap("fixed", pair(t)); err == nil || !strings.Contains(err.Error(), "it has 2 inputs") {
		t.Errorf("error %v", err)
	}
	if err := h.Swap("fixed", nil); err == nil || !strings.Contains(err.Error(), "the model is nil") {
		t.Errorf("error %v", err)
	}
	check(t, h.Swap("fixed", iris(t)))
	if w := get(h, "/v2/models/fixed"); !strings.Contains(bodyOf(w), `"versions":["2"]`) {
		t.Error(w.Body)
	}
	if text := bodyOf(get(h, "/metrics")); !strings.Contains(text, `reef_model_loads_total{model="m",result="error"} 3`) || !strings.Contains(text, `reef_model_loads_total{model="m",result="ok"} 1`) {
		t.Error("the loads are not counted")
	}
	scaled(t, path, 3, 4)
	check(t, h.ReloadAll(t.Context()))
	if w := post(h, "/v1/models/m:predict", "", "[1,2,3,4]"); !strings.Contains(bodyOf(w), `"model_version":"2","predictions":[[3,6,9,12]]`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	scaled(t, path, 2, 4)
	h := handler(t, File("m", path))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); h.Watch(ctx, 5*time.Millisecond) }()
	defer func() { cancel(); <-done }()
	version := func(want string) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); h.byName["m"].current.Load().id != want; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("version %s, want %s", h.byName["m"].current.Load().id, want)
			}
		}
	}
	time.Sleep(30 * time.Millisecond)
	version("1") // it has not changed
	check(t, os.WriteFile(path, []byte("half"), 0o600))
	for end := time.Now().Add(20 * time.Second); !strings.Contains(bodyOf(get(h, "/metrics")), `result="error"} 1`); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the broken file was not tried")
		}
	}
	scaled(t, path, 5, 4)
	version("2")
}

// TestPanickingLoader: the panic of a user's function is an error.
func TestPanickingLoader(t *testing.T) {
	if _, err := New(quiet, Loader("m", ".", func(string) (*k.Model, error) { panic("ouch") })); err == nil || !strings.Contains(err.Error(), "ouch") {
		t.Errorf("error %v", err)
	}
	if _, err := New(quiet, Loader("m", ".", func(string) (*k.Model, error) { return nil, nil })); err == nil || !strings.Contains(err.Error(), "nil") {
		t.Errorf("error %v", err)
	}
}

func TestOptionMistakes(t *testing.T) {
	_, err := New(Model("a b", iris(t)), Model("x", nil), Model("y", iris(t)), Model("y", iris(t)), MaxBatch(0), MaxQueue(-1), MaxBody(0), MaxPixels(0), MaxMemory(0), TopClasses(0), BatchWait(-1), Timeout(0), Grace(-1), Logger(nil))
	for _, want := range []string{`model name "a b"`, `model "x": it is nil`, `two models are named "y"`, "MaxBatch 0", "MaxQueue -1", "MaxBody 0", "MaxPixels 0", "MaxMemory 0", "TopClasses 0", "BatchWait", "Timeout", "Grace", "logger"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	for _, options := range [][]Option{nil, {nil}, {Model("m", k.Sequential("unbuilt", k.Input(2), k.Dense(1)))}} {
		if _, err := New(append(options, quiet)...); err == nil {
			t.Errorf("no error for %v", options)
		}
	}
}

// TestShutdown: a request in progress is answered, readiness is gone at once, and further requests are refused.
func TestShutdown(t *testing.T) {
	m := identity(t)
	h := handler(t, Model("m", m))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(ctx, listener) }()
	release := hold(t, m)
	defer release()
	answer := make(chan string, 1)
	go func() {
		r, err := http.Post("http://"+listener.Addr().String()+"/v1/models/m:predict", "", strings.NewReader("[1,2,3,4]"))
		if err != nil {
			answer <- err.Error()
			return
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		answer <- r.Status + string(b)
	}()
	pending(t, h, "m", 1)
	cancel()
	for end := time.Now().Add(10 * time.Second); get(h, "/v2/health/ready").Code != 503; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("still ready")
		}
	}
	if w := get(h, "/v2/models/m/ready"); w.Code != 503 {
		t.Errorf("the model is ready: %d %s", w.Code, w.Body)
	}
	if w := get(h, "/v2/health/live"); w.Code != 200 {
		t.Errorf("not live: %d", w.Code)
	}
	release()
	if got := <-answer; !strings.Contains(got, "200 OK") || !strings.Contains(got, "[[1,2,3,4]]") {
		t.Errorf("the request in progress got %s", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if w := post(h, "/v1/models/m:predict", "", "[1,2,3,4]"); w.Code != 503 || !strings.Contains(bodyOf(w), "shutting down") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestGrace: a request that does not end in time is cut off.
func TestGrace(t *testing.T) {
	m := identity(t)
	h := handler(t, Model("m", m), Grace(20*time.Millisecond))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(ctx, listener) }()
	release := hold(t, m)
	conn, err := net.Dial("tcp", listener.Addr().String())
	check(t, err)
	defer conn.Close()
	fmt.Fprint(conn, "POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n[1,2,3,4]")
	pending(t, h, "m", 1)
	cancel()
	time.AfterFunc(time.Second, release)
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "in progress") {
		t.Errorf("error %v", err)
	}
}

// TestSlowClients: clients that send slowly lose their connections and do not keep others from being answered.
func TestSlowClients(t *testing.T) {
	h := handler(t, Model("iris", iris(t)), Timeout(time.Second))
	server := httptest.NewUnstartedServer(h)
	server.Config = h.Server("")
	server.Config.ReadHeaderTimeout = 300 * time.Millisecond
	server.Start()
	defer server.Close()
	address := server.Listener.Addr().String()
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			text, want := "POST /v1/models/iris:predict HTTP/1.1\r\nHost: x\r\nContent-Len", "" // in the header
			if i%2 == 0 {
				text, want = "POST /v1/models/iris:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n[1,", "408"
			}
			fmt.Fprint(conn, text)
			_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
			got, err := io.ReadAll(conn)
			if err != nil && !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") || !strings.Contains(string(got), want) {
				t.Errorf("got %q (%v), want %s", got, err, want)
			}
		})
	}
	for range 20 {
		if w := post(h, "/v1/models/iris:predict", "", "[1,2,3,4]"); w.Code != 200 {
			t.Errorf("another client got %d %s", w.Code, w.Body)
		}
	}
	wg.Wait()
	if used := h.memory.used.Load(); used != 0 {
		t.Errorf("%d bytes of the budget are still in use", used)
	}
}

// TestBehindMiddleware: the handler works behind a middleware and in a mux with a prefix.
func TestBehindMiddleware(t *testing.T) {
	h := handler(t, Model("iris", iris(t)))
	mux := http.NewServeMux()
	mux.Handle("/models/", http.StripPrefix("/models", http.TimeoutHandler(h, time.Minute, "")))
	if w := post(mux, "/models/v1/models/iris:predict", "", "[1,2,3,4]"); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
