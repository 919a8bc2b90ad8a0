# SPDX-License-Identifier: Apache-2.0
"""Keras's layers as formulas on torch, channels last, for the layers_*.py tables
and for trajectories.py.

"same" is TensorFlow's: out = ceil(in/stride), total = max((out-1)*stride + window - in, 0),
total//2 cells before and the rest after, where window = (kernel-1)*dilation + 1.
"""
import numpy as np
import torch
import torch.nn.functional as F

ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "elu": F.elu,
    "softmax": lambda x: torch.softmax(x, -1),
    "softsign": F.softsign,
    "gelu": F.gelu,
    "silu": F.silu,
    "mish": F.mish,
    "hard_sigmoid": lambda x: (x + 3).clamp(0, 6) / 6,
}


def pads(size, kernel, stride, dilation, padding):
    """(before, after) along one axis."""
    window = (kernel - 1) * dilation + 1
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return window - 1, 0
    total = max((-(-size // stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def pad2(x, kernel, strides, dilation, padding, value=0.0):
    """Pads height and width of (N, H, W, C)."""
    (t, b), (l, r) = (pads(x.shape[1 + i], kernel[i], strides[i], dilation[i], padding) for i in (0, 1))
    return F.pad(x, (0, 0, l, r, t, b), value=value)


def conv2d(x, kernel, bias=None, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1):
    """x (N,H,W,C), kernel (KH,KW,C/groups,K), y[n,i,j,k] = Σ x[n, i·s+u·d, j·s+v·d, c]·kernel[u,v,c,k]."""
    x = pad2(x, kernel.shape[:2], strides, dilation, padding)
    y = F.conv2d(x.permute(0, 3, 1, 2).contiguous(), kernel.permute(3, 2, 0, 1).contiguous(), bias, strides, 0, dilation, groups)
    return y.permute(0, 2, 3, 1)


def depthwise_conv2d(x, kernel, bias=None, strides=(1, 1), padding="valid", dilation=(1, 1)):
    """kernel (KH,KW,C,M), output channel c·M+m reads input channel c."""
    kh, kw, c, m = kernel.shape
    return conv2d(x, kernel.reshape(kh, kw, 1, c * m), bias, strides, padding, dilation, groups=c)


def separable_conv2d(x, depthwise_kernel, pointwise_kernel, bias=None, strides=(1, 1), padding="valid", dilation=(1, 1)):
    return conv2d(depthwise_conv2d(x, depthwise_kernel, None, strides, padding, dilation), pointwise_kernel, bias)


def conv1d(x, kernel, bias=None, strides=1, padding="valid", dilation=1):
    """x (N,T,C), kernel (KT,C,K)."""
    before, after = pads(x.shape[1], kernel.shape[0], strides, dilation, padding)
    x = F.pad(x, (0, 0, before, after))
    return conv2d(x[:, None], kernel[None], bias, (1, strides), "valid", (1, dilation))[:, 0]


def transpose_size(size, kernel, stride, padding, output_padding):
    if output_padding is not None:
        return (size - 1) * stride + (kernel if padding == "valid" else kernel % 2) + output_padding
    return size * stride if padding == "same" else (size - 1) * stride + max(kernel, stride)


def conv2d_transpose(x, kernel, bias=None, strides=(1, 1), padding="valid", output_padding=None):
    """The gradient of conv2d with respect to its input; kernel (KH,KW,filters,in).

    Written as the zero-stuffed input convolved with the turned kernel: y[o] gets
    x[i]·kernel[o - i·s + crop], where crop is what conv2d would pad before.
    """
    sizes, crops = [], []
    for a in (0, 1):
        op = None if output_padding is None else output_padding[a]
        sizes.append(transpose_size(x.shape[1 + a], kernel.shape[a], strides[a], padding, op))
        if padding == "valid":
            crops.append(0)
        elif op is None:
            crops.append(max(kernel.shape[a] - strides[a], 0) // 2)
        else:  # Keras's rule when output_padding is given
            pad_len = kernel.shape[a] + kernel.shape[a] % 2 - 2 + op
            crops.append(kernel.shape[a] - 1 - min(-(-pad_len // 2), kernel.shape[a] - 1))
    full = F.conv_transpose2d(x.permute(0, 3, 1, 2).contiguous(), kernel.permute(3, 2, 0, 1).contiguous(), None, strides)
    grow = [max(sizes[a] + crops[a] - full.shape[2 + a], 0) for a in (0, 1)]
    full = F.pad(full, (0, grow[1], 0, grow[0]))
    y = full[:, :, crops[0]:crops[0] + sizes[0], crops[1]:crops[1] + sizes[1]].permute(0, 2, 3, 1)
    return y if bias is None else y + bias


def windows(x, pool, strides, padding, value):
    """(N,OH,OW,C,window) of the padded x."""
    x = pad2(x, pool, strides, (1, 1), padding, value)
    return x.unfold(1, pool[0], strides[0]).unfold(2, pool[1], strides[1]).flatten(4)


def max_pool2d(x, pool, strides, padding):
    return windows(x, pool, strides, padding, -np.inf).amax(-1)


def average_pool2d(x, pool, strides, padding):
    """Cells of the padding do not count."""
    ones = windows(torch.ones_like(x), pool, strides, padding, 0.0).sum(-1)
    return windows(x, pool, strides, padding, 0.0).sum(-1) / ones


def scan(step, x, states, mask=None, go_backwards=False, zero_output_for_mask=False):
    """Keras's loop: a masked step keeps all states and repeats the last output
    (or gives zero). Returns the outputs in the order of processing, and the states.
    """
    outputs = []
    order = range(x.shape[1])
    for t in reversed(order) if go_backwards else order:
        new = step(x[:, t], states)
        out = new[0]
        if mask is not None:
            keep = mask[:, t, None] > 0
            out = torch.where(keep, out, torch.zeros_like(out) if zero_output_for_mask else states[0])
            new = tuple(torch.where(keep, n, s) for n, s in zip(new, states))
        outputs.append(out)
        states = new
    return torch.stack(outputs, 1), states


def simple_rnn_step(kernel, recurrent_kernel, bias=None, activation="tanh", input_mask=1, recurrent_mask=1):
    f = ACTIVATIONS[activation]

    def step(x, states):
        h = (x * input_mask) @ kernel + (states[0] * recurrent_mask) @ recurrent_kernel
        return (f(h if bias is None else h + bias),)
    return step


def gru_step(kernel, recurrent_kernel, bias=None, reset_after=True, activation="tanh", recurrent_activation="sigmoid",
             input_mask=None, recurrent_mask=None):
    """Gates z, r, h side by side. bias: (2,3u) with reset_after, else (3u).

    z = σ(x·Wz + h·Uz), r = σ(x·Wr + h·Ur); candidate c = tanh(x·Wh + r⊙(h·Uh + bh)) when
    reset_after, else tanh(x·Wh + (r⊙h)·Uh); h' = z⊙h + (1-z)⊙c.
    Dropout masks act on what enters the products only: (gates, batch, n), one a gate, or (batch, n) for all.
    """
    f, g = ACTIVATIONS[activation], ACTIVATIONS[recurrent_activation]
    u = recurrent_kernel.shape[0]
    wz, wr, wh = kernel.split(u, 1)
    uz, ur, uh = recurrent_kernel.split(u, 1)
    zero = torch.zeros(3 * u)
    bx, bh = (zero, zero) if bias is None else (bias[0], bias[1]) if reset_after else (bias, zero)
    (bz, br, bc), (rz, rr, rc) = bx.split(u), bh.split(u)

    def gates(v, mask, n):
        return (v,) * n if mask is None else tuple(v * m for m in mask) if mask.dim() == 3 else (v * mask,) * n

    def step(x, states):
        h = states[0]
        xz, xr, xc = gates(x, input_mask, 3)
        hz, hr, hc = gates(h, recurrent_mask, 3)
        z = g(xz @ wz + bz + hz @ uz + rz)
        r = g(xr @ wr + br + hr @ ur + rr)
        inner = r * (hc @ uh + rc) if reset_after else (r * hc) @ uh
        c = f(xc @ wh + bc + inner)
        return (z * h + (1 - z) * c,)
    return step


def lstm_step(kernel, recurrent_kernel, bias=None, activation="tanh", recurrent_activation="sigmoid",
              input_mask=None, recurrent_mask=None):
    """Gates i, f, c, o side by side, one bias (4u):
    c' = σ(f)⊙c + σ(i)⊙tanh(c), h' = σ(o)⊙tanh(c'). States h, c.
    """
    f, g = ACTIVATIONS[activation], ACTIVATIONS[recurrent_activation]
    u = recurrent_kernel.shape[0]
    ws, us = kernel.split(u, 1), recurrent_kernel.split(u, 1)
    bs = (torch.zeros(4 * u) if bias is None else bias).split(u)

    def gates(v, mask):
        return (v,) * 4 if mask is None else tuple(v * m for m in mask) if mask.dim() == 3 else (v * mask,) * 4

    def step(x, states):
        h, c = states
        i, fg, cc, o = (xg @ w + hg @ r + b for xg, hg, w, r, b in zip(gates(x, input_mask), gates(h, recurrent_mask), ws, us, bs))
        c = g(fg) * c + g(i) * f(cc)
        return (g(o) * f(c), c)
    return step
