#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Losses of Dense layers with reductions, sample weights, weights of steps and masks, by train_on_batch of
Keras itself: want.loss, want.metrics (the weighted metrics, in their order) and want.dkernel, the gradient
of the kernel, which is the step of SGD(1).

Keras computes in float32. This topic needs Keras 3 (3.15.1 with the torch backend made the file).
"""
import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np
import torch

from golden import Topic

torch.set_default_dtype(torch.float32)  # which golden changes
t = Topic("losses_weighted_keras")
d = t.draw
SOURCE = "Keras %s, train_on_batch" % keras.__version__
REDUCTIONS = ("sum_over_batch_size", "sum", "mean_with_sample_weight")


def add(label, loss, reduction, x, y, kernel, weights=None, mask=False, activation=None):
    make = getattr(keras.losses, loss)
    layers = [keras.Input(x.shape[1:])] + [keras.layers.Masking(0.0)] * mask
    m = keras.Sequential(layers + [keras.layers.Dense(kernel.shape[1], use_bias=False, activation=activation)])
    metrics = {"SparseCategoricalCrossentropy": [keras.metrics.SparseCategoricalCrossentropy(), keras.metrics.SparseCategoricalAccuracy()],
               "MeanSquaredError": [keras.metrics.MeanSquaredError(), keras.metrics.MeanAbsoluteError()]}[loss]
    m.compile(keras.optimizers.SGD(1.0), make(reduction=reduction), weighted_metrics=metrics)
    m.layers[-1].set_weights([kernel])
    logs = m.train_on_batch(x, y, sample_weight=weights, return_dict=True)
    args = {"loss": loss, "reduction": reduction, "mask": mask, "activation": activation or "linear"}
    inputs = {"x": x, "y": y, "kernel": kernel}
    if weights is not None:
        inputs["weights"] = weights
    values = [float(logs[k]) for k in logs if k != "loss"]
    t.add("_".join([loss, label, reduction]), SOURCE, args, inputs, {
        "loss": np.array([float(logs["loss"])]), "metrics": np.array(values), "dkernel": kernel - m.layers[-1].get_weights()[0]})


x, kernel = d.normal(4, 5, 3).numpy().astype("float32"), d.normal(3, 3).numpy().astype("float32")
y, classes = d.normal(4, 5, 3).numpy().astype("float32"), d.integers(0, 3, 4, 5).numpy().astype("int32")
steps = d.uniform(0, 2, 4, 5).numpy().astype("float32")
steps[0, 1], steps[2, :] = 0, 0
masked = x.copy()
masked[0, 3:], masked[1, 4], masked[3, 1:] = 0, 0, 0
picture, truth = d.normal(2, 3, 4, 3).numpy().astype("float32"), d.normal(2, 3, 4, 3).numpy().astype("float32")
pixels = d.uniform(0, 2, 2, 3, 4).numpy().astype("float32")
samples = np.array([1, 0.5, 0, 2], "float32")
for reduction in REDUCTIONS:
    add("samples", "MeanSquaredError", reduction, x[:, 0], y[:, 0], kernel, samples)
    add("plain", "MeanSquaredError", reduction, x, y, kernel)
    add("steps", "MeanSquaredError", reduction, x, y, kernel, steps)
    add("masked", "MeanSquaredError", reduction, masked, y, kernel, None, True)
    add("masked_steps", "MeanSquaredError", reduction, masked, y, kernel, steps, True)
    for label, weights in (("masked", None), ("masked_steps", steps)):
        add(label, "SparseCategoricalCrossentropy", reduction, masked, classes, kernel, weights, True, "softmax")
    add("steps", "SparseCategoricalCrossentropy", reduction, x, classes, kernel, steps, False, "softmax")
    add("pixels", "MeanSquaredError", reduction, picture, truth, kernel, pixels)
add("nothing", "MeanSquaredError", "mean_with_sample_weight", x, y, kernel, 0 * steps)
t.save()
