#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Convolutions: y and all gradients. Weights under Keras's names and shapes:
kernel (k,in/groups,filters) or (kh,kw,in/groups,filters), depthwise kernel
(kh,kw,in,multiplier), transpose kernel (kh,kw,filters,in).

The formulas pad themselves and use torch's valid convolution; the check is a
plain loop in numpy (transpose: the gradient of the same-padded convolution).
"""
import numpy as np
import torch

from formulas import ACTIVATIONS, conv1d, conv2d, conv2d_transpose, depthwise_conv2d, pads, separable_conv2d
from golden import Topic, same

t = Topic("layers_convolution")
d = t.draw
SOURCE = "PyTorch float64 autograd on the formula of keras.io/api/layers/convolution_layers; output equal to a plain loop"


def loop(x, w, b, strides, padding, dilation, groups=1):
    """Convolution by definition."""
    x, w = x.numpy(), w.numpy()
    p = [pads(x.shape[1 + a], w.shape[a], strides[a], dilation[a], padding) for a in (0, 1)]
    x = np.pad(x, [(0, 0), p[0], p[1], (0, 0)])
    out = [(x.shape[1 + a] - (w.shape[a] - 1) * dilation[a] - 1) // strides[a] + 1 for a in (0, 1)]
    c, k = w.shape[2], w.shape[3]
    y = np.zeros((x.shape[0], out[0], out[1], k))
    for n, i, j, o in np.ndindex(y.shape):
        first = o // (k // groups) * c
        for u, v, q in np.ndindex(w.shape[0], w.shape[1], c):
            y[n, i, j, o] += x[n, i * strides[0] + u * dilation[0], j * strides[1] + v * dilation[1], first + q] * w[u, v, q, o]
    return torch.tensor(y if b is None else y + b.numpy())


def case(layer, f, x, weights, args, check):
    args = {k: v for k, v in args.items()}
    act = args.get("activation", "linear")
    call = {("dilation" if k == "dilation_rate" else k): v for k, v in args.items() if k not in ("activation", "filters", "kernel_size", "depth_multiplier")}
    label = "_".join([layer, "x".join(map(str, x.shape))] + ["%s_%s" % (k, "x".join(map(str, v)) if isinstance(v, (list, tuple)) else v)
                                                            for k, v in args.items() if k != "filters"])
    if "bias" not in weights:
        label += "_no_bias"
    t.layer(label, SOURCE, dict(args, layer=layer, use_bias="bias" in weights),
            lambda x, **w: ACTIVATIONS[act](f(x, **w, **call)), dict({"x": x}, **weights), check=ACTIVATIONS[act](check))


def Conv2D(n, h, w, c, kernel, filters, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1, bias=True, activation="linear"):
    x, k = d.normal(n, h, w, c), d.normal(*kernel, c // groups, filters, scale=0.5)
    weights = {"kernel": k, **({"bias": d.normal(filters)} if bias else {})}
    args = {"filters": filters, "kernel_size": kernel, "strides": strides, "padding": padding, "dilation_rate": dilation, "groups": groups, "activation": activation}
    case("Conv2D", conv2d, x, weights, args, loop(x, k, weights.get("bias"), strides, padding, dilation, groups))


Conv2D(2, 5, 4, 3, (3, 3), 2)
Conv2D(2, 5, 4, 3, (3, 3), 2, padding="same", activation="relu")
Conv2D(1, 6, 6, 2, (3, 3), 3, (2, 2), "same")                    # pads 0 before, 1 after
Conv2D(1, 5, 5, 2, (3, 3), 3, (2, 2), "same")
Conv2D(1, 6, 4, 2, (2, 2), 3, (1, 1), "same", bias=False)         # even kernel
Conv2D(1, 7, 6, 2, (3, 2), 3, (2, 1), "same")
Conv2D(1, 6, 6, 1, (5, 5), 1, (3, 3), "same", activation="tanh")
Conv2D(2, 5, 5, 2, (1, 1), 3)
Conv2D(2, 5, 5, 2, (1, 1), 3, (2, 2), "same")                     # window smaller than the stride
Conv2D(1, 3, 3, 2, (3, 3), 2)                                     # one output cell
Conv2D(1, 1, 1, 3, (3, 3), 2, padding="same")                     # one input cell
Conv2D(1, 7, 7, 2, (3, 3), 2, dilation=(2, 2))
Conv2D(1, 6, 5, 2, (3, 3), 2, padding="same", dilation=(2, 3), bias=False)
Conv2D(1, 6, 5, 2, (2, 3), 3, (2, 3), "valid")
Conv2D(1, 4, 4, 4, (3, 3), 4, padding="same", groups=2)
Conv2D(1, 4, 5, 1, (3, 3), 17, padding="same", activation="relu")  # more channels than a vector register
Conv2D(3, 4, 4, 9, (3, 3), 1)


def Conv1D(n, steps, c, kernel, filters, strides=1, padding="valid", dilation=1, bias=True, activation="linear"):
    x, k = d.normal(n, steps, c), d.normal(kernel, c, filters, scale=0.5)
    weights = {"kernel": k, **({"bias": d.normal(filters)} if bias else {})}
    args = {"filters": filters, "kernel_size": kernel, "strides": strides, "padding": padding, "dilation_rate": dilation, "activation": activation}
    before, after = pads(steps, kernel, strides, dilation, padding)
    padded = torch.nn.functional.pad(x, (0, 0, before, after))
    case("Conv1D", conv1d, x, weights, args, loop(padded[:, None], k[None], weights.get("bias"), (1, strides), "valid", (1, dilation))[:, 0])


Conv1D(2, 7, 3, 3, 2)
Conv1D(2, 7, 3, 5, 2, activation="relu")
Conv1D(2, 6, 2, 3, 3, 2, "same")
Conv1D(1, 6, 2, 4, 3, 1, "same", bias=False)
Conv1D(1, 6, 2, 3, 3, 1, "causal")
Conv1D(1, 7, 2, 3, 2, 1, "causal", 2, activation="tanh")
Conv1D(1, 7, 2, 3, 2, 2, "causal")
Conv1D(1, 8, 2, 3, 2, 1, "valid", 3)
Conv1D(1, 1, 2, 3, 2, 1, "same")                                  # one step
Conv1D(1, 3, 2, 3, 2)


def DepthwiseConv2D(n, h, w, c, kernel, m, strides=(1, 1), padding="valid", dilation=(1, 1), bias=True, activation="linear"):
    x, k = d.normal(n, h, w, c), d.normal(*kernel, c, m, scale=0.5)
    weights = {"kernel": k, **({"bias": d.normal(c * m)} if bias else {})}
    args = {"kernel_size": kernel, "depth_multiplier": m, "strides": strides, "padding": padding, "dilation_rate": dilation, "activation": activation}
    dense = torch.zeros(*kernel, c, c * m)
    for q in range(c):
        dense[:, :, q, q * m:(q + 1) * m] = k[:, :, q]
    case("DepthwiseConv2D", depthwise_conv2d, x, weights, args, loop(x, dense, weights.get("bias"), strides, padding, dilation))


DepthwiseConv2D(2, 4, 5, 3, (3, 3), 1)
DepthwiseConv2D(1, 6, 6, 2, (3, 3), 2, (2, 2), "same", activation="relu")
DepthwiseConv2D(1, 5, 6, 3, (2, 3), 3, padding="same", bias=False)
DepthwiseConv2D(1, 7, 6, 2, (3, 3), 1, padding="valid", dilation=(2, 2))
DepthwiseConv2D(1, 3, 3, 17, (3, 3), 1, padding="same")


def SeparableConv2D(n, h, w, c, kernel, filters, m=1, strides=(1, 1), padding="valid", dilation=(1, 1), bias=True, activation="linear"):
    x, dk, pk = d.normal(n, h, w, c), d.normal(*kernel, c, m, scale=0.5), d.normal(1, 1, c * m, filters)
    weights = {"depthwise_kernel": dk, "pointwise_kernel": pk, **({"bias": d.normal(filters)} if bias else {})}
    args = {"filters": filters, "kernel_size": kernel, "depth_multiplier": m, "strides": strides, "padding": padding, "dilation_rate": dilation, "activation": activation}
    product = torch.einsum("uvcm,cmk->uvck", dk, pk.reshape(c, m, filters))
    case("SeparableConv2D", separable_conv2d, x, weights, args, loop(x, product, weights.get("bias"), strides, padding, dilation))


SeparableConv2D(2, 4, 5, 3, (3, 3), 2)
SeparableConv2D(1, 6, 6, 2, (3, 3), 3, 2, (2, 2), "same", activation="relu")
SeparableConv2D(1, 5, 4, 2, (2, 2), 3, 2, padding="same", bias=False)
SeparableConv2D(1, 7, 7, 2, (3, 3), 2, dilation=(2, 2))


def Conv2DTranspose(n, h, w, c, kernel, filters, strides=(1, 1), padding="valid", output_padding=None, bias=True, activation="linear"):
    x, k = d.normal(n, h, w, c), d.normal(*kernel, filters, c, scale=0.5)
    weights = {"kernel": k, **({"bias": d.normal(filters)} if bias else {})}
    args = {"filters": filters, "kernel_size": kernel, "strides": strides, "padding": padding, "output_padding": output_padding, "activation": activation}
    y = conv2d_transpose(x, k, None, strides, padding, output_padding)
    if output_padding is None:  # TensorFlow's definition: y is the gradient of a convolution of y's size
        z = torch.zeros(y.shape, requires_grad=True)
        forward = conv2d(z, k, None, strides, padding)
        y, = torch.autograd.grad((forward * x).sum(), z)
    check = y if not bias else y + weights["bias"]
    case("Conv2DTranspose", conv2d_transpose, x, weights, args, check)


Conv2DTranspose(2, 3, 4, 2, (3, 3), 3)
Conv2DTranspose(1, 3, 3, 2, (3, 3), 3, (2, 2), "same", activation="relu")
Conv2DTranspose(1, 3, 3, 2, (3, 3), 3, (2, 2), "valid")
Conv2DTranspose(1, 3, 4, 2, (4, 4), 2, (2, 2), "same", bias=False)
Conv2DTranspose(1, 3, 3, 2, (2, 2), 2, (3, 3), "valid")            # stride larger than the kernel
Conv2DTranspose(1, 3, 3, 2, (2, 2), 2, (3, 3), "same")
Conv2DTranspose(1, 4, 3, 1, (3, 2), 2, (1, 2), "same")
Conv2DTranspose(1, 3, 3, 2, (3, 3), 2, (2, 2), "same", (1, 1))
Conv2DTranspose(1, 3, 3, 2, (3, 3), 2, (2, 2), "same", (0, 0))
Conv2DTranspose(1, 3, 3, 2, (3, 3), 2, (2, 2), "valid", (1, 0))

# More odd ones, behind the others so that these keep their numbers.
Conv2D(1, 8, 8, 3, (7, 7), 4, (4, 4), "same")                     # a window that reaches over both edges
Conv2D(1, 1, 6, 2, (1, 3), 2, (1, 2), "same", activation="gelu")  # a derivative that needs the sum
Conv1D(1, 1, 1, 1, 1)
Conv1D(2, 9, 2, 3, 2, 1, "same", 2)
Conv1D(2, 8, 3, 2, 4, 1, "causal", 4)                             # reaches back four steps
Conv1D(1, 2, 2, 3, 2, 1, "causal", 3)                             # reaches back over the start
DepthwiseConv2D(1, 8, 6, 2, (3, 2), 2, padding="same", dilation=(2, 3))
DepthwiseConv2D(1, 1, 1, 1, (1, 1), 1)
SeparableConv2D(2, 6, 8, 2, (3, 3), 3, padding="same", dilation=(2, 1), activation="tanh")
SeparableConv2D(1, 4, 4, 1, (3, 3), 1, strides=(2, 2), padding="same")
Conv2DTranspose(1, 1, 1, 2, (3, 3), 2, (2, 2), "same")
t.save()
