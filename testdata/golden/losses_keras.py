#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Losses as Keras itself computes them: inputs true and pred (and sample_weight) are a batch,
want.loss is the loss with its reduction and want.dpred its gradient with respect to pred.

Keras computes in float32. This topic needs Keras 3 (3.15.1 with the torch backend made the file).
"""
import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np
import torch

from golden import Topic

torch.set_default_dtype(torch.float32)  # which golden changes
t = Topic("losses_keras")
L = keras.losses
SOURCE = "Keras %s and autograd of PyTorch, in float32" % keras.__version__


def add(label, make, args, y, p, weight=None):
    y, p = np.asarray(y, dtype="float64"), np.asarray(p, dtype="float64")
    pred = torch.tensor(p.astype("float32"), requires_grad=True)
    loss = make(**args)(torch.tensor(y.astype("float32")), pred, None if weight is None else torch.tensor(weight.astype("float32")))
    (dpred,) = torch.autograd.grad(loss, [pred])
    inputs = {"true": y, "pred": p}
    if weight is not None:
        inputs["sample_weight"] = weight
    t.add("_".join(filter(None, [make.__name__, label])), SOURCE, dict(args, loss=make.__name__), inputs,
          {"loss": loss.detach().numpy().reshape(1), "dpred": dpred.numpy()})


d = t.draw
p3 = d.uniform(0.0625, 0.9375, 4, 3).numpy()
c3 = np.array([0, 2, 1, 2])
weight = np.array([1, 0.5, 2, 0.25])
image, classes = d.uniform(0.0625, 0.9375, 4, 3, 5).numpy(), d.integers(0, 3, 4, 5).numpy()
one_hot = np.eye(3)[classes.astype(int)].transpose(0, 2, 1)  # classes along axis 1
logits = d.normal(4, 3, 5, scale=2).numpy()
ignored = classes.copy()
ignored[0, 0], ignored[1, 2:4], ignored[3] = 255, 255, 255
last, of_last = image.transpose(0, 2, 1), one_hot.transpose(0, 2, 1)

make = L.CategoricalGeneralizedCrossEntropy
for q in (0.25, 0.5, 0.875):
    add("%s" % q, make, {"q": q}, c3, p3)
add("weighted", make, {"q": 0.5}, c3, p3, weight)

for make in (L.Dice, L.Tversky):
    add("", make, {}, one_hot, image)
    add("axes", make, {"axis": [1, 2]}, one_hot, image)
    add("axis", make, {"axis": [2]}, one_hot, image)
    add("weighted", make, {"axis": [1, 2]}, one_hot, image, weight)
    add("batch_of_rows", make, {}, np.eye(3)[c3], p3)
add("alpha", L.Tversky, {"alpha": 0.25, "beta": 0.75}, one_hot, image)
add("alpha_axes", L.Tversky, {"alpha": 0.75, "beta": 0.125, "axis": [1, 2]}, one_hot, image)

v = d.normal(6, 4).numpy()
v /= np.sqrt((v * v).sum(-1, keepdims=True))
v = np.round(v * 2**16) / 2**16
labels = np.array([0, 1, 0, 2, 1, 1])
for label, args in [("", {}), ("mild", {"gamma": 2.0, "margin": 0.25}), ("diagonal", {"gamma": 4.0, "remove_diagonal": False})]:
    add(label, L.Circle, args, labels, v)
add("alone", L.Circle, {"gamma": 2.0}, np.array([0, 1, 2, 3, 4, 0]), v)
add("weighted", L.Circle, {"gamma": 2.0}, labels, v, np.array([1, 0.5, 2, 0.25, 1, 3]))

for label, args in [("axis", {"axis": 1}), ("axis_negative", {"axis": -2})]:
    add(label, L.CategoricalCrossentropy, args, one_hot, image)
    add(label, L.CategoricalFocalCrossentropy, dict(args, alpha=0.25, gamma=2.0), one_hot, image)
    add(label, L.SparseCategoricalCrossentropy, args, classes, image)
    add(label + "_logits", L.CategoricalCrossentropy, dict(args, from_logits=True), one_hot, logits)
    add(label + "_logits", L.CategoricalFocalCrossentropy, dict(args, alpha=0.5, gamma=1.0, from_logits=True), one_hot, logits)
    add(label + "_logits", L.SparseCategoricalCrossentropy, dict(args, from_logits=True), classes, logits)
    add(label, L.CosineSimilarity, args, d.normal(4, 3, 5).numpy(), d.normal(4, 3, 5).numpy())
    add(label, L.BinaryCrossentropy, args, one_hot, image)
    add(label, L.BinaryFocalCrossentropy, dict(args, apply_class_balancing=True, alpha=0.25, gamma=2.0), one_hot, image)
make = L.SparseCategoricalCrossentropy
add("ignored", make, {"ignore_class": 255}, ignored.reshape(-1), last.reshape(-1, 3))
add("ignored_steps", make, {"ignore_class": 255}, ignored, last)
add("ignored_weighted", make, {"ignore_class": 255}, ignored.reshape(-1)[:8], last.reshape(-1, 3)[:8], np.array([1, 0.5, 2, 0.25, 1, 3, 0, 1]))
add("ignored_axis", make, {"ignore_class": 255, "axis": 1}, ignored, image)
add("ignored_logits", make, {"ignore_class": -1, "from_logits": True}, np.where(ignored == 255, -1, ignored), logits.transpose(0, 2, 1))
add("ignored_zero", make, {"ignore_class": 0}, c3, p3)

z = d.normal(5, 6, 4, scale=2).numpy()
labels = np.array([[1, 2, 3], [2, 2, 0], [0, 0, 0], [3, 0, 0], [1, 1, 1]])  # repeats, empty, as many steps as needed
add("", L.CTC, {}, labels, z)
add("weighted", L.CTC, {}, labels, z, np.array([1, 0.5, 2, 0.25, 3]))
add("one_step", L.CTC, {}, np.array([[1], [0]]), z[:2, :1])
add("longer", L.CTC, {}, d.integers(1, 6, 2, 8).numpy(), d.normal(2, 30, 6, scale=4).numpy())
t.save()
