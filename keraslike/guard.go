// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
)

// PanicError reports a panic in user code, such as a custom layer, a callback or a source.
// The model is unchanged by the call that returned the error, except for the updates that
// training had already made.
type PanicError struct {
	In    string // what panicked, such as "callback *main.progress"
	Value any    // the argument of panic
	Stack []byte // of the goroutine, as returned by debug.Stack
}

// Error returns one line without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("%s: panic: %v", e.In, e.Value) }

// Unwrap returns the value of the panic if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errGoexit reports user code that ended its goroutine.
var errGoexit = errors.New("ended its goroutine (runtime.Goexit, which a test's FailNow calls)")

// caught recovers a panic and stores it as an error: defer caught(&err, "source", s, "Read").
// The method may be empty. Without a panic nothing is allocated.
func caught(err *error, what string, of any, method string) {
	r := recover()
	if r == nil {
		return
	}
	in := what
	if of != nil {
		in = fmt.Sprintf("%s %T", what, of)
	}
	if own := displayName(of); own != "" {
		in = fmt.Sprintf("%s %q", what, own)
	}
	if method != "" {
		in += ": " + method
	}
	*err = &PanicError{In: in, Value: r, Stack: debug.Stack()}
}

// displayName returns the name of a loss, a metric and so on, "" if it has none or panics.
func displayName(v any) (name string) {
	n, ok := v.(interface{ Name() string })
	if !ok {
		return ""
	}
	defer func() { _ = recover() }() // the first panic is the one to report
	return n.Name()
}

// guard calls f, which calls a method of a user's type, and returns a panic as an error.
func guard(what string, of any, method string, f func() error) (err error) {
	defer caught(&err, what, of, method)
	return f()
}

// attempt is guard for a method of a definition.
func attempt(method string, f func() error) error { return guard(method, nil, "", f) }

// isNil reports whether v is nil or an interface that holds a nil value.
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

// given returns the options that are not nil; a nil one is a mistake.
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

// nameIn returns the name of a user's value, or its type if Name panics.
func nameIn(what string, v interface{ Name() string }) (name string) {
	if err := guard(what, v, "Name", func() error { name = v.Name(); return nil }); err != nil {
		return fmt.Sprintf("%T", v)
	}
	return name
}

// flattenErrors splits joined errors so that each can get a prefix.
func flattenErrors(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && reflect.TypeOf(err) == reflect.TypeOf(errors.Join(err)) {
		var list []error
		for _, one := range joined.Unwrap() {
			list = append(list, flattenErrors(one)...)
		}
		return list
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
