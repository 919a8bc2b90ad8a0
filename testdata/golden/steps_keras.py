#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small nets trained by Keras itself (3.15.1, torch backend) in float64 with settings that only training shows:
regularizers, constraints, normalized kernels, statistics with masks.

inputs has x and y, whose first axis are the steps, and the weights before; want has the loss of each step, the
weights after the last one and the prediction for the inputs of step 0 then. A weight is named layer/weight.

    KERAS_BACKEND=torch PYTHONPATH=<Keras's source> /usr/bin/python3 steps_keras.py
"""
import keras
import numpy as np
from keras import constraints, layers, optimizers, regularizers

from golden import Topic

keras.config.set_floatx("float64")
t = Topic("steps_keras")
d = t.draw
SOURCE = "Keras %s on torch, float64, train_on_batch" % keras.__version__
STEPS = 4
OPTIMIZERS = {"sgd": lambda: optimizers.SGD(0.125), "momentum": lambda: optimizers.SGD(0.0625, momentum=0.5), "adam": lambda: optimizers.Adam(0.0625),
              "rmsprop": lambda: optimizers.RMSprop(0.0625), "adagrad": lambda: optimizers.Adagrad(0.125)}


def name(v):
    parts = v.path.split("/")
    return next(p for p in parts if not p.startswith("sequential")) + "/" + parts[-1]


def case(label, parts, shape, ids=0, optimizer="sgd", batch=3):
    model = keras.Sequential([layers.Input(shape), *parts, layers.Dense(1, name="last")])
    x = d.integers(0, ids, STEPS, batch, *shape).numpy() if ids else d.normal(STEPS, batch, *shape).numpy()
    y = d.normal(STEPS, *([batch] + list(model.output_shape[1:]))).numpy()
    model.compile(OPTIMIZERS[optimizer](), "mse", run_eagerly=True)
    before = {}
    for v in model.variables:
        if v.path.split("/")[-1] in ("gamma", "moving_variance", "moving_stddev", "renorm_stddev"):
            w = d.uniform(0.5, 1.5, *v.shape)
        else:
            w = d.normal(*v.shape, scale=0.5)
        v.assign(w.numpy())
        before[name(v)] = w.numpy()
    losses = [float(model.train_on_batch(x[i], y[i])) for i in range(STEPS)]
    after = {name(v): keras.ops.convert_to_numpy(v.value) for v in model.variables}
    assert len(after) == len(model.variables), [v.path for v in model.variables]
    t.add(label + "_" + optimizer, SOURCE, {"net": label, "optimizer": optimizer}, {"x": x, "y": y, **before},
          {"losses": np.array(losses), "prediction": model.predict(x[0], verbose=0), **after})


def table():
    return [layers.Embedding(9, 2, embeddings_regularizer=regularizers.L1L2(0.015625, 0.03125), embeddings_constraint=constraints.MaxNorm(0.75, axis=1), name="table"), layers.Flatten()]


def constrained_table():
    return [layers.Embedding(9, 2, embeddings_constraint=constraints.UnitNorm(axis=1), name="table"), layers.Flatten()]


for optimizer in OPTIMIZERS:
    case("embedding", table(), (3,), ids=9, optimizer=optimizer)
    case("embedding_constraint", constrained_table(), (3,), ids=9, optimizer=optimizer)
restrained = dict(gamma_regularizer=regularizers.L2(0.0625), beta_regularizer=regularizers.L1(0.0625), gamma_constraint=constraints.MaxNorm(1.5), beta_constraint=constraints.NonNeg())
case("batch", [layers.BatchNormalization(momentum=0.5, name="norm", **restrained)], (4,), batch=4)
case("layer", [layers.LayerNormalization(name="norm", **restrained)], (4,), optimizer="adam")
case("group", [layers.GroupNormalization(2, name="norm", **restrained)], (3, 4), optimizer="momentum")
case("masked", [layers.Embedding(5, 3, mask_zero=True, name="table"), layers.BatchNormalization(momentum=0.5, name="norm"), layers.GlobalAveragePooling1D()], (4,), ids=5)


def spectral(layer, n=1):
    return [layers.SpectralNormalization(layer, power_iterations=n, name="spectral")]


case("spectral_dense", spectral(layers.Dense(3, activation="tanh")), (4,))
case("spectral_dense", spectral(layers.Dense(3, activation="tanh")), (4,), optimizer="adam")
case("spectral_dense_twice", spectral(layers.Dense(3, kernel_regularizer=regularizers.L2(0.0625)), 2), (4,))
case("spectral_conv", spectral(layers.Conv2D(3, 2), 3) + [layers.GlobalAveragePooling2D()], (3, 4, 2))
case("spectral_embedding", spectral(layers.Embedding(6, 2)) + [layers.Flatten()], (3,), ids=6)
case("renorm", [layers.BatchNormalization(momentum=0.5, renorm=True, renorm_momentum=0.75, name="norm", **restrained)], (4,), batch=4)
case("renorm_clipped", [layers.BatchNormalization(center=False, scale=False, renorm=True, renorm_clipping={"rmin": 0.75, "rmax": 1.25, "dmax": 0.25}, name="norm")], (3, 4), optimizer="momentum")
t.save()
