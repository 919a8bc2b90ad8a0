// SPDX-License-Identifier: Apache-2.0

package keraslike

import (
	"fmt"
	"math"
	"reflect"
	"strings"
)

// finiteSettings returns an error if an exported number in the settings of a layer, an
// optimizer, a loss or a metric is not finite in float32, the type of all computations. It
// checks types of this package only.
func finiteSettings(v any) error {
	t := reflect.TypeOf(v)
	if t == nil {
		return nil
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.PkgPath() != reflect.TypeFor[Shape]().PkgPath() {
		return nil
	}
	return finiteNumbers(reflect.ValueOf(v), "", 0)
}

// maxDepth limits the nesting of settings; those of this package are less deep.
const maxDepth = 8

// finiteNumbers checks v, whose name is for errors, and all values in it.
func finiteNumbers(v reflect.Value, name string, depth int) error {
	if depth > maxDepth {
		return nil
	}
	if v.Type() == reflect.TypeFor[Initializer]() {
		return nil // checked together with its weight
	}
	switch v.Kind() {
	case reflect.Float64, reflect.Float32:
		if f := v.Float(); !(math.Abs(f) <= math.MaxFloat32) {
			return fmt.Errorf("%s is %g, want a finite number (float32)", name, f)
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return finiteNumbers(v.Elem(), name, depth+1)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := finiteNumbers(v.Index(i), fmt.Sprintf("%s %d", name, i), depth+1); err != nil {
				return err
			}
		}
	case reflect.Struct:
		return finiteFields(v, name, depth)
	}
	return nil
}

// finiteFields checks the exported and the embedded fields of a struct.
func finiteFields(v reflect.Value, name string, depth int) error {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() && !field.Anonymous {
			continue
		}
		within := name
		if tag, _, _ := strings.Cut(field.Tag.Get("json"), ","); tag != "" && tag != "-" {
			within = strings.TrimSpace(name + " " + tag)
		} else if !field.Anonymous {
			within = strings.TrimSpace(name + " " + field.Name)
		}
		if err := finiteNumbers(v.Field(i), within, depth+1); err != nil {
			return err
		}
	}
	return nil
}
