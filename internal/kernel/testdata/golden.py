# SPDX-License-Identifier: Apache-2.0
"""Writes golden.json: activations, losses and their gradients by PyTorch's autograd,
optimizer steps by the formulas of keras.io/api/optimizers in numpy (float64).
Run: python3 golden.py > golden.json   (numbers made with PyTorch 1.13.0)"""
import json
import numpy as np
import torch
import torch.nn.functional as F

out = {}


def lst(t):
    return [float(v) for v in np.asarray(t.detach() if torch.is_tensor(t) else t).ravel()]


def grad(f, x, *rest):
    x = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    y = f(x, *rest)
    dy = torch.tensor(np.resize([1.0, -0.5, 2.0, 0.25, -1.5], y.shape), dtype=torch.float64)
    y.backward(dy)
    return {"x": lst(x), "y": lst(y), "dy": lst(dy), "dx": lst(x.grad)}


x = [-30.0, -8.0, -4.0, -3.5, -2.0, -1.0, -0.3, -0.01, -1e-4, 1e-4, 0.01, 0.2, 0.7, 1.0, 2.5, 4.0, 5.5, 7.0, 12.0, 30.0]
alpha = 0.3
acts = {
    "linear": lambda v: v * 1, "relu": F.relu, "relu6": F.relu6,
    "leaky_relu": lambda v: F.leaky_relu(v, alpha), "elu": lambda v: F.elu(v, alpha), "selu": F.selu,
    "gelu": F.gelu, "gelu_tanh": lambda v: F.gelu(v, approximate="tanh"), "silu": F.silu, "mish": F.mish,
    "softplus": lambda v: F.softplus(v, threshold=100), "softsign": F.softsign, "sigmoid": torch.sigmoid,
    "log_sigmoid": F.logsigmoid, "hard_sigmoid": lambda v: F.relu6(v + 3) / 6, "hard_silu": lambda v: v * F.relu6(v + 3) / 6,
    "tanh": torch.tanh, "exponential": torch.exp,
}
out["alpha"] = alpha
out["activations"] = {k: grad(f, x) for k, f in acts.items()}

rng = np.random.default_rng(7)
rows, cols = 5, 7
z = rng.normal(0, 3, (rows, cols))
z[1, 2] = 90.0
p = rng.dirichlet(np.ones(cols), rows)
b = rng.integers(0, 2, (rows, cols)).astype(float)
labels = [0, 6, 2, 3, 5]
t = lambda a: torch.tensor(a, dtype=torch.float64)
out["rows"], out["cols"] = rows, cols
out["labels"], out["dist"], out["binary"] = [float(v) for v in labels], lst(p), lst(b)
out["softmax"] = grad(lambda v: F.softmax(v, 1), z)
out["log_softmax"] = grad(lambda v: F.log_softmax(v, 1), z)
out["xent_sparse"] = grad(lambda v: F.cross_entropy(v, torch.tensor(labels), reduction="none"), z)
out["xent"] = grad(lambda v: F.cross_entropy(v, t(p), reduction="none"), z)
out["sigmoid_xent"] = grad(lambda v: F.binary_cross_entropy_with_logits(v, t(b), reduction="none").mean(1), z)
out["mse"] = grad(lambda v: F.mse_loss(v, t(b), reduction="none").mean(1), z)
out["mae"] = grad(lambda v: F.l1_loss(v, t(b), reduction="none").mean(1), z)


def optimize(step, state):
    w = np.array([1.0, -2.0, 0.5, 3.0, -0.1])
    s = [np.zeros(5) for _ in range(state)]
    gs, ws = [], []
    for k in range(1, 5):
        g = np.array([0.1, -0.2, 0.3, 0.0, 5.0]) * k * (-1) ** (k // 2)
        w = step(w, g, s, k)
        gs.append(lst(g))
        ws.append(lst(w))
    return {"g": gs, "w": ws}


def sgd(mom, nesterov):
    def f(w, g, s, k):
        if mom is None:
            return w - 0.1 * g
        s[0] = mom * s[0] - 0.1 * g
        return w + (mom * s[0] - 0.1 * g if nesterov else s[0])
    return f


def rmsprop(mom, centered):
    def f(w, g, s, k):
        s[0] = 0.9 * s[0] + 0.1 * g * g
        den = s[0] + 1e-7
        if centered:
            s[1] = 0.9 * s[1] + 0.1 * g
            den = den - s[1] ** 2
        inc = 0.01 * g / np.sqrt(den)
        if mom:
            s[2] = mom * s[2] + inc
            inc = s[2]
        return w - inc
    return f


def adam(ams, decay):
    def f(w, g, s, k):
        w = w - w * decay * 0.01
        alpha = 0.01 * np.sqrt(1 - 0.999 ** k) / (1 - 0.9 ** k)
        s[0] = s[0] + (g - s[0]) * (1 - 0.9)
        s[1] = s[1] + (g * g - s[1]) * (1 - 0.999)
        s[2] = np.maximum(s[2], s[1])
        return w - s[0] * alpha / (np.sqrt(s[2] if ams else s[1]) + 1e-7)
    return f


def nadam(w, g, s, k):
    u = lambda t: 0.9 * (1 - 0.5 * 0.96 ** t)
    prod = np.prod([u(t) for t in range(1, k + 1)])
    s[0] = s[0] + (g - s[0]) * (1 - 0.9)
    s[1] = s[1] + (g * g - s[1]) * (1 - 0.999)
    m = u(k + 1) * s[0] / (1 - prod * u(k + 1)) + (1 - u(k)) * g / (1 - prod)
    return w - 0.01 * m / (np.sqrt(s[1] / (1 - 0.999 ** k)) + 1e-7)


def adamax(w, g, s, k):
    s[0] = s[0] + (g - s[0]) * (1 - 0.9)
    s[1] = np.maximum(0.999 * s[1], np.abs(g))
    return w - 0.01 * s[0] / ((1 - 0.9 ** k) * (s[1] + 1e-7))


def adagrad(w, g, s, k):
    s[0] = s[0] + g * g
    return w - 0.01 * g / np.sqrt(s[0] + 1e-7)


def adadelta(w, g, s, k):
    s[0] = 0.95 * s[0] + 0.05 * g * g
    d = -np.sqrt(s[1] + 1e-7) * g / np.sqrt(s[0] + 1e-7)
    s[1] = 0.95 * s[1] + 0.05 * d * d
    return w + 0.5 * d


def lion(w, g, s, k):
    w = w - 0.01 * np.sign(0.9 * s[0] + 0.1 * g)
    s[0] = 0.99 * s[0] + 0.01 * g
    return w


out["optimizers"] = {
    "sgd": optimize(sgd(None, False), 1), "sgd_momentum": optimize(sgd(0.9, False), 1),
    "sgd_nesterov": optimize(sgd(0.9, True), 1), "rmsprop": optimize(rmsprop(0, False), 3),
    "rmsprop_centered_momentum": optimize(rmsprop(0.9, True), 3), "adam": optimize(adam(False, 0), 3),
    "amsgrad": optimize(adam(True, 0), 3), "adamw": optimize(adam(False, 0.004), 3),
    "nadam": optimize(nadam, 2), "adamax": optimize(adamax, 2), "adagrad": optimize(adagrad, 1),
    "adadelta": optimize(adadelta, 2), "lion": optimize(lion, 1),
}


def image(f, n, h, w, c):
    """f of an NCHW image, channels last outside; the gradient is of sum(y * dy)."""
    v = torch.tensor(rng.normal(0, 1, (n, h, w, c)), requires_grad=True)
    y = f(v.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    dy = torch.tensor(rng.normal(0, 1, tuple(y.shape)))
    y.backward(dy)
    return {"x": lst(v), "y": lst(y), "dy": lst(dy), "dx": lst(v.grad)}


out["max_pool"] = image(lambda v: F.max_pool2d(v, 3, 2, 1), 2, 7, 6, 3)
out["avg_pool"] = image(lambda v: F.avg_pool2d(v, 3, 2, 1, count_include_pad=False), 2, 7, 6, 3)
out["upsample"] = image(lambda v: F.interpolate(v, scale_factor=(2, 3), mode="nearest"), 2, 3, 2, 2)
x4 = np.arange(2 * 3 * 4 * 5, dtype=float).reshape(2, 3, 4, 5)
out["permute"] = lst(x4.transpose(2, 0, 3, 1))


def recurrent(kind, order):
    """A layer of torch.nn with gates reordered to Keras's order; gradients of sum(y dy) + sum(hn dhn)."""
    batch, time, n_in, n = 3, 4, 2, 3
    torch.manual_seed(3)
    cell = {"simple": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind](n_in, n, batch_first=True).double()
    x = torch.tensor(rng.normal(0, 1, (batch, time, n_in)), requires_grad=True)
    h0 = torch.tensor(rng.normal(0, 1, (1, batch, n)), requires_grad=True)
    c0 = torch.tensor(rng.normal(0, 1, (1, batch, n)), requires_grad=True)
    y, last = cell(x, (h0, c0) if kind == "lstm" else h0)
    hn, cn = last if kind == "lstm" else (last, torch.zeros_like(last))
    dy, dhn, dcn = (torch.tensor(rng.normal(0, 1, tuple(v.shape))) for v in (y, hn, cn))
    ((y * dy).sum() + (hn * dhn).sum() + (cn * dcn).sum()).backward()
    take = lambda v: torch.cat([v.chunk(len(order))[i] for i in order])
    both = lambda f: (f(cell.bias_ih_l0), f(cell.bias_hh_l0))
    kernel = lambda v: lst(take(v).T)
    bias = lambda a, b: lst(torch.cat([take(a), take(b)])) if kind == "gru" else lst(take(a) + take(b))
    zero = torch.zeros_like(c0)
    grad_bias = bias(cell.bias_ih_l0.grad, cell.bias_hh_l0.grad) if kind == "gru" else lst(take(cell.bias_ih_l0.grad))
    return {"x": lst(x), "h0": lst(h0), "c0": lst(c0), "w": kernel(cell.weight_ih_l0), "u": kernel(cell.weight_hh_l0),
            "bias": bias(*both(lambda v: v)), "y": lst(y), "hn": lst(hn), "cn": lst(cn), "dy": lst(dy), "dhn": lst(dhn), "dcn": lst(dcn),
            "dx": lst(x.grad), "dh0": lst(h0.grad), "dc0": lst(c0.grad if kind == "lstm" else zero),
            "dw": kernel(cell.weight_ih_l0.grad), "du": kernel(cell.weight_hh_l0.grad), "dbias": grad_bias}


out["recurrent"] = {"simple": recurrent("simple", [0]), "gru": recurrent("gru", [1, 0, 2]), "lstm": recurrent("lstm", [0, 1, 2, 3])}
print(json.dumps(out, indent=None, separators=(",", ":")).replace('},"', '},\n"'))
