#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Metrics as Keras itself computes them, streaming: inputs true and pred (and sample_weight) hold
all samples, args.batches cuts them into batches of unequal length, want.results has the metric's
value after each batch (one row a batch where it has several values).

The losses are measured by their metrics, LossMetric of Reef.

Keras computes in float32. This topic needs Keras 3 (3.15.1 with the torch backend made the file).
"""
import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np
import torch

from golden import Topic

torch.set_default_dtype(torch.float32)  # which golden changes; the segment sums of Keras need it
if not hasattr(torch, "vmap"):  # before PyTorch 2
    torch.vmap = lambda f: lambda xs: torch.stack([f(x) for x in zip(*xs)])
t = Topic("metrics_keras")
m = keras.metrics
SOURCE = "Keras %s, update_state and result in float32" % keras.__version__
BATCHES = (4, 1, 3)


def add(label, make, args, y, p, weight=None, batches=BATCHES, more=None):
    """Adds a case; more are arguments that are not recorded."""
    y, p = np.asarray(y, dtype="float64"), np.asarray(p, dtype="float64")
    assert sum(batches) == len(p)
    metric = make(**args, **(more or {}))
    results, at = [], 0
    for n in batches:
        part = slice(at, at + n)
        if make in (m.Sum, m.Mean):
            metric.update_state(p[part], sample_weight=None if weight is None else weight[part])
        else:
            metric.update_state(y[part], p[part], sample_weight=None if weight is None else weight[part])
        results.append(np.asarray(keras.ops.convert_to_numpy(metric.result())))
        at += n
    inputs = {"true": y, "pred": p}
    if weight is not None:
        inputs["sample_weight"] = weight
    name = "_".join(filter(None, [make.__name__, label]))
    t.add(name, SOURCE, dict(args, metric=make.__name__, batches=list(batches)), inputs, {"results": np.array(results)})


d, n = t.draw, 8
weight = np.array([1, 0.5, 2, 0.25, 1, 3, 0.25, 1])
b, q = d.integers(0, 2, n, 1).numpy(), d.uniform(0, 1, n, 1).numpy()
b3, q3 = d.integers(0, 2, n, 3).numpy(), d.uniform(0, 1, n, 3).numpy()
b3[0], q3[0] = [1, 0, 1], [0.875, 0.25, 0.75]  # a hit at once
b[:2], q[:2] = [[0], [1]], [[0.25], [0.75]]  # both classes at once
z3 = d.normal(n, 3, scale=2).numpy()
y, p = d.normal(n, 4).numpy(), d.normal(n, 4).numpy()
y3d, p3d = d.normal(n, 3, 4).numpy(), d.normal(n, 3, 4).numpy()

for make in (m.TruePositives, m.TrueNegatives, m.FalsePositives, m.FalseNegatives, m.Precision, m.Recall):
    add("", make, {}, b3, q3)
    add("thresholds", make, {"thresholds": [0.75, 0.25, 0.5]}, b3, q3)
    add("even_thresholds", make, {"thresholds": [0.0, 0.25, 0.5, 0.75, 1.0]}, b3, q3)
    add("weighted", make, {"thresholds": [0.25]}, b, q, weight)
for make in (m.Precision, m.Recall):
    add("class", make, {"class_id": 2}, b3, q3)
    add("class_weighted", make, {"class_id": 0, "thresholds": 0.25}, b3, q3, weight)
    add("top_2", make, {"top_k": 2}, b3, q3)
    add("top_1", make, {"top_k": 1, "thresholds": 0.6}, b3, q3, weight)
    add("top_2_class", make, {"top_k": 2, "class_id": 1}, b3, q3)
for make, word in [(m.SensitivityAtSpecificity, "specificity"), (m.SpecificityAtSensitivity, "sensitivity"),
                   (m.PrecisionAtRecall, "recall"), (m.RecallAtPrecision, "precision")]:
    for least in (0.25, 0.5, 0.75, 1.0):
        add("%s" % least, make, {word: least}, b3, q3)
    add("class", make, {word: 0.5, "class_id": 1}, b3, q3)
    add("thresholds", make, {word: 0.5, "num_thresholds": 7}, b3, q3)
    add("one_threshold", make, {word: 0.25, "num_thresholds": 1}, b3, q3)
    add("weighted", make, {word: 0.4}, b, q, weight)
for curve in ("ROC", "PR", "PRGAIN"):
    for summation in ("interpolation", "majoring", "minoring"):
        args = {"curve": curve, "summation_method": summation}
        add("%s_%s" % (curve, summation), m.AUC, args, b3, q3)
        add("%s_%s_few" % (curve, summation), m.AUC, dict(args, num_thresholds=5), b, q, weight)
add("own_thresholds", m.AUC, {"thresholds": [0.125, 0.5, 0.9]}, b3, q3)
add("own_thresholds_even", m.AUC, {"thresholds": [0.5, 0.25, 0.75], "curve": "PR"}, b3, q3)
add("logits", m.AUC, {"from_logits": True}, b3, z3)
for args in ({}, {"curve": "PR"}, {"curve": "PR", "summation_method": "minoring"}, {"thresholds": [0.3, 0.6]}):
    label = "_".join([str(v) for v in args.values()])
    add("labels" + label, m.AUC, dict(args, multi_label=True), b3, q3, more={"num_labels": 3})
    add("label_weights" + label, m.AUC, dict(args, label_weights=[1.0, 0.5, 2.0]), b3, q3)
    add("labels_label_weights" + label, m.AUC, dict(args, multi_label=True, label_weights=[1.0, 0.5, 2.0]), b3, q3, weight, more={"num_labels": 3})

hot = np.eye(3)[d.integers(0, 3, n).int().numpy()]
for beta in (0.5, 2.0):
    for average in (None, "micro", "macro", "weighted"):
        add("%s_%s" % (beta, average), m.FBetaScore, {"beta": beta, "average": average}, hot, q3)
        add("%s_%s_threshold" % (beta, average), m.FBetaScore, {"beta": beta, "average": average, "threshold": 0.5}, b3, q3, weight)

k4, c4 = d.integers(0, 4, n, 5).numpy(), d.integers(0, 4, n, 5).numpy()
s4 = d.distinct(n, 5, 4).numpy()
s4_first = np.moveaxis(s4, -1, 1)  # (n, 4, 5)
k3 = d.integers(0, 3, n, 5).numpy()  # class 3 does not occur
hot4 = np.eye(4)[k4.astype(int)]
as32 = {"dtype": "float32"}  # by default Keras rounds weights down to integers
add("", m.IoU, {"num_classes": 4, "target_class_ids": [0, 2]}, k4, c4)
add("weighted", m.IoU, {"num_classes": 4, "target_class_ids": [1]}, k4[:, 0], c4[:, 0], weight, more=as32)
add("ignore", m.IoU, {"num_classes": 4, "target_class_ids": [0, 3], "ignore_class": 3}, k4, c4)
add("scores", m.IoU, {"num_classes": 4, "target_class_ids": [0, 2, 3], "sparse_y_pred": False}, k4, s4)
add("one_hot", m.IoU, {"num_classes": 4, "target_class_ids": [0, 2, 3], "sparse_y_true": False}, hot4, c4)
add("absent", m.IoU, {"num_classes": 4, "target_class_ids": [2, 3]}, k3, np.minimum(c4, 2))
add("", m.MeanIoU, {"num_classes": 4}, k4, c4)
add("weighted", m.MeanIoU, {"num_classes": 4}, k4[:, 0], c4[:, 0], weight, more=as32)
add("ignore", m.MeanIoU, {"num_classes": 4, "ignore_class": 255}, np.where(k4 == 1, 255, k4), c4)
add("ignore_-1", m.MeanIoU, {"num_classes": 4, "ignore_class": -1}, np.where(k4 == 2, -1, k4), c4)
# Keras takes the mean of the result along this axis, too, so that others than -1 fail: the values are those of -1.
add("scores", m.MeanIoU, {"num_classes": 4, "sparse_y_pred": False}, k4, s4)
add("", m.BinaryIoU, {}, b3, q3)
add("threshold", m.BinaryIoU, {"target_class_ids": [1], "threshold": 0.25}, b3, q3)
add("weighted", m.BinaryIoU, {"target_class_ids": [0]}, b[:, 0], q[:, 0], weight, more=as32)
add("", m.OneHotIoU, {"num_classes": 4, "target_class_ids": [0, 2]}, hot4, s4)
add("sparse", m.OneHotIoU, {"num_classes": 4, "target_class_ids": [0, 2], "sparse_y_pred": True}, hot4, c4)
add("ignore", m.OneHotIoU, {"num_classes": 4, "target_class_ids": [1, 2], "ignore_class": 0}, hot4, s4)
add("", m.OneHotMeanIoU, {"num_classes": 4}, hot4, s4)
add("sparse", m.OneHotMeanIoU, {"num_classes": 4, "sparse_y_pred": True}, hot4, c4)

for make in (m.CosineSimilarity, m.PearsonCorrelation, m.ConcordanceCorrelation):
    add("", make, {}, y, p)
    add("weighted", make, {}, y, p, weight)
    add("axis_1", make, {"axis": 1}, y3d, p3d)
    add("axis_2", make, {"axis": 2}, y3d, p3d)
    add("axis_-2", make, {"axis": -2}, y3d, p3d)
for aggregation in (None, "uniform_average", "variance_weighted_average"):
    for regressors in (0, 2):
        args = {"class_aggregation": aggregation, "num_regressors": regressors}
        add("%s_%d" % (aggregation, regressors), m.R2Score, args, y, p)
        add("%s_%d_weighted" % (aggregation, regressors), m.R2Score, args, y[:, :2], p[:, :2], weight)
add("few", m.R2Score, {"num_regressors": 7}, y[:, :1], p[:, :1], batches=(7, 1))

add("", m.Accuracy, {}, k4, c4)
add("weighted", m.Accuracy, {}, k4[:, :1], c4[:, :1], weight)
add("", m.Sum, {}, y, p)
add("weighted", m.Sum, {}, y, p, weight)
add("", m.Mean, {}, y, p)
add("weighted", m.Mean, {}, y3d, p3d, weight)
ids = np.argsort(-d.distinct(n, 6).numpy(), -1).astype("float64")
for top in (1, 3):
    add("sorted_ids_%d" % top, m.SparseTopKCategoricalAccuracy, {"k": top, "from_sorted_ids": True}, ids[::-1, 2], ids)

soft = d.distribution(n, 3).numpy()
for args in ({}, {"from_logits": True}, {"label_smoothing": 0.125}, {"from_logits": True, "label_smoothing": 0.25}):
    pred = z3 if args.get("from_logits") else q3
    label = "_".join([str(v) for v in args.values()])
    add(label, m.BinaryCrossentropy, args, b3, pred)
    add(label + "_weighted", m.BinaryCrossentropy, args, b3, pred, weight)
    add(label, m.CategoricalCrossentropy, args, soft, pred)
for args in ({}, {"from_logits": True}):
    label = "_".join([str(v) for v in args.values()])
    add(label, m.SparseCategoricalCrossentropy, args, hot.argmax(-1), z3 if args else soft + 1 / 256)
    add(label + "_weighted", m.SparseCategoricalCrossentropy, args, hot.argmax(-1), z3 if args else soft + 1 / 256, weight)
t.save()
