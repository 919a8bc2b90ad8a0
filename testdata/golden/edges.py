# SPDX-License-Identifier: Apache-2.0
"""Keras itself (3.15, torch backend) at the edges: losses of probabilities of 0 and 1,
of short vectors and smoothed labels, metrics with ties, zeros, soft labels and strange
weights, and what layers make of masks.

    KERAS_BACKEND=torch PYTHONPATH=<Keras's source> /usr/bin/python3 edges.py
"""
import itertools

import keras
import numpy as np
import torch
from keras import layers, losses, metrics
from keras.src import backend

from golden import Topic

torch.set_default_dtype(torch.float32)
t = Topic("edges")
SOURCE = "Keras %s on torch, float32" % keras.__version__


def f32(*rows):
    return np.array(rows, dtype="float32")


# ---- losses: one row each, so that no error hides in a mean

def loss(name, args, pred, true):
    options = {k: v for k, v in args.items() if k != "loss"}
    f = {
        "binary_crossentropy": losses.BinaryCrossentropy, "categorical_crossentropy": losses.CategoricalCrossentropy,
        "sparse_categorical_crossentropy": losses.SparseCategoricalCrossentropy, "kl_divergence": losses.KLDivergence,
        "poisson": losses.Poisson, "hinge": losses.Hinge, "squared_hinge": losses.SquaredHinge, "categorical_hinge": losses.CategoricalHinge,
        "cosine_similarity": losses.CosineSimilarity, "log_cosh": losses.LogCosh, "huber": losses.Huber,
        "mean_squared_error": losses.MeanSquaredError, "mean_absolute_error": losses.MeanAbsoluteError,
        "mean_absolute_percentage_error": losses.MeanAbsolutePercentageError, "mean_squared_logarithmic_error": losses.MeanSquaredLogarithmicError,
        "binary_focal_crossentropy": losses.BinaryFocalCrossentropy, "categorical_focal_crossentropy": losses.CategoricalFocalCrossentropy,
    }[args["loss"]](**options)
    value = f(torch.tensor(true), torch.tensor(pred))
    t.add("loss %s %s %d" % (args["loss"], name, len(t.cases)), SOURCE, args, {"pred": pred[0], "true": true[0]}, {"loss": value})


EDGES = [0.0, 1e-8, 1e-7, 2e-7, 0.25, 1 - 1e-6, 1 - 1e-7, 1 - 1e-8, 1.0]
for p, y in itertools.product(EDGES, [0.0, 1.0, 0.3]):
    for s in [0, 0.1]:
        loss("edge", {"loss": "binary_crossentropy", "label_smoothing": s}, f32([p]), f32([y]))
    for args in [{}, {"apply_class_balancing": True}, {"gamma": 0.5, "alpha": 0.75, "label_smoothing": 0.2}]:
        loss("edge", {"loss": "binary_focal_crossentropy", **args}, f32([p]), f32([y]))
    loss("edge", {"loss": "kl_divergence"}, f32([p, 1 - p]), f32([y, 1 - y]))
    loss("edge", {"loss": "poisson"}, f32([p, 3]), f32([y, 2]))
    for name in ["hinge", "squared_hinge", "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_logarithmic_error", "log_cosh", "huber"]:
        loss("edge", {"loss": name}, f32([p, -2]), f32([y, 1]))
for p in EDGES:
    row = [p, (1 - p) / 2, (1 - p) / 2]
    for s in [0, 0.1]:
        loss("edge", {"loss": "categorical_crossentropy", "label_smoothing": s}, f32(row), f32([1, 0, 0]))
        loss("edge", {"loss": "categorical_crossentropy", "label_smoothing": s}, f32(row), f32([0, 0.5, 0.5]))
    loss("edge", {"loss": "categorical_focal_crossentropy"}, f32(row), f32([1, 0, 0]))
    loss("edge", {"loss": "categorical_focal_crossentropy", "gamma": 0.5, "label_smoothing": 0.2}, f32(row), f32([0, 1, 0]))
    loss("edge", {"loss": "categorical_hinge"}, f32(row), f32([0, 1, 0]))
    for label in [0.0, 1.0]:
        loss("edge", {"loss": "sparse_categorical_crossentropy"}, f32(row), f32(label))
loss("unnormalized", {"loss": "categorical_crossentropy"}, f32([2, 1, 5]), f32([0, 1, 0]))
for n in [0, 1e-9, 3e-8, 1e-7, 1e-6, 1, 1e4]:
    loss("short", {"loss": "cosine_similarity"}, f32([n, 2 * n]), f32([n, 2 * n]))
    loss("short", {"loss": "cosine_similarity"}, f32([n, -n, 0]), f32([1, 2, 3]))
for e in [-200, -1, 1e-4, 1, 200]:
    for name in ["log_cosh", "huber"]:
        loss("far", {"loss": name}, f32([e]), f32([0.0]))

# ---- metrics

KINDS = {
    "binary_accuracy": metrics.BinaryAccuracy, "categorical_accuracy": metrics.CategoricalAccuracy,
    "sparse_categorical_accuracy": metrics.SparseCategoricalAccuracy, "precision": metrics.Precision, "recall": metrics.Recall,
    "f1_score": metrics.F1Score, "auc": metrics.AUC, "cosine_similarity": metrics.CosineSimilarity, "r2_score": metrics.R2Score,
    "root_mean_squared_error": metrics.RootMeanSquaredError,
}


def metric(name, args, pred, true, weight=None):
    options = {{"threshold": "thresholds"}.get(k, k) if args["metric"] in ("precision", "recall") else k: v for k, v in args.items() if k != "metric"}
    m, results = KINDS[args["metric"]](**options), []
    n = len(pred)
    for lo, hi in [(0, n // 2), (n // 2, n)]:
        m.update_state(torch.tensor(true[lo:hi]), torch.tensor(pred[lo:hi]), None if weight is None else torch.tensor(weight[lo:hi]))
        results += np.asarray(m.result()).ravel().tolist()
    inputs = {"pred": pred, "true": true}
    if weight is not None:
        inputs["sample_weight"] = weight
    t.add("metric %s %s %d" % (args["metric"], name, len(t.cases)), SOURCE, {**args, "batches": [n // 2, n - n // 2]}, inputs, {"results": results})


rng = np.random.RandomState(7)
for k in range(4):  # plain, on thresholds, at the edges, small
    n = 14
    p = np.float32(rng.randint(0, 257, (n, 1)) / 256)
    if k == 1:
        p = (rng.randint(0, 11, (n, 1)) / 10).astype("float32")  # on thresholds
    if k == 2:
        p = np.float32(rng.choice(EDGES, (n, 1)))
    if k == 3:
        p = p * np.float32(1e-3)
    y = (rng.rand(n, 1) < 0.4).astype("float32")
    soft = np.float32(rng.choice([0, 0.125, 0.875, 1], (n, 1)))
    logits = np.float32(np.round(rng.randn(n, 1) * 48) / 16)
    weights = {"": None, "weighted": np.float32(rng.randint(1, 9, n) / 8), "zeros": np.float32(rng.randint(0, 9, n) * (rng.rand(n) < 0.5) / 8), "negative": np.float32((rng.randint(-8, 9, n) + 1 / 16) / 8)}
    for name, w in weights.items():
        for args in [{}, {"curve": "PR"}, {"num_thresholds": 11}, {"num_thresholds": 11, "curve": "PR"}]:
            metric(name, {"metric": "auc", **args}, p, y, w)
        metric(name + " logits", {"metric": "auc", "from_logits": True}, logits, y, w)
        for m in ["precision", "recall"]:
            metric(name, {"metric": m}, p, y, w)
            metric(name, {"metric": m, "threshold": 0.3}, p, y, w)
        metric(name, {"metric": "binary_accuracy", "threshold": 0.3}, p, y, w)
        if name != "negative":
            metric(name, {"metric": "root_mean_squared_error"}, p, y, w)
    metric("soft", {"metric": "auc"}, p, soft)
    metric("soft", {"metric": "precision"}, p, soft)
    metric("soft", {"metric": "recall"}, p, soft)
    metric("soft", {"metric": "binary_accuracy"}, p, soft)
    rows = np.float32(rng.choice([0, 0, 1e-10, 0.2, 0.5, -0.5], (n, 3)))
    onehot = np.eye(3, dtype="float32")[rng.randint(0, 3, n)]
    for average in [None, "micro", "macro", "weighted"]:
        metric("zeros", {"metric": "f1_score", "average": average}, rows, onehot)
        metric("zeros", {"metric": "f1_score", "average": average, "threshold": 0.2}, rows, onehot)
    metric("zeros", {"metric": "f1_score", "average": "macro"}, rows[:4] * 0 + f32([0, 0, 0]), onehot[:4])
    metric("ties", {"metric": "categorical_accuracy"}, rows, onehot)
    metric("ties", {"metric": "sparse_categorical_accuracy"}, rows, onehot.argmax(1).astype("float32"))
    metric("short", {"metric": "cosine_similarity"}, rows * np.float32(10.0 ** -rng.randint(5, 9)), onehot * np.float32(1e-7))
    metric("plain", {"metric": "r2_score"}, rows, np.float32(rng.randint(-16, 17, (n, 3)) / 8))
    metric("weighted", {"metric": "r2_score"}, rows, np.float32(rng.randint(-16, 17, (n, 3)) / 8), np.float32(rng.randint(1, 9, n) / 8))

# ---- masks: x0, x1, ... with the masks m0, m1, ...; an input without a mask has none


def merge(name, shapes, masked):
    draws = rng.permutation(97) / 8 - 6  # all different: where values are equal, backends share gradients differently
    xs = [torch.tensor(np.float32(draws[16 * i:16 * i + int(np.prod(s))].reshape(s))) for i, s in enumerate(shapes)]
    ms = [torch.tensor(np.float32(rng.rand(*s[:2]) < 0.5)) if m else None for s, m in zip(shapes, masked)]
    leaves = [x.clone().requires_grad_() for x in xs]
    ins = [x * 1 for x in leaves]
    for x, m in zip(ins, ms):
        if m is not None:
            backend.set_keras_mask(x, m > 0.5)
    layer = layers.Concatenate(axis=int(name[11:])) if name.startswith("Concatenate") else getattr(layers, name)()
    y = layer(ins)
    r = torch.tensor(np.float32(rng.randint(-16, 17, tuple(y.shape)) / 8))
    grads = torch.autograd.grad((y * r).sum(), leaves, allow_unused=True)
    inputs, want = {"r": r}, {"y": y.detach()}
    for i, (x, m, g) in enumerate(zip(xs, ms, grads)):
        inputs["x%d" % i] = x
        want["dx%d" % i] = torch.zeros_like(x) if g is None else g
        if m is not None:
            inputs["m%d" % i] = m
    mask = backend.get_keras_mask(y)
    if mask is not None:
        want["mask"] = mask.float()
    t.add("masks %s %s %d" % (name, "".join("-m"[m] for m in masked), len(t.cases)), SOURCE, {"layer": name}, inputs, want)


for name in ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate-1", "Concatenate1"]:
    for n in [2, 3]:
        if n == 3 and name == "Subtract":
            continue
        for masked in itertools.product([False, True], repeat=n):
            merge(name, [(2, 3, 2)] * n, masked)
    if not name.startswith("Concatenate"):
        for masked in itertools.product([False, True], repeat=2):
            merge(name, [(2, 3, 2), (2, 3, 1)], masked)
            merge(name, [(2, 1, 2), (2, 3, 2)], (masked[0], False))

# ---- one masked input (2, 4, 3), kernels of 0.25, recurrent kernels of 0.5: the output and its mask

CONSTANT = dict(kernel_initializer=keras.initializers.Constant(0.25))
RECURRENT = dict(recurrent_initializer=keras.initializers.Constant(0.5), **CONSTANT)


def alone(name, layer, *more):
    x = torch.tensor(np.float32(rng.randint(-32, 33, (2, 4, 3)) / 8))
    m = torch.tensor(np.float32([[0, 1, 0, 1], [1, 1, 0, 0]]))
    backend.set_keras_mask(x, m > 0.5)
    ys = layer(x, *([x] * len(more)))
    y = ys[0] if isinstance(ys, (list, tuple)) else ys
    want = {"y": y}
    if (mask := backend.get_keras_mask(y)) is not None:
        want["mask"] = mask.float()
    t.add("alone " + name, SOURCE, {"layer": name}, {"x0": x, "m0": m}, want)


for cell in ["SimpleRNN", "GRU", "LSTM"]:
    make = getattr(layers, cell)
    alone(cell, make(2, **RECURRENT))
    alone(cell + " backwards", make(2, go_backwards=True, **RECURRENT))
    alone(cell + " sequences", make(2, return_sequences=True, **RECURRENT))
    alone(cell + " sequences backwards", make(2, return_sequences=True, go_backwards=True, **RECURRENT))
    alone(cell + " sequences state", make(2, return_sequences=True, return_state=True, **RECURRENT))
    for mode in ["concat", "sum", "mul", "ave"]:
        alone("Bidirectional %s %s" % (cell, mode), layers.Bidirectional(make(2, **RECURRENT), merge_mode=mode))
        alone("Bidirectional %s %s sequences" % (cell, mode), layers.Bidirectional(make(2, return_sequences=True, **RECURRENT), merge_mode=mode))
alone("zero GRU sequences", layers.GRU(2, return_sequences=True, zero_output_for_mask=True, **RECURRENT))
alone("Dense", layers.Dense(2, **CONSTANT))
alone("TimeDistributed", layers.TimeDistributed(layers.Dense(2, **CONSTANT)))
alone("MultiHeadAttention", layers.MultiHeadAttention(2, 3, **CONSTANT), 1)
alone("GlobalAveragePooling1D", layers.GlobalAveragePooling1D())
alone("GlobalMaxPooling1D", layers.GlobalMaxPooling1D())
alone("LayerNormalization", layers.LayerNormalization())
alone("BatchNormalization", layers.BatchNormalization())
alone("Masking", layers.Masking(1.0))
for name, layer in [
    ("Softmax", layers.Activation("softmax")), ("Dropout", layers.Dropout(0.5)), ("SpatialDropout1D", layers.SpatialDropout1D(0.5)), ("GaussianNoise", layers.GaussianNoise(0.5)),
    ("GaussianDropout", layers.GaussianDropout(0.5)), ("LeakyReLU", layers.LeakyReLU()), ("PReLU", layers.PReLU()), ("Rescaling", layers.Rescaling(2.0, 1.0)), ("Flatten", layers.Flatten()),
    ("Reshape", layers.Reshape((4, 3))), ("Permute", layers.Permute((1, 2))), ("Conv1D", layers.Conv1D(2, 1, **CONSTANT)), ("MaxPooling1D", layers.MaxPooling1D(1)),
    ("AveragePooling1D", layers.AveragePooling1D(1)), ("ZeroPadding1D", layers.ZeroPadding1D(1)), ("Cropping1D", layers.Cropping1D(1)), ("UpSampling1D", layers.UpSampling1D(2)),
]:
    alone(name, layer)

# ---- batch normalization in training: statistics of the steps that count

for axis in [-1, 1]:
    bn = layers.BatchNormalization(axis=axis)
    bn.build((None, 4, 3))
    n = bn.gamma.shape[0]
    gamma, beta = f32(2, 0.5, 1, 3)[:n], f32(0.25, -1, 0, 1)[:n]
    bn.gamma.assign(gamma)
    bn.beta.assign(beta)
    x = torch.tensor(np.float32(rng.randint(-32, 33, (2, 4, 3)) / 8), requires_grad=True)
    m, r = torch.tensor([[1.0, 1, 0, 1], [1, 0, 1, 0]]), torch.tensor(np.float32(rng.randint(-16, 17, (2, 4, 3)) / 8))
    x1 = x * 1
    backend.set_keras_mask(x1, m > 0.5)
    (bn(x1, training=True) * r).sum().backward()
    t.add("training BatchNormalization %d" % axis, SOURCE, {"axis": axis}, {"x0": x, "m0": m, "r": r, "gamma": gamma, "beta": beta},
          {"dx0": x.grad, "dgamma": bn.gamma.value.grad, "dbeta": bn.beta.value.grad, "moving_mean": bn.moving_mean.value.detach(), "moving_variance": bn.moving_variance.value.detach()})
t.save()
