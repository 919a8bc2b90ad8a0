// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"math"
	"slices"
	"testing"

	"github.com/reef-dl/reef/internal/golden"
	"github.com/reef-dl/reef/internal/kernel"
)

// The tests in this file compare the kernels with the tables of testdata/golden, in float32
// with the active instruction set and in float64.

func as[T kernel.Float](a golden.Array) []T {
	out := make([]T, len(a.Data))
	for i, v := range a.Data {
		out[i] = T(v)
	}
	return out
}

// both runs a test for both types with suitable tolerances.
func both(t *testing.T, f32 func(t *testing.T, rel, abs float64), f64 func(t *testing.T, rel, abs float64)) {
	t.Run("float32", func(t *testing.T) { f32(t, 1e-5, 2e-6) })
	t.Run("float64", func(t *testing.T) { f64(t, 1e-11, 1e-13) })
}

func TestKerasActivations(t *testing.T) {
	both(t, kerasActivations[float32], kerasActivations[float64])
}

func kerasActivations[T kernel.Float](t *testing.T, rel, abs float64) {
	for _, c := range golden.Load(t, "activations") {
		x, r := as[T](c.Inputs["x"]), as[T](c.Inputs["r"])
		y, dx := make([]T, len(x)), make([]T, len(x))
		name := c.Args.String("activation")
		switch name {
		case "softmax", "log_softmax":
			rows, cols := c.Inputs["x"].Shape[0], c.Inputs["x"].Shape[1]
			if name == "softmax" {
				kernel.Softmax(y, x, rows, cols)
				kernel.SoftmaxGrad(dx, y, r, rows, cols)
			} else {
				kernel.LogSoftmax(y, x, rows, cols)
				kernel.LogSoftmaxGrad(dx, y, r, rows, cols)
			}
		default:
			if c.Args.Bool("approximate") {
				name = "gelu_tanh"
			}
			act, err := kernel.ParseActivation(name)
			if err != nil {
				t.Error(err)
				continue
			}
			alpha := c.Args.Float("alpha") + c.Args.Float("negative_slope")
			kernel.Activate(y, x, act, T(alpha))
			s := x
			if act.FromOutput() {
				s = y
			}
			kernel.ActivateGrad(dx, s, r, act, T(alpha))
		}
		golden.Close(t, c.Name+" y", y, c.Want["y"], rel, abs)
		golden.Close(t, c.Name+" dx", dx, c.Want["dx"], rel, abs)
	}
}

func TestKerasLosses(t *testing.T) { both(t, kerasLosses[float32], kerasLosses[float64]) }

func kerasLosses[T kernel.Float](t *testing.T, rel, abs float64) {
	n := 0
	for _, c := range golden.Load(t, "losses") {
		logits := c.Args.Bool("from_logits")
		if c.Args.Float("label_smoothing") != 0 {
			continue // smoothing is done by the layer
		}
		pred, target := as[T](c.Inputs["pred"]), as[T](c.Inputs["true"])
		shape := c.Inputs["pred"].Shape
		cols := shape[len(shape)-1]
		rows := len(pred) / cols
		values, dloss, dpred := make([]T, rows), make([]T, rows), make([]T, len(pred))
		for i := range dloss {
			dloss[i] = 1 / T(rows)
			if w, ok := c.Inputs["sample_weight"]; ok {
				dloss[i] *= T(w.Data[i])
			}
		}
		switch loss := c.Args.String("loss"); {
		case loss == "mean_squared_error":
			kernel.MSE(values, pred, target, rows, cols)
			kernel.MSEGrad(dpred, pred, target, dloss, rows, cols)
		case loss == "mean_absolute_error":
			kernel.MAE(values, pred, target, rows, cols)
			kernel.MAEGrad(dpred, pred, target, dloss, rows, cols)
		case loss == "sparse_categorical_crossentropy" && logits:
			if bad := kernel.SoftmaxXentSparse(values, pred, target, rows, cols); bad >= 0 {
				t.Errorf("%s: label %d is refused", c.Name, bad)
			}
			kernel.SoftmaxXentSparseGrad(dpred, pred, target, dloss, rows, cols)
		case loss == "categorical_crossentropy" && logits:
			kernel.SoftmaxXent(values, pred, target, rows, cols)
			kernel.SoftmaxXentGrad(dpred, pred, target, dloss, rows, cols)
		case loss == "binary_crossentropy" && logits:
			kernel.SigmoidXent(values, pred, target, rows, cols)
			kernel.SigmoidXentGrad(dpred, pred, target, dloss, rows, cols)
		default:
			continue
		}
		n++
		golden.Close(t, c.Name+" values", values, c.Want["values"], rel, abs)
		golden.Close(t, c.Name+" dpred", dpred, c.Want["dpred"], rel, abs)
	}
	if n < 20 {
		t.Errorf("only %d cases", n)
	}
}

func TestKerasOptimizers(t *testing.T) {
	both(t, kerasOptimizers[float32], kerasOptimizers[float64])
}

func kerasOptimizers[T kernel.Float](t *testing.T, rel, abs float64) {
	for _, c := range append(golden.Load(t, "optimizers"), golden.Load(t, "optimizers_keras")...) {
		name := c.Args.String("optimizer")
		if name == "" {
			continue // clipping and averaging are not part of the kernel
		}
		shape := c.Inputs["w0"].Shape
		if name == "Muon" && len(shape) != 2 {
			continue // updated as Adam
		}
		w, g, want := as[T](c.Inputs["w0"]), as[T](c.Inputs["gradients"]), c.Want["w"]
		n := len(w)
		slot := func() []T { return make([]T, n) }
		f := func(key string) T { return T(c.Args.Float(key)) }
		or := func(key string, standard float64) T {
			if c.Args[key] == nil {
				return T(standard)
			}
			return f(key)
		}
		var s [3][]T
		for i := range s {
			s[i] = slot()
		}
		lr, eps := f("learning_rate"), f("epsilon")
		b1, b2 := f("beta_1"), f("beta_2")
		for step := range 5 {
			g := g[step*n : (step+1)*n]
			switch name {
			case "SGD":
				v := s[0]
				if f("momentum") == 0 {
					v = nil
				}
				kernel.SGD(w, g, v, lr, f("momentum"), c.Args.Bool("nesterov"))
			case "RMSprop":
				mom, mg := s[1], s[2]
				if f("momentum") == 0 {
					mom = nil
				}
				if !c.Args.Bool("centered") {
					mg = nil
				}
				kernel.RMSprop(w, g, s[0], mom, mg, lr, f("rho"), f("momentum"), eps)
			case "Adam", "AdamW":
				top := s[2]
				if !c.Args.Bool("amsgrad") {
					top = nil
				}
				kernel.Scale(w, w, 1-lr*f("weight_decay"))
				kernel.Adam(w, g, s[0], s[1], top, lr, b1, b2, eps, step+1)
			case "Nadam":
				kernel.Nadam(w, g, s[0], s[1], lr, b1, b2, eps, step+1)
			case "Adamax":
				kernel.Adamax(w, g, s[0], s[1], lr, b1, b2, eps, step+1)
			case "Adagrad":
				if step == 0 {
					kernel.Fill(s[0], f("initial_accumulator_value"))
				}
				kernel.Adagrad(w, g, s[0], lr, eps)
			case "Adadelta":
				kernel.Adadelta(w, g, s[0], s[1], lr, f("rho"), eps)
			case "Lion":
				kernel.Lion(w, g, s[0], lr, b1, b2)
			case "Ftrl":
				if step == 0 {
					kernel.Fill(s[0], or("initial_accumulator_value", 0.1))
				}
				kernel.Scale(w, w, 1-lr*f("weight_decay"))
				kernel.Ftrl(w, g, s[0], s[1], lr, or("learning_rate_power", -0.5), f("l1_regularization_strength"), f("l2_regularization_strength"), f("l2_shrinkage_regularization_strength"), f("beta"))
			case "Lamb":
				kernel.Scale(w, w, 1-lr*f("weight_decay"))
				kernel.Lamb(w, g, s[0], s[1], lr, or("beta_1", 0.9), or("beta_2", 0.999), or("epsilon", 1e-7), step+1)
			case "ScheduleFreeAdamW":
				kernel.Scale(w, w, 1-lr*f("weight_decay"))
				if step == 0 {
					copy(s[0], w)
					if f("weight_decay") != 0 {
						copy(s[0], as[T](c.Inputs["w0"])) // Keras keeps the weights before they decay
					}
				}
				rate := lr
				if n := c.Args.Int("warmup_steps"); step+1 < n {
					rate *= T(float32(step+1) / float32(n)) // in float32, as in Keras
				}
				kernel.ScheduleFree(w, g, s[0], s[1], rate, or("beta_1", 0.9), or("beta_2", 0.999), or("epsilon", 1e-8), step+1)
			case "Adafactor":
				kernel.Scale(w, w, 1-lr*f("weight_decay"))
				at := float64(step + 1)
				rate, beta := min(lr, T(1/math.Sqrt(at))), T(1-math.Pow(at, float64(or("beta_2_decay", -0.8))))
				e1, e2, clip := or("epsilon_1", 1e-30), or("epsilon_2", 1e-3), or("clip_threshold", 1)
				if d := len(shape); d > 1 {
					rows, cols := shape[d-2], shape[d-1]
					kernel.Adafactor(w, g, s[0][:n/cols], s[1][:n/rows], rows, cols, rate, beta, e1, e2, clip)
				} else {
					kernel.AdafactorVector(w, g, s[0], rate, beta, e1, e2, clip)
				}
			case "Muon":
				kernel.Scale(w, w, 1-lr*or("weight_decay", 0.004))
				rate := lr * or("rms_rate", 0.2) * T(math.Sqrt(float64(max(shape[0], shape[1]))))
				steps := 5
				if c.Args["ns_steps"] != nil {
					steps = c.Args.Int("ns_steps")
				}
				nesterov := c.Args["nesterov"] == nil || c.Args.Bool("nesterov")
				kernel.Muon(w, g, s[0], shape[0], shape[1], rate, or("momentum", 0.95), nesterov, steps, [3]T{or("muon_a", 3.4445), or("muon_b", -4.7750), or("muon_c", 2.0315)})
			default:
				t.Fatalf("%s: unknown optimizer", c.Name)
			}
			row := golden.Array{Shape: []int{n}, Data: want.Data[step*n : (step+1)*n]}
			switch name {
			case "Muon", "Adafactor": // partly of float32 in Keras, and Muon's iteration lets rounding grow
				golden.Close(t, c.Name, w, row, max(10*rel, 5e-7), max(10*abs, 5e-7))
			default:
				golden.Close(t, c.Name, w, row, rel, abs)
			}
		}
	}
}

// window returns the padding and output size of a convolution or pooling along an axis.
func window(size, kernel, stride, dilation int, padding string) (before, out int) {
	span := (kernel-1)*dilation + 1
	switch padding {
	case "same":
		out = (size + stride - 1) / stride
		return max((out-1)*stride+span-size, 0) / 2, out
	case "causal":
		before = span - 1
	}
	return before, (size+before-span)/stride + 1
}

// pair returns an argument of one or two numbers as height and width, 1 if it is absent.
func pair(args golden.Args, name string) (h, w int) {
	list := args.Ints(name)
	switch {
	case len(list) == 2:
		return list[0], list[1]
	case args[name] == nil:
		return 1, 1
	}
	return 1, args.Int(name)
}

func TestKerasConvolutions(t *testing.T) {
	both(t, kerasConvolutions[float32], kerasConvolutions[float64])
}

func kerasConvolutions[T kernel.Float](t *testing.T, rel, abs float64) {
	for _, c := range golden.Load(t, "layers_convolution") {
		layer, padding := c.Args.String("layer"), c.Args.String("padding")
		if layer == "SeparableConv2D" || layer == "Conv2DTranspose" || c.Args.Int("groups") > 1 {
			continue // composed of the others
		}
		x, w := c.Inputs["x"], c.Inputs["kernel"]
		xs, ws := x.Shape, w.Shape
		if len(xs) == 3 {
			xs, ws = slices.Insert(slices.Clone(xs), 1, 1), slices.Insert(slices.Clone(ws), 0, 1)
		}
		s := kernel.Conv{N: xs[0], H: xs[1], W: xs[2], C: xs[3], KH: ws[0], KW: ws[1], K: ws[3]}
		if layer == "DepthwiseConv2D" {
			s.K *= s.C
		}
		s.StrideH, s.StrideW = pair(c.Args, "strides")
		s.DilH, s.DilW = pair(c.Args, "dilation_rate")
		s.PadTop, s.OH = window(s.H, s.KH, s.StrideH, s.DilH, padding)
		s.PadLeft, s.OW = window(s.W, s.KW, s.StrideW, s.DilW, padding)
		if layer == "Conv1D" {
			s.PadTop, s.OH = 0, 1
		}
		act, err := kernel.ParseActivation(c.Args.String("activation"))
		if err != nil {
			t.Fatal(err)
		}
		y, dz := make([]T, len(c.Want["y"].Data)), as[T](c.Inputs["r"])
		dx, dw := make([]T, len(x.Data)), make([]T, len(w.Data))
		var bias []T
		if b, ok := c.Inputs["bias"]; ok {
			bias = as[T](b)
		}
		forward, backData, backWeights := kernel.Conv2D[T], kernel.Conv2DBackData[T], kernel.Conv2DBackWeights[T]
		if layer == "DepthwiseConv2D" {
			forward, backData, backWeights = kernel.Depthwise2D[T], kernel.Depthwise2DBackData[T], kernel.Depthwise2DBackWeights[T]
		}
		forward(y, as[T](x), as[T](w), bias, &s, act, 0)
		golden.Close(t, c.Name+" y", y, c.Want["y"], rel, abs*10)
		before := y // what the derivative is computed from
		if !act.FromOutput() {
			before = make([]T, len(y))
			forward(before, as[T](x), as[T](w), bias, &s, kernel.Linear, 0)
		}
		kernel.ActivateGrad(dz, before, dz, act, 0)
		backData(dx, dz, as[T](w), &s)
		backWeights(dw, as[T](x), dz, &s)
		golden.Close(t, c.Name+" dx", dx, c.Want["dx"], rel, abs*10)
		golden.Close(t, c.Name+" dkernel", dw, c.Want["dkernel"], rel, abs*10)
		if bias != nil {
			db := make([]T, len(bias))
			kernel.ColSum(db, dz, len(dz)/len(bias), len(bias))
			golden.Close(t, c.Name+" dbias", db, c.Want["dbias"], rel, abs*10)
		}
	}
}

func TestKerasPooling(t *testing.T) { both(t, kerasPooling[float32], kerasPooling[float64]) }

func kerasPooling[T kernel.Float](t *testing.T, rel, abs float64) {
	for _, c := range golden.Load(t, "layers_pooling") {
		if _, masked := c.Inputs["mask"]; masked {
			continue
		}
		x, r := as[T](c.Inputs["x"]), as[T](c.Inputs["r"])
		y, dx := make([]T, len(r)), make([]T, len(x))
		xs := c.Inputs["x"].Shape
		if len(xs) == 3 {
			xs = slices.Insert(slices.Clone(xs), 1, 1)
		}
		padding := c.Args.String("padding")
		s := kernel.Pool{N: xs[0], H: xs[1], W: xs[2], C: xs[3]}
		s.KH, s.KW = pair(c.Args, "pool_size")
		s.StrideH, s.StrideW = s.KH, s.KW
		if c.Args["strides"] != nil {
			s.StrideH, s.StrideW = pair(c.Args, "strides")
		}
		s.PadTop, s.OH = window(s.H, s.KH, s.StrideH, 1, padding)
		s.PadLeft, s.OW = window(s.W, s.KW, s.StrideW, 1, padding)
		switch layer := c.Args.String("layer"); layer {
		case "MaxPooling1D", "MaxPooling2D":
			arg := make([]uint8, len(y))
			kernel.MaxPool2D(y, arg, x, &s)
			kernel.MaxPool2DBack(dx, arg, r, &s)
		case "AveragePooling1D", "AveragePooling2D":
			kernel.AvgPool2D(y, x, &s)
			kernel.AvgPool2DBack(dx, r, &s)
		case "GlobalMaxPooling1D", "GlobalMaxPooling2D":
			arg := make([]int32, len(y))
			kernel.GlobalMaxPool(y, arg, x, s.N, s.H*s.W, s.C)
			kernel.GlobalMaxPoolBack(dx, arg, r, s.N, s.H*s.W, s.C)
		case "GlobalAveragePooling1D", "GlobalAveragePooling2D":
			kernel.GlobalAvgPool(y, x, s.N, s.H*s.W, s.C)
			kernel.GlobalAvgPoolBack(dx, r, s.N, s.H*s.W, s.C)
		default:
			t.Fatalf("unknown layer %s", layer)
		}
		golden.Close(t, c.Name+" y", y, c.Want["y"], rel, abs)
		golden.Close(t, c.Name+" dx", dx, c.Want["dx"], rel, abs)
	}
}
