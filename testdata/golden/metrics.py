#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Metrics, streaming: inputs true and pred (and sample_weight) hold all samples,
args.batches cuts them into batches of unequal length, want.results has the
metric's value after each batch (one row a batch where it has several values).

Formulas of https://keras.io/api/metrics in numpy float64, computed at once on
everything seen so far, so that nothing of a streaming implementation is shared.
"""
import numpy as np

from golden import Topic, same

t = Topic("metrics")
SOURCE = "formula of keras.io/api/metrics in numpy float64 on all samples seen so far"
EPS = 1e-7


def ratio(a, b):
    return a / b if b else 0.0


def mean(values, w):
    """Mean of one value a sample, weighted by w where given."""
    return values.mean() if w is None else ratio((values * w).sum(), w.sum())


def rows(v):
    return v.reshape(len(v), -1).mean(1)


def binary_accuracy(y, p, w, threshold=0.5):
    return mean(rows(((p > threshold) == (y > 0.5)).astype(float)), w)


def categorical_accuracy(y, p, w):
    return mean((y.argmax(-1) == p.argmax(-1)).astype(float), w)


def sparse_categorical_accuracy(y, p, w):
    return mean((y == p.argmax(-1)).astype(float), w)


def sparse_top_k_categorical_accuracy(y, p, w, k=5):
    true = p[np.arange(len(p)), y.astype(int)]
    return mean(((p > true[:, None]).sum(-1) < k).astype(float), w)


def top_k_categorical_accuracy(y, p, w, k=5):
    return sparse_top_k_categorical_accuracy(y.argmax(-1), p, w, k)


def mean_squared_error(y, p, w):
    return mean(rows((y - p) ** 2), w)


def mean_absolute_error(y, p, w):
    return mean(rows(np.abs(y - p)), w)


def root_mean_squared_error(y, p, w):
    return np.sqrt(mean(rows((y - p) ** 2), w))


def cosine_similarity(y, p, w):
    return mean((y * p).sum(-1) / np.sqrt((y * y).sum(-1) * (p * p).sum(-1)), w)


def r2_score(y, p, w):
    w = np.ones(len(y)) if w is None else w
    w = w[:, None]
    center = (y * w).sum(0) / w.sum()
    return np.mean(1 - (w * (y - p) ** 2).sum(0) / (w * (y - center) ** 2).sum(0))


def counts(y, p, w, threshold):
    w = np.ones_like(p) if w is None else np.broadcast_to(w.reshape((-1,) + (1,) * (p.ndim - 1)), p.shape)
    hit = p > threshold
    return (w * (hit * y)).sum(), (w * (hit * (1 - y))).sum(), (w * (~hit * y)).sum(), (w * (~hit * (1 - y))).sum()


def precision(y, p, w, threshold=0.5):
    tp, fp, _, _ = counts(y, p, w, threshold)
    return ratio(tp, tp + fp)


def recall(y, p, w, threshold=0.5):
    tp, _, fn, _ = counts(y, p, w, threshold)
    return ratio(tp, tp + fn)


def f1_score(y, p, w, average=None, threshold=None):
    if threshold is None:
        hit = (p >= p.max(-1, keepdims=True)).astype(float)
    else:
        hit = (p > threshold).astype(float)
    w = np.ones(len(p)) if w is None else w
    axis = None if average == "micro" else 0
    tp = (w[:, None] * hit * y).sum(axis)
    fp = (w[:, None] * hit * (1 - y)).sum(axis)
    fn = (w[:, None] * (1 - hit) * y).sum(axis)
    precision, recall = tp / (tp + fp + EPS), tp / (tp + fn + EPS)
    f1 = 2 * precision * recall / (precision + recall + EPS)
    if average == "macro":
        return f1.mean()
    if average == "weighted":
        support = (w[:, None] * y).sum(0)
        return (f1 * support).sum() / (support.sum() + EPS)
    return f1


def auc(y, p, w, num_thresholds=200):
    """Area under the ROC curve: trapezia over evenly spaced thresholds (Keras's curve="ROC", interpolation)."""
    inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
    points = []
    for threshold in [-EPS] + inner + [1 + EPS]:
        tp, fp, fn, tn = counts(y, p, w, threshold)
        points.append((ratio(fp, fp + tn), ratio(tp, tp + fn)))
    x, h = np.array(points).T
    return ((x[:-1] - x[1:]) * (h[:-1] + h[1:]) / 2).sum()


def auc_pr(y, p, w, num_thresholds=200):
    """Area under precision over recall: between two thresholds the true positives grow linearly with the
    positives (Davis & Goadrich 2006; Keras's curve="PR", interpolation), integrated by the midpoint rule."""
    inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
    points = []
    for threshold in [-EPS] + inner + [1 + EPS]:
        tp, fp, fn, _ = counts(y, p, w, threshold)
        points.append((tp, tp + fp))
    area = 0.0
    for (a, pa), (b, pb) in zip(points[1:], points[:-1]):
        if pb > pa:
            at = (np.arange(200000) + 0.5) / 200000
            area += ((b - a) / 200000 * (a + (b - a) * at) / (pa + (pb - pa) * at)).sum()
    return ratio(area, tp + fn if tp + fn else points[0][0])


def auc_exact(y, p, w):
    """The chance that a positive is scored above a negative, ties counting half (Mann-Whitney)."""
    a, b = p[y == 1], p[y == 0]
    return ratio((a[:, None] > b).sum() + 0.5 * (a[:, None] == b).sum(), len(a) * len(b))


def confusion_matrix(y, p, w):
    m = np.zeros((p.shape[-1], p.shape[-1]))
    for i, j in zip(y.astype(int), p.argmax(-1)):
        m[i, j] += 1  # rows: true class, columns: predicted
    return m


# The examples of the documentation, to their digits.
same("auc", auc(np.array([0, 0, 1, 1]), np.array([0, 0.5, 0.3, 0.9]), None, 3), 0.75, 1e-6)
same("auc weighted", auc(np.array([0, 0, 1, 1]), np.array([0, 0.5, 0.3, 0.9]), np.array([1, 0, 0, 1]), 3), 1.0, 1e-6)
same("f1", f1_score(np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0]]), np.array([[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0]]), None, None, 0.5), [0.5, 0.8, 2 / 3], 1e-6)
same("r2", r2_score(np.array([[1.0], [4], [3]]), np.array([[2.0], [4], [4]]), None), 0.57142854, 1e-6)
same("binary accuracy", binary_accuracy(np.array([[1.0], [1], [0], [0]]), np.array([[0.98], [1], [0], [0.6]]), None), 0.75)
same("precision", precision(np.array([0, 1, 1, 1]), np.array([1, 0, 1, 1]), None), 2 / 3, 1e-6)
same("recall weighted", recall(np.array([0, 1, 1, 1]), np.array([1, 0, 1, 1]), np.array([0, 0, 1, 0])), 1.0, 1e-6)


def add(f, label, y, p, args=None, weight=None, batches=(4, 1, 3)):
    args = args or {}
    y, p = np.asarray(y), np.asarray(p)
    assert sum(batches) == len(p)
    ends = np.cumsum(batches)
    results = [f(y[:e], p[:e], None if weight is None else weight[:e], **args) for e in ends]
    inputs = {"true": y, "pred": p}
    if weight is not None:
        inputs["sample_weight"] = weight
    name = f.__name__ + ("_" + label if label else "")
    t.add(name, SOURCE, dict(args, metric=f.__name__, batches=list(batches)), inputs, {"results": np.array(results)})


d = t.draw
n = 8
b, q = d.integers(0, 2, n, 1), d.uniform(0, 1, n, 1)
b2, q2 = d.integers(0, 2, n, 3), d.uniform(0, 1, n, 3)
k, z = d.integers(0, 7, n), d.distinct(n, 7)
z[0, int(k[0])] = 20  # at least one hit in the first batch
k3 = np.array([0, 2, 1, 1, 2, 0, 2, 2])
z3 = d.distinct(n, 3).numpy()
z3[[0, 1, 4, 6], k3[[0, 1, 4, 6]]] += 10
y, p = d.normal(n, 2), d.normal(n, 2)
weight = np.array([1, 0.5, 2, 0, 1, 3, 0.25, 1])
hot, hot3 = np.eye(7)[k.int().numpy()], np.eye(3)[k3]

add(binary_accuracy, "", b, q)
add(binary_accuracy, "three_outputs", b2, q2)
add(binary_accuracy, "threshold", b2, q2, {"threshold": 0.25})
add(binary_accuracy, "weighted", b2, q2, weight=weight)
add(binary_accuracy, "at_threshold", [[1.0], [0]], [[0.5], [0.5]], batches=(1, 1))
add(categorical_accuracy, "", hot3, z3)
add(categorical_accuracy, "weighted", hot3, z3, weight=weight)
add(sparse_categorical_accuracy, "", k3, z3)
add(sparse_categorical_accuracy, "weighted", k3, z3, weight=weight)
add(sparse_categorical_accuracy, "tie_takes_first", [0, 1.0], [[1.0, 1], [1, 1]], batches=(1, 1))
add(sparse_categorical_accuracy, "batch_1", k3[:1], z3[:1], batches=(1,))
for top in (1, 2, 5):
    add(top_k_categorical_accuracy, "k%d" % top, hot, z, {"k": top})
    add(sparse_top_k_categorical_accuracy, "k%d" % top, k, z, {"k": top})
for f in (mean_squared_error, mean_absolute_error, root_mean_squared_error, cosine_similarity):
    add(f, "", y, p)
    add(f, "weighted", y, p, weight=weight)
add(r2_score, "", y, p)
add(r2_score, "one_output", y[:, :1], p[:, :1])
add(r2_score, "weighted", y, p, weight=weight)
for f in (precision, recall):
    add(f, "", b, q)
    add(f, "three_outputs", b2, q2, {"threshold": 0.25})
    add(f, "weighted", b, q, weight=weight)
    add(f, "nothing_predicted", [[1.0], [0]], [[0.125], [0.25]], batches=(2,))
for average in (None, "micro", "macro", "weighted"):
    add(f1_score, "%s" % average, hot3, z3, {"average": average})
    add(f1_score, "%s_threshold" % average, b2, q2, {"average": average, "threshold": 0.5})
add(auc, "", b, q)
add(auc, "weighted", b, q, weight=weight)
add(auc, "ten_thresholds", b, q, {"num_thresholds": 10})
add(auc, "one_class", np.ones((4, 1)), q[:4], batches=(4,))
add(auc_exact, "", b, q)
add(auc_exact, "ties", [[1.0], [0], [1], [0]], [[0.5], [0.5], [0.75], [0.25]], batches=(2, 2))
add(confusion_matrix, "", k3, z3)
for label, weights in (("", None), ("weighted", weight)):
    add(auc_pr, label, b, q, weight=weights)
for c in t.cases[-2:]:
    c["args"].update(metric="auc", curve="PR")
t.save()
