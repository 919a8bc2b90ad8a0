// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
)

// PanicError is a panic in code that a model was given, such as a layer, a callback or
// a source, as an error. The model is what it was before the call that returns it,
// but for the updates that training had made.
type PanicError struct {
	In    string // what panicked, such as "callback *main.progress"
	Value any    // what panic was called with
	Stack []byte // of the goroutine, as debug.Stack gives it
}

// Error is one line without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("%s: panic: %v", e.In, e.Value) }

// Unwrap is the value of the panic where it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errGone is the error of code that ended the goroutine that it ran on.
var errGone = errors.New("ended its goroutine (runtime.Goexit, which a test's FailNow calls)")

// caught makes an error of a panic: defer caught(&err, "source", s, "Read"). The
// method may be empty. Nothing is allocated without a panic.
func caught(err *error, what string, of any, method string) {
	r := recover()
	if r == nil {
		return
	}
	in := what
	if of != nil {
		in = fmt.Sprintf("%s %T", what, of)
	}
	if own := ownName(of); own != "" {
		in = fmt.Sprintf("%s %q", what, own)
	}
	if method != "" {
		in += ": " + method
	}
	*err = &PanicError{In: in, Value: r, Stack: debug.Stack()}
}

// ownName is the name of a loss, a metric and the like, empty for what has none or panics.
func ownName(v any) (name string) {
	n, ok := v.(interface{ Name() string })
	if !ok {
		return ""
	}
	defer func() { _ = recover() }() // the panic before this one is the one to report
	return n.Name()
}

// guard calls f, which calls a method of a user's own.
func guard(what string, of any, method string, f func() error) (err error) {
	defer caught(&err, what, of, method)
	return f()
}

// attempt is guard for a method of a definition.
func attempt(method string, f func() error) error { return guard(method, nil, "", f) }

// isNil reports nothing, and a nil of a type behind an interface.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Interface:
		return r.IsNil()
	}
	return false
}

// given are the options that are not nil; a nil one is a mistake.
func given[O any](options []O, mistake *error) []O {
	var list []O
	for i, o := range options {
		if v := reflect.ValueOf(o); !v.IsValid() || v.Kind() == reflect.Func && v.IsNil() {
			*mistake = fmt.Errorf("option %d is nil", i)
			continue
		}
		list = append(list, o)
	}
	return list
}
