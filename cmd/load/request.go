// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// input is an input of the model, as the server states it.
type input struct {
	Name  string
	Shape []int
}

// load makes the request.
func (o *options) load() (*load, error) {
	path, header := "/v1/models/"+url.PathEscape(o.model)+":predict", "Content-Type: application/json\r\n"
	var body []byte
	if o.body != "" {
		var err error
		if body, err = os.ReadFile(o.body); err != nil {
			return nil, err
		}
		header = "Content-Type: " + o.contentType + "\r\n"
	} else {
		inputs, err := o.inputs()
		if err != nil {
			return nil, err
		}
		switch o.form {
		case "predict":
			body = predictBody(inputs)
		default:
			path = "/v2/models/" + url.PathEscape(o.model) + "/infer"
			head, data := inferBody(inputs, o.form)
			if body = append(head, data...); data != nil {
				header += fmt.Sprintf("Inference-Header-Content-Length: %d\r\n", len(head))
			}
		}
	}
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %d\r\n\r\n", path, o.url.Host, header, len(body))
	port := o.url.Port()
	if port == "" {
		port = "80"
	}
	return &load{
		address: net.JoinHostPort(o.url.Hostname(), port), request: append(request, body...),
		connections: o.connections, rate: o.rate, limit: o.limit,
	}, nil
}

// inputs asks the server for the inputs of the model. An axis of any length gets 10.
func (o *options) inputs() ([]input, error) {
	client := http.Client{Timeout: 10 * time.Second}
	r, err := client.Get(o.url.JoinPath("v2/models", o.model).String())
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Body.Close() }() // only read
	var answer struct {
		Inputs []input
		Error  string
	}
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("the server's answer: %w", err)
	}
	if r.StatusCode != http.StatusOK || len(answer.Inputs) == 0 {
		return nil, fmt.Errorf("the server's answer: %s %s", r.Status, answer.Error)
	}
	for _, in := range answer.Inputs {
		if len(in.Shape) == 0 {
			return nil, fmt.Errorf("the server's answer: input %q has no shape", in.Name)
		}
		in.Shape[0] = 1
		size := 1
		for i, n := range in.Shape {
			if n < 1 {
				in.Shape[i] = 10
			}
			if size *= in.Shape[i]; size > 1<<26 {
				return nil, fmt.Errorf("the server's answer: input %q has more than %d values", in.Name, 1<<26)
			}
		}
	}
	return answer.Inputs, nil
}

// bytes are the values of a sample as a picture has them.
func (in input) bytes() []byte {
	rng := rand.New(rand.NewPCG(1, 1))
	size := 1
	for _, n := range in.Shape {
		size *= n
	}
	list := make([]byte, size)
	for i := range list {
		list[i] = byte(rng.IntN(256))
	}
	return list
}

// values are the bytes of a sample scaled to 0..1.
func (in input) values() []float32 {
	list := in.bytes()
	values := make([]float32, len(list))
	for i, b := range list {
		values[i] = float32(b) / 255
	}
	return values
}

func appendValues(b []byte, values []float32) []byte {
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(v), 'g', -1, 32)
	}
	return b
}

// predictBody is a request of the plain form.
func predictBody(inputs []input) []byte {
	b := []byte(`{"instances":[`)
	if len(inputs) > 1 {
		b = append(b, '{')
	}
	for i, in := range inputs {
		if i > 0 {
			b = append(b, ',')
		}
		if len(inputs) > 1 {
			b = fmt.Appendf(b, "%q:", in.Name)
		}
		b = nested(b, in.values(), in.Shape[1:])
	}
	if len(inputs) > 1 {
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

// nested appends values as arrays nested like the shape.
func nested(b []byte, values []float32, shape []int) []byte {
	if len(shape) == 0 {
		return appendValues(b, values)
	}
	b = append(b, '[')
	each := len(values) / shape[0]
	for i := range shape[0] {
		if i > 0 {
			b = append(b, ',')
		}
		b = nested(b, values[i*each:(i+1)*each], shape[1:])
	}
	return append(b, ']')
}

// inferBody is a request of the Open Inference Protocol, and the binary data that follow it.
func inferBody(inputs []input, form string) (head, data []byte) {
	b := []byte(`{"inputs":[`)
	for i, in := range inputs {
		if i > 0 {
			b = append(b, ',')
		}
		datatype := "FP32"
		if form == "bytes" {
			datatype = "UINT8"
		}
		shape := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(in.Shape)), ","), "[]")
		b = fmt.Appendf(b, `{"name":%q,"datatype":%q,"shape":[%s],`, in.Name, datatype, shape)
		from := len(data)
		switch form {
		case "infer":
			b = append(appendValues(append(b, `"data":[`...), in.values()), "]}"...)
			continue
		case "bytes":
			data = append(data, in.bytes()...)
		case "binary":
			for _, v := range in.values() {
				data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
			}
		}
		b = fmt.Appendf(b, `"parameters":{"binary_data_size":%d}}`, len(data)-from)
	}
	return append(b, `],"parameters":{"binary_data_output":`+strconv.FormatBool(data != nil)+`}}`...), data
}
