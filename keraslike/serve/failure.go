// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// failure is an error with the status code of the response.
type failure struct {
	code  int
	text  string
	after time.Duration // when to try again; for 503
	hang  bool          // the connection is closed, since the rest of the body is unread
}

func (f *failure) Error() string { return f.text }

// statusGone counts requests whose client did not wait for the answer. It is never sent.
const statusGone = 499

func fail(code int, format string, args ...any) error {
	return &failure{code: code, text: fmt.Sprintf(format, args...)}
}

// bad is a mistake in the request.
func bad(format string, args ...any) error { return fail(http.StatusBadRequest, format, args...) }

// busy refuses a request that may be repeated.
func busy(after time.Duration, format string, args ...any) error {
	return &failure{code: http.StatusServiceUnavailable, text: fmt.Sprintf(format, args...), after: after}
}

// in puts words before the text of an error.
func in(err error, format string, args ...any) error {
	f := asFailure(err)
	changed := *f
	changed.text = fmt.Sprintf(format, args...) + ": " + f.text
	return &changed
}

// asFailure returns the failure that an error is; any other is the server's.
func asFailure(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	return &failure{code: http.StatusInternalServerError, text: err.Error()}
}

// write answers with the failure.
func (f *failure) write(w http.ResponseWriter) {
	header := w.Header()
	if f.code == http.StatusServiceUnavailable {
		header["Retry-After"] = []string{strconv.Itoa(int(math.Ceil(max(1, f.after.Seconds()))))}
	}
	if f.hang {
		header["Connection"] = []string{"close"}
	}
	writeJSON(w, f.code, append(appendText([]byte(`{"error":`), f.text), "}\n"...))
}

// writeJSON answers with a body.
func writeJSON(w http.ResponseWriter, code int, body []byte) {
	header := w.Header()
	header["Content-Type"] = jsonType
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(code)
	_, _ = w.Write(body) // the client may be gone
}

var jsonType = []string{"application/json"}
