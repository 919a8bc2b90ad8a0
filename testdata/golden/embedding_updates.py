#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Training steps of a net with an embedding, made by Keras itself, with every
optimizer: rows of the table come, stay away and come again.

The net is Embedding(6, 2), Flatten, Dense(1) with the loss mse; step i trains on
ids[i] and y[i] in float64. The case "data" holds these for all others, with the net's
first output for ids[0]. want.rows is the table after step 4 and after the last
step, want.kernel and want.bias the dense layer after the last one, want.average_rows
and want.average_kernel the moving averages where there are some.

This topic needs Keras 3 (3.15.1 with the torch backend made the file); the others
need numpy and PyTorch only.
"""
import os

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np

from golden import Topic

keras.config.set_floatx("float64")
t = Topic("embedding_updates")
SOURCE = "Keras %s, train_on_batch" % keras.__version__
STEPS, BATCH, LENGTH, WORDS, DIM = 9, 2, 3, 6, 2

optimizers = keras.optimizers


class ScheduleFreeAdamW(keras.optimizers.ScheduleFreeAdamW):
    """As on JAX, and as the paper has it: update_step reads the momentum before its own update. The other
    backends update it in place and read it afterwards."""

    def assign_sub(self, variable, value):
        variable._value = variable._value - value

KINDS = {
    "sgd": (optimizers.SGD, {}),
    "sgd_momentum": (optimizers.SGD, {"momentum": 0.9}),
    "sgd_nesterov": (optimizers.SGD, {"momentum": 0.8, "nesterov": True}),
    "rmsprop": (optimizers.RMSprop, {}),
    "rmsprop_centered": (optimizers.RMSprop, {"centered": True}),
    "rmsprop_momentum": (optimizers.RMSprop, {"momentum": 0.7}),
    "rmsprop_both": (optimizers.RMSprop, {"momentum": 0.5, "centered": True, "rho": 0.8}),
    "adam": (optimizers.Adam, {}),
    "adam_amsgrad": (optimizers.Adam, {"amsgrad": True, "beta_2": 0.9}),
    "adamw": (optimizers.AdamW, {"weight_decay": 0.04}),
    "adamax": (optimizers.Adamax, {}),
    "nadam": (optimizers.Nadam, {}),
    "lion": (optimizers.Lion, {}),
    "adagrad": (optimizers.Adagrad, {}),
    "adadelta": (optimizers.Adadelta, {}),
    "ftrl": (optimizers.Ftrl, {"l1_regularization_strength": 0.0625}),
    "lamb": (optimizers.Lamb, {}),
    "schedulefree": (ScheduleFreeAdamW, {}),
    "adafactor": (optimizers.Adafactor, {}),
    "muon": (optimizers.Muon, {"exclude_embeddings": False}),
}
RATES = {"ftrl": 0.25, "adadelta": 1.0, "adagrad": 0.25, "lion": 0.03125}
EXTRAS = {
    "plain": {},
    "clipvalue": {"clipvalue": 0.125},
    "clipnorm": {"clipnorm": 0.25},
    "global_clipnorm": {"global_clipnorm": 0.25},
    "weight_decay": {"weight_decay": 0.125},
    "ema": {"use_ema": True, "ema_momentum": 0.75},
    "ema_overwrite": {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3},
    "accumulate": {"gradient_accumulation_steps": 2},
    "accumulate_ema": {"gradient_accumulation_steps": 2, "use_ema": True, "ema_momentum": 0.75},
    "accumulate_all": {"gradient_accumulation_steps": 3, "use_ema": True, "ema_momentum": 0.5, "clipnorm": 0.25, "weight_decay": 0.125},
}
# Factors of the rate: in Keras they count batches.
SCHEDULE = {"boundaries": [0, 2, 5], "values": [1.0, 0.5, 0.25, 2.0]}

ids = t.draw.integers(0, 3, STEPS, BATCH, LENGTH).numpy()
ids[1] = 0  # and rows that are met once
ids[3, 0, 1], ids[6, 1, 2] = 4, 3
y = t.draw.normal(STEPS, BATCH, 1).numpy()
rows0 = t.draw.normal(WORDS, DIM).numpy()
kernel0 = t.draw.normal(LENGTH * DIM, 1, scale=0.5).numpy()


def net(constraint):
    layers = [keras.layers.Input((LENGTH,)), keras.layers.Embedding(WORDS, DIM), keras.layers.Flatten(),
              keras.layers.Dense(1, kernel_constraint=keras.constraints.MinMaxNorm(0.25, 0.5, rate=0.5) if constraint else None)]
    model = keras.Sequential(layers)
    model.layers[0].set_weights([rows0])
    model.layers[2].set_weights([kernel0, np.zeros(1)])
    return model


def run(kind, extra, schedule, constraint):
    make, own = KINDS[kind]
    args = {**own, **EXTRAS[extra], "learning_rate": RATES.get(kind, 0.0625)}
    given = dict(args)
    if schedule:
        given["learning_rate"] = optimizers.schedules.PiecewiseConstantDecay(
            SCHEDULE["boundaries"], [args["learning_rate"] * v for v in SCHEDULE["values"]])
    model = net(constraint)
    model.compile(make(**given), "mse", run_eagerly=True)
    want, tables = {}, []
    for step in range(STEPS):
        model.train_on_batch(ids[step], y[step])
        if step == 3 or step == STEPS - 1:
            tables.append(model.layers[0].get_weights()[0])
    want["rows"] = np.stack(tables)
    want["kernel"], want["bias"] = model.layers[2].get_weights()
    if args.get("use_ema"):
        averages = model.optimizer._model_variables_moving_average
        want["average_rows"], want["average_kernel"] = averages[0].numpy(), averages[1].numpy()
    name = "_".join([kind, extra] + ["schedule"] * schedule + ["constraint"] * constraint)
    t.add(name, SOURCE, {"optimizer": make.__name__, **args, **(SCHEDULE if schedule else {}), "constraint": constraint},
          {}, {k: np.round(v, 10) for k, v in want.items()})


t.add("data", SOURCE, {}, {"ids": ids, "y": y, "rows": rows0, "kernel": kernel0}, {"first": np.round(net(False).predict(ids[0], verbose=0), 10)})
for kind in KINDS:
    for extra in EXTRAS:
        if kind == "adamw" and extra == "weight_decay":
            continue
        run(kind, extra, False, False)
for kind in ["sgd", "adam"]:
    for extra in ["plain", "ema", "accumulate", "accumulate_all"]:
        run(kind, extra, True, False)
        run(kind, extra, False, True)
t.save()
