# SPDX-License-Identifier: Apache-2.0
"""RNN and StackedRNNCells of SimpleRNNCell, GRUCell and LSTMCell by Keras itself (3.15, torch backend) in
float64. Names of weights, initial states and last states begin with a, b, ... for the first, second, ... cell.

    KERAS_BACKEND=torch PYTHONPATH=<Keras's source> /usr/bin/python3 layers_rnn_keras.py
"""
import keras
import torch
from keras import layers, tree

from golden import Topic

t = Topic("layers_rnn_keras")
d = t.draw
SOURCE = "Keras %s on torch, float64" % keras.__version__
LETTERS = "abc"


def names_of(cells):
    return [n for k, (kind, _, _) in enumerate(cells) for n in ([LETTERS[k] + "_h"] + ([LETTERS[k] + "_c"] if kind == "LSTMCell" else []))]


def case(label, cells, mask=None, states=False, **options):
    x = d.normal(2, 4, 3)
    made = [getattr(layers, kind)(units, dtype="float64", **args) for kind, units, args in cells]
    layer = layers.RNN(layers.StackedRNNCells(made, dtype="float64") if len(made) > 1 else made[0], dtype="float64", **options)
    layer.build(x.shape)
    variables = layer.trainable_variables
    names = [LETTERS[k] + "_" + v.name for k, c in enumerate(made) for v in c.trainable_variables]
    assert [v.path for c in made for v in c.trainable_variables] == [v.path for v in variables]
    weights = {n: d.normal(*v.shape, scale=0.5) for n, v in zip(names, variables)}
    units = dict((LETTERS[k], u) for k, (_, u, _) in enumerate(cells))
    first = {n + "0": d.normal(2, units[n[0]]) for n in names_of(cells)} if states else {}
    inputs = {"x": x, **({"mask": torch.tensor(mask, dtype=torch.float64)} if mask else {}), **first}

    def f(x, mask=None, **values):
        call = {"mask": mask != 0} if mask is not None else {}
        if states:
            each = [[values[n] for n in first if n[0] == LETTERS[k]] for k in range(len(cells))]
            call["initial_state"] = each if len(cells) > 1 else each[0]
        y, _ = layer.stateless_call([values[n] for n in names], [v.value for v in layer.non_trainable_variables], x, **call)
        return tuple(tree.flatten(y)) if options.get("return_state") else y

    args = {"layer": "RNN", "cells": [{"cell": kind, "units": u, **a} for kind, u, a in cells], **options}
    t.layer(label, SOURCE, args, f, {**inputs, **weights}, fixed=("mask",), outputs=["y"] + (names_of(cells) if options.get("return_state") else []))


simple, gru, lstm = ("SimpleRNNCell", 2, {}), ("GRUCell", 3, {}), ("LSTMCell", 2, {})
gaps = [[1, 0, 1, 1], [0, 1, 1, 0]]
case("simple", [simple])
case("lstm", [lstm], return_sequences=True, return_state=True)
case("gru_backwards", [("GRUCell", 2, {"reset_after": False})], go_backwards=True, return_sequences=True)
case("lstm_states", [lstm], states=True)
case("gru_lstm", [gru, lstm])
case("lstm_gru_simple", [lstm, gru, simple], return_sequences=True, return_state=True)
case("gru_gru_backwards", [gru, ("GRUCell", 2, {"use_bias": False, "activation": "relu"})], go_backwards=True, return_sequences=True, return_state=True)
case("lstm_lstm_states", [lstm, ("LSTMCell", 3, {"recurrent_activation": "hard_sigmoid"})], states=True, return_state=True)
case("lstm_gru_masked", [lstm, gru], mask=gaps, return_sequences=True, return_state=True)
case("gru_simple_masked_backwards", [gru, simple], mask=gaps, go_backwards=True, return_sequences=True)
case("gru_simple_masked_zero", [gru, simple], mask=gaps, go_backwards=True, return_sequences=True, zero_output_for_mask=True)
t.save()
