// SPDX-License-Identifier: Apache-2.0

// Package serve answers HTTP requests with the predictions of models:
//
//	handler, err := serve.New(serve.File("digits", "digits.safetensors"))
//	defer handler.Close()
//	err = handler.ListenAndServe(ctx, ":8080")
//
// A Handler is an http.Handler, so it can be one of several behind a mux, a middleware or a server of
// your own. The command cmd/serve is this package with flags.
//
// # Requests
//
// The plain form is that of TensorFlow Serving; {"instances": ...} has a sample per element, which is
// an array of numbers, a text, {"b64": picture} or an object with a member for each input or, for a
// model that was saved with the encoder of a table, for each column. The array may also come alone,
// and so may one sample:
//
//	POST /v1/models/NAME:predict   {"instances": [[5.1, 3.5, 1.4, 0.2]]}
//	                               {"inputs": {"a": [[1, 2]], "b": [[3]]}}
//	                               [5.1, 3.5, 1.4, 0.2]
//
// A picture (JPEG, PNG, GIF, BMP), a text or a CSV file with a header may be the body itself. Whatever
// is not an array of numbers goes through the preprocessor that was saved with the model by
// keraslike.Model.SetPreprocessor, or as it is to a model whose own layers read it: strings to an input of
// strings, rows to inputs of one value that are named as the columns, and pictures of any size, with values
// from 0 to 255, to one that begins with a layer such as Resizing. The answer has "predictions" (or "outputs", for "inputs") and, for a
// model with SetClasses, the most probable classes.
//
// The other form is the REST form of the Open Inference Protocol, version 2, which KServe, Triton and
// others speak, with the extensions for binary tensor data and classification:
//
//	GET  /v2                        the server
//	GET  /v2/health/live            200 while the process runs
//	GET  /v2/health/ready           200 while requests are accepted
//	GET  /v2/models/NAME            inputs and outputs
//	GET  /v2/models/NAME/ready      200 if the model is loaded
//	POST /v2/models/NAME/infer      {"inputs": [{"name", "shape", "datatype", "data"}]}
//
// /versions/VERSION may stand behind NAME in all of them. A file that is loaded again is the next
// version, and only the last one is served. GET /metrics is for Prometheus, GET / lists the models.
//
// # Batches
//
// Requests that come while a model computes are gathered and computed as one batch, if their samples
// have the same shape. A request that comes to an idle model is computed at once. A sample has the same
// prediction, byte for byte, alone and in any batch.
//
// # Limits
//
// Every resource has a limit, see the options of New. A request beyond it gets 413 (too large), 408 (the
// body came too slowly) or 503 with Retry-After (no place in the queue, no time, or shutting down). A
// mistake in a request gets 400 with {"error": "..."}, which names the input, what it got and what it wants.
//
// # Changing models
//
// Reload loads a model's file again, Watch does so when the file changes, and Swap takes a model from the
// program. The new model is loaded, compared with the old one and tried while the old one serves;
// requests that have begun end with the old one. If anything is wrong, the old one stays.
//
// # Tracing
//
// The context of a request is passed on to whatever is done for it, so a middleware such as OpenTelemetry's
// otelhttp.NewHandler can be wrapped around a Handler. This package does not depend on it.
package serve
