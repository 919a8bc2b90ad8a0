#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Optimizers by Keras itself: w0 and five gradients, want.w after each of the five steps and the state
after the last, in float64.

This topic needs Keras 3 (3.15.1 with the torch backend made the file).
"""
import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np

from golden import Topic

keras.config.set_floatx("float64")
t = Topic("optimizers_keras")
o = keras.optimizers
SOURCE = "Keras %s, optimizer.apply in float64" % keras.__version__
STEPS = 5


class ScheduleFreeAdamW(keras.optimizers.ScheduleFreeAdamW):
    """As on JAX, and as the paper has it: update_step reads the momentum before its own update. The other
    backends update it in place and read it afterwards."""

    def assign_sub(self, variable, value):
        variable._value = variable._value - value


def state(optimizer, make):
    """The state of the only weight, by the names that Reef gives it."""
    values = {v.name: v.numpy() for v in optimizer.variables}
    found = {}
    for name in ("accumulator", "linear", "momentum", "velocity"):
        for key, value in values.items():
            if key.endswith("_" + name):
                found[name] = value
    if make is o.Adafactor and optimizer._r[0].shape:
        found = {"row_average": optimizer._r[0].numpy(), "column_average": optimizer._c[0].numpy()}
    return found


def add(label, make, args, shape, gradients=None, path="kernel"):
    w0 = t.draw.normal(*shape).numpy()
    g = t.draw.normal(STEPS, *shape).numpy() if gradients is None else gradients
    w = keras.Variable(w0, dtype="float64", name=path)
    optimizer = make(**args)
    ws = []
    for k in range(STEPS):
        optimizer.apply([keras.ops.convert_to_tensor(g[k], dtype="float64")], [w])
        ws.append(w.numpy().copy())
    given = {k: v for k, v in args.items()}
    given.setdefault("learning_rate", float(optimizer.learning_rate))
    t.add("_".join([make.__name__, label]), SOURCE, dict(given, optimizer=make.__name__), {"w0": w0, "gradients": g},
          {"w": np.stack(ws), **state(optimizer, make)})


def both(make, variants, shapes=((3,), (2, 3))):
    for args in variants:
        for shape in shapes:
            label = "_".join(["x".join(map(str, shape))] + ["%s_%s" % kv for kv in args.items()])
            add(label, make, args, shape)


both(o.Ftrl, [
    {}, {"learning_rate": 0.5, "l1_regularization_strength": 0.25},
    {"learning_rate": 0.25, "l2_regularization_strength": 0.5, "beta": 0.125, "initial_accumulator_value": 0.5},
    {"learning_rate": 0.25, "learning_rate_power": -0.75, "l2_shrinkage_regularization_strength": 0.125},
    {"learning_rate": 0.125, "learning_rate_power": 0.0, "weight_decay": 0.25},
])
both(o.Lamb, [{}, {"learning_rate": 0.125, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.015625}, {"learning_rate": 0.0625, "weight_decay": 0.25}])
add("zero", o.Lamb, {"learning_rate": 0.125}, (3,), np.zeros((STEPS, 3)))
both(ScheduleFreeAdamW, [
    {}, {"learning_rate": 0.25, "beta_1": 0.75, "beta_2": 0.5, "epsilon": 0.015625}, {"learning_rate": 0.125, "warmup_steps": 3, "weight_decay": 0.25},
])
both(o.Adafactor, [
    {}, {"learning_rate": 0.75}, {"learning_rate": 0.5, "beta_2_decay": -0.5, "epsilon_1": 0.015625, "epsilon_2": 0.25, "clip_threshold": 0.25},
    {"learning_rate": 0.125, "weight_decay": 0.25},
], ((3,), (2, 3), (2, 4, 3), (2, 2, 3, 2)))
both(o.Muon, [{}, {"learning_rate": 0.125, "momentum": 0.5}, {"learning_rate": 0.0625, "nesterov": False, "ns_steps": 3},
              {"learning_rate": 0.125, "rms_rate": 0.5, "weight_decay": 0.5, "muon_a": 2.0, "muon_b": -1.5, "muon_c": 0.5}],
     ((3, 3), (2, 5), (6, 3)))
both(o.Muon, [{}, {"learning_rate": 0.125, "adam_lr_ratio": 0.5, "adam_beta_1": 0.75, "adam_beta_2": 0.5, "epsilon": 0.015625, "adam_weight_decay": 0.25}],
     ((3,), (2, 2, 3)))
t.save()
