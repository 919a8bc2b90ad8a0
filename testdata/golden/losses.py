#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Losses: want.values one a sample (and position), want.loss their
sum_over_batch_size (sum of values, times sample weights where given, divided by
their number) and want.dpred its gradient with respect to pred.

Formulas of https://keras.io/api/losses (epsilon 1e-7 where probabilities are
clipped), on torch float64 autograd.
"""
import torch
import torch.nn.functional as F

from golden import Topic, same

t = Topic("losses")
EPS = 1e-7
SOURCE = "formula of keras.io/api/losses on torch float64 autograd"


ONE = float(1 - torch.tensor(EPS, dtype=torch.float32))  # as Keras rounds it: 1 - 1.19e-7


def clip(p):
    return p.clamp(EPS, ONE)


def one_hot(y, like):
    return F.one_hot(y.long(), like.shape[-1]).to(like.dtype)


def smooth_categorical(y, s):
    return y * (1 - s) + s / y.shape[-1] if s else y


def smooth_binary(y, s):
    return y * (1 - s) + 0.5 * s if s else y


def normalized(p):
    return clip(p / p.sum(-1, keepdim=True))


def categorical_crossentropy(y, p, from_logits=False, label_smoothing=0.0):
    y = smooth_categorical(y, label_smoothing)
    log = p - torch.logsumexp(p, -1, keepdim=True) if from_logits else torch.log(normalized(p))
    return -(y * log).sum(-1)


def sparse_categorical_crossentropy(y, p, from_logits=False):
    return categorical_crossentropy(one_hot(y, p), p, from_logits)


def bce(y, p):
    p = clip(p)
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p))


def binary_crossentropy(y, p, from_logits=False, label_smoothing=0.0):
    y = smooth_binary(y, label_smoothing)
    if from_logits:
        return (p.clamp(min=0) - p * y + torch.log1p(torch.exp(-p.abs()))).mean(-1)
    return bce(y, p).mean(-1)


def binary_focal_crossentropy(y, p, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0):
    y = smooth_binary(y, label_smoothing)
    if from_logits:
        p = torch.sigmoid(p)
    focal = (1 - (y * p + (1 - y) * (1 - p))) ** gamma * bce(y, p)
    if apply_class_balancing:
        focal = (y * alpha + (1 - y) * (1 - alpha)) * focal
    return focal.mean(-1)


def categorical_focal_crossentropy(y, p, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0):
    y = smooth_categorical(y, label_smoothing)
    q = normalized(F.softmax(p, -1) if from_logits else p)
    return (alpha * (1 - q) ** gamma * -y * torch.log(q)).sum(-1)


def mean_squared_error(y, p):
    return ((y - p) ** 2).mean(-1)


def mean_absolute_error(y, p):
    return (y - p).abs().mean(-1)


def mean_absolute_percentage_error(y, p):
    return 100 * ((y - p) / y.abs().clamp(min=EPS)).abs().mean(-1)


def mean_squared_logarithmic_error(y, p):
    return (torch.log(p.clamp(min=EPS) + 1) - torch.log(y.clamp(min=EPS) + 1)).square().mean(-1)


def huber(y, p, delta=1.0):
    e = (p - y).abs()
    return torch.where(e <= delta, 0.5 * e**2, delta * e - 0.5 * delta**2).mean(-1)


def log_cosh(y, p):
    e = p - y
    return (e + F.softplus(-2 * e, threshold=1000) - torch.log(torch.tensor(2.0))).mean(-1)


def kl_divergence(y, p):
    y, p = y.clamp(EPS, 1), p.clamp(EPS, 1)
    return (y * torch.log(y / p)).sum(-1)


def poisson(y, p):
    return (p - y * torch.log(p + EPS)).mean(-1)


def unit(v):
    return v / torch.sqrt((v * v).sum(-1, keepdim=True).clamp(min=1e-14))


def cosine_similarity(y, p):
    return -(unit(y) * unit(p)).sum(-1)


def signed(y):
    return 2 * y - 1 if bool(((y == 0) | (y == 1)).all()) else y


def hinge(y, p):
    return (1 - signed(y) * p).clamp(min=0).mean(-1)


def squared_hinge(y, p):
    return (1 - signed(y) * p).clamp(min=0).square().mean(-1)


def categorical_hinge(y, p):
    positive, negative = (y * p).sum(-1), ((1 - y) * p).amax(-1)
    return (negative - positive + 1).clamp(min=0)


# The examples of the documentation, to their digits.
a, b = torch.tensor([[0.0, 1], [0, 0]]), torch.tensor([[0.6, 0.4], [0.4, 0.6]])
c, e = torch.tensor([[0.0, 1, 0], [0, 0, 1]]), torch.tensor([[0.05, 0.95, 0], [0.1, 0.8, 0.1]])
same("huber", huber(a, b).mean(), 0.155, 1e-3)
same("log_cosh", log_cosh(a, torch.tensor([[1.0, 1], [0, 0]])).mean(), 0.108, 1e-3)
same("binary_crossentropy", binary_crossentropy(a, b), [0.916, 0.714], 1e-3)
same("binary_focal_crossentropy", binary_focal_crossentropy(a, b), [0.330, 0.206], 1e-3)
same("categorical_crossentropy", categorical_crossentropy(c, e), [0.0513, 2.303], 1e-3)
same("sparse_categorical_crossentropy", sparse_categorical_crossentropy(torch.tensor([1.0, 2]), e), [0.0513, 2.303], 1e-3)
same("categorical_focal_crossentropy", categorical_focal_crossentropy(c, torch.tensor([[0.05, 0.9, 0.05], [0.1, 0.85, 0.05]])), [2.63401289e-04, 6.75912094e-01], 1e-6)
same("cosine_similarity", cosine_similarity(torch.tensor([[0.0, 1], [1, 1], [1, 1]]), torch.tensor([[1.0, 0], [1, 1], [-1, -1]])), [0.0, -1, 1], 1e-6)


def add(f, label, true, pred, args=None, weight=None, check=None):
    args = args or {}
    p = pred.clone().requires_grad_(True)
    values = f(true, p, **args)
    loss = (values if weight is None else values * weight).sum() / values.numel()
    grad, = torch.autograd.grad(loss, p)
    if check is not None:
        same(label, values, check)
    inputs = {"true": true, "pred": pred}
    if weight is not None:
        inputs["sample_weight"] = weight
    t.add(f.__name__ + "_" + label, SOURCE + ("" if check is None else "; equal to torch.nn.functional"),
          dict(args, loss=f.__name__), inputs, {"values": values, "loss": loss, "dpred": grad})


d = t.draw
sizes = [(1, 1), (1, 3), (4, 5), (3, 2)]
for n, k in sizes:
    label = "%dx%d" % (n, k)
    y, p = d.normal(n, k), d.normal(n, k, scale=2)
    add(mean_squared_error, label, y, p, check=F.mse_loss(p, y, reduction="none").mean(-1))
    add(mean_absolute_error, label, y, p, check=F.l1_loss(p, y, reduction="none").mean(-1))
    add(huber, label, y, p, {"delta": 1.0}, check=F.huber_loss(p, y, reduction="none").mean(-1))
    add(log_cosh, label, y, p)
    add(mean_absolute_percentage_error, label, y, p)
    add(cosine_similarity, label, y, p)
    add(mean_squared_logarithmic_error, label, y.abs(), p.abs())
    add(poisson, label, d.integers(0, 4, n, k), d.uniform(0.1, 3, n, k))
    b = d.integers(0, 2, n, k)
    q = d.uniform(0.02, 0.98, n, k)
    add(binary_crossentropy, "prob_" + label, b, q, {"from_logits": False}, check=F.binary_cross_entropy(q, b, reduction="none").mean(-1))
    add(binary_crossentropy, "logits_" + label, b, p, {"from_logits": True},
        check=F.binary_cross_entropy_with_logits(p, b, reduction="none").mean(-1))
    add(binary_focal_crossentropy, "prob_" + label, b, q)
    add(hinge, label, b, p)
    add(squared_hinge, label, b, p)
    if k > 1:
        label_k = d.integers(0, k, n)
        hot, dist = one_hot(label_k, p), d.distribution(n, k)
        add(sparse_categorical_crossentropy, "logits_" + label, label_k, p, {"from_logits": True},
            check=F.cross_entropy(p, label_k.long(), reduction="none"))
        add(sparse_categorical_crossentropy, "prob_" + label, label_k, dist, {"from_logits": False},
            check=F.nll_loss(torch.log(dist), label_k.long(), reduction="none"))
        add(categorical_crossentropy, "logits_" + label, hot, p, {"from_logits": True}, check=F.cross_entropy(p, hot, reduction="none"))
        add(categorical_crossentropy, "prob_" + label, hot, dist, {"from_logits": False})
        add(categorical_crossentropy, "soft_logits_" + label, d.distribution(n, k), p, {"from_logits": True})
        add(categorical_focal_crossentropy, "prob_" + label, hot, dist)
        add(kl_divergence, label, d.distribution(n, k), dist)
        add(categorical_hinge, label, hot, p)

# Options and odd inputs.
y, p = d.normal(4, 3), d.normal(4, 3, scale=2)
weight = torch.tensor([0.5, 0.0, 2.0, 1.25])
b, q = d.integers(0, 2, 4, 3), d.uniform(0.02, 0.98, 4, 3)
k, dist = d.integers(0, 3, 4), d.distribution(4, 3)
hot = one_hot(k, p)
add(mean_squared_error, "weighted", y, p, weight=weight)
add(binary_crossentropy, "weighted_logits", b, p, {"from_logits": True}, weight=weight)
add(sparse_categorical_crossentropy, "weighted_logits", k, p, {"from_logits": True}, weight=weight)
add(huber, "delta", y, p, {"delta": 0.5})
add(binary_crossentropy, "smoothed_logits", b, p, {"from_logits": True, "label_smoothing": 0.1})
add(binary_crossentropy, "smoothed_prob", b, q, {"label_smoothing": 0.1})
add(categorical_crossentropy, "smoothed_logits", hot, p, {"from_logits": True, "label_smoothing": 0.1})
add(categorical_crossentropy, "smoothed_prob", hot, dist, {"label_smoothing": 0.1})
add(categorical_crossentropy, "unnormalized_prob", hot, dist * 3, {"from_logits": False})
add(binary_focal_crossentropy, "balanced_logits", b, p, {"from_logits": True, "apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5})
add(binary_focal_crossentropy, "smoothed", b, q, {"label_smoothing": 0.2})
add(categorical_focal_crossentropy, "logits", hot, p, {"from_logits": True, "alpha": 0.5, "gamma": 3.0})
add(hinge, "signed_labels", 2 * b - 1, p)
add(mean_squared_error, "three_axes", d.normal(2, 3, 4), d.normal(2, 3, 4))
add(sparse_categorical_crossentropy, "three_axes_logits", d.integers(0, 4, 2, 3), d.normal(2, 3, 4), {"from_logits": True})
add(mean_absolute_error, "equal_values", torch.tensor([[1.0, 2, 3]]), torch.tensor([[1.0, 2.5, 3]]))
add(mean_absolute_percentage_error, "zero_true", torch.tensor([[0.0, 2, -4]]), torch.tensor([[0.0, 2.5, -3]]))
add(log_cosh, "large", torch.tensor([[0.0, 0, 0, 0]]), torch.tensor([[100.0, -100, 0.5, 0]]))
add(binary_crossentropy, "large_logits", torch.tensor([[0.0, 1, 0, 1]]), torch.tensor([[100.0, -100, -100, 100]]), {"from_logits": True})
add(sparse_categorical_crossentropy, "large_logits", torch.tensor([0.0, 1, 2]),
    torch.tensor([[100.0, -100, 0], [-90, 90, 88], [1000, 999, 998]]), {"from_logits": True})
add(categorical_crossentropy, "certain_prob", torch.tensor([[1.0, 0], [1, 0]]), torch.tensor([[1.0, 0], [0, 1]]), {"from_logits": False})
add(binary_crossentropy, "certain_prob", torch.tensor([[1.0, 0, 1, 0]]), torch.tensor([[1.0, 0, 0, 1]]), {"from_logits": False})
t.save()
