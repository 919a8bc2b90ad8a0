#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files of Keras with their inputs x and outputs y, in cases.json.

    KERAS_BACKEND=torch python3 make_cases.py        (Keras 3.15.1, h5py, numpy)

The files of expected.json have been made by hand with h5py in the layouts of Keras 2;
their y are Keras 3.15's, those that it cannot load are computed by numpy below: slash,
and the CuDNN layers by NVIDIA's formulas. The other files are saved by Keras and then
changed here as other versions and backends would have written them; their y are what
Keras predicts with the same weights.
"""
import json
import os
import shutil

import h5py
import keras
import numpy as np
from keras import layers as L

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(12)
cases = json.load(open(os.path.join(HERE, "expected.json")))
at = lambda name: os.path.join(HERE, name + ".h5")
sigmoid = lambda x: 1 / (1 + np.exp(-x))


def case(name, x, y, note):
    y = np.asarray(y)
    cases[name] = {"x": [float(v) for v in np.ravel(x)], "xs": list(np.shape(x)), "y": [float("%.8g" % v) for v in y.ravel()], "note": note}


def given(name):
    return np.array(cases[name]["x"]).reshape(cases[name]["xs"])


# slash: two dense layers
with h5py.File(at("slash")) as f:
    w = {}
    f["model_weights"].visititems(lambda n, o: w.update({n: o[()].astype(float)}) if isinstance(o, h5py.Dataset) else None)
layer = lambda n, x: x @ w["%s/%s/kernel:0" % (n, n)] + w["%s/%s/bias:0" % (n, n)]
x = given("slash")
case("slash", x, layer("conv1/out", layer("conv1/conv", x)), cases["slash"]["note"])


def gate(kernel, i, units, rows):
    """The matrix (units, rows) of one gate, whose bytes Keras keeps as (rows, units)."""
    return kernel[:, i * units:(i + 1) * units].reshape(-1).reshape(units, rows)


def cudnn_lstm(x, kernel, recurrent, bias):
    """h' and c' of cuDNN with gates i, f, c, o; W x + R h + bW + bR"""
    u = recurrent.shape[0]
    W = [gate(kernel, i, u, x.shape[2]) for i in range(4)]
    R = [gate(recurrent, i, u, u) for i in range(4)]
    b = bias.reshape(2, 4, u).sum(0)
    h = c = np.zeros((len(x), u))
    for t in range(x.shape[1]):
        i, f, g, o = [x[:, t] @ W[k].T + h @ R[k].T + b[k] for k in range(4)]
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    return h


def cudnn_gru(x, kernel, recurrent, bias):
    """h' of cuDNN with gates z, r, h; the reset gate after the product and its bias"""
    u = recurrent.shape[0]
    W = [gate(kernel, i, u, x.shape[2]) for i in range(3)]
    R = [gate(recurrent, i, u, u) for i in range(3)]
    bw, br = bias.reshape(2, 3, u)
    h = np.zeros((len(x), u))
    for t in range(x.shape[1]):
        X, H = [x[:, t] @ W[k].T + bw[k] for k in range(3)], [h @ R[k].T + br[k] for k in range(3)]
        z, r = sigmoid(X[0] + H[0]), sigmoid(X[1] + H[1])
        h = z * h + (1 - z) * np.tanh(X[2] + r * H[2])
    return h


with h5py.File(at("cudnnlstm")) as f:
    g = f["model_weights/cu_dnnlstm_1/cu_dnnlstm_1"]
    ws = [g[n + ":0"][()].astype(float) for n in ("kernel", "recurrent_kernel", "bias")]
case("cudnnlstm", given("cudnnlstm"), cudnn_lstm(given("cudnnlstm"), *ws), "computed by NVIDIA's formulas")


def legacy(name, config, groups, version="2.2.4", backend="tensorflow"):
    with h5py.File(at(name), "w", track_order=False) as f:
        if config:
            f.attrs["model_config"] = json.dumps(config)
        g = f.create_group("model_weights") if config else f
        g.attrs["backend"], g.attrs["keras_version"] = backend, version
        g.attrs["layer_names"] = list(groups)
        for n, ws in groups.items():
            h = g.create_group(n)
            h.attrs["weight_names"] = [k for k, _ in ws]
            for k, v in ws:
                h.create_dataset(k, data=v)


normal = lambda *shape: rng.normal(0, .5, shape).astype("<f4")
x = normal(2, 5, 3)
ways = [[normal(3, 6), normal(2, 6), normal(12)] for _ in range(2)]
inner = lambda back: {"class_name": "CuDNNGRU", "config": {"name": "gru", "units": 2, "return_sequences": False, "go_backwards": back, "stateful": False}}
legacy("cudnngru", {"class_name": "Sequential", "config": {"name": "s", "layers": [
    {"class_name": "Bidirectional", "config": {"name": "both", "batch_input_shape": [None, 5, 3], "merge_mode": "concat", "layer": inner(False)}}]}},
    {"both": [("both/%s_gru/%s:0" % (d, p), v) for d, ws in zip(("forward", "backward"), ways) for p, v in zip(("kernel", "recurrent_kernel", "bias"), ws)]})
case("cudnngru", x, np.concatenate([cudnn_gru(x, *ways[0]), cudnn_gru(x[:, ::-1], *ways[1])], -1), "Bidirectional(CuDNNGRU), computed by NVIDIA's formulas")


def randomized(m):
    for v in m.weights:
        v.assign(np.abs(normal(*v.shape)) + .5 if "variance" in v.path else normal(*v.shape))
    return m


def saved(name, m, note, change=None):
    x = normal(2, *m.inputs[0].shape[1:])
    y = m.predict(x, verbose=0)
    m.save(at(name))
    if change:
        with h5py.File(at(name), "r+") as f:
            change(f)
        with h5py.File(at(name)) as f, h5py.File(at(name) + "~", "w") as g:  # without what was there before
            for k in f.attrs:
                g.attrs[k] = f.attrs[k]
            f.copy("model_weights", g)
        shutil.move(at(name) + "~", at(name))
    case(name, x, y, note)


# Theano turned the kernels of convolutions, also under TimeDistributed, but not depthwise ones.
def theano(f):
    f.attrs["backend"] = f["model_weights"].attrs["backend"] = "theano"
    for n in ("c2", "up", "each"):
        ws = f["model_weights"][n]
        path = [k for k in ws.attrs["weight_names"] if "kernel" in k][0]
        v = ws[path][()]
        ws[path][...] = v[::-1, ::-1] if v.ndim == 4 else v[::-1]


i = keras.Input((5, 4, 2))
z = L.Conv2D(3, (3, 2), padding="same", name="c2")(i)
z = L.DepthwiseConv2D(2, padding="same", name="depth")(z)
z = L.SeparableConv2D(3, 2, padding="same", name="apart")(z)
z = L.Conv2DTranspose(2, 3, padding="same", name="up")(z)
z = L.TimeDistributed(L.Conv1D(2, 3, padding="same"), name="each")(z)
saved("theano_all", randomized(keras.Model(i, z)), "every convolution, as Theano saved it", theano)


# A nested model of which a layer is frozen: its weights come behind the others; with
# names that tell nothing only the order is left.
def nameless(f):
    for n, g in list(f["model_weights"].items()):
        for k, old in enumerate([str(w) for w in g.attrs["weight_names"]]):
            g["param_%d" % k] = g[old][()]
        old = {str(w).split("/")[0] for w in g.attrs["weight_names"]}
        g.attrs["weight_names"] = ["param_%d" % k for k in range(len(g.attrs["weight_names"]))]
        for k in old:
            del g[k]


def nested(whole):
    i = keras.Input((4,))
    a, b = L.Dense(4, name="a", trainable=False), L.Dense(4, name="b")
    z = L.BatchNormalization(name="n")(a(i))
    inner = keras.Model(i, L.Add(name="sum")([b(z), a(z)]), name="inner")
    if whole:
        inner.trainable = False
    i = keras.Input((4,))
    return randomized(keras.Model(i, L.Dense(2, name="top")(inner(i))))


saved("frozen_layer", nested(False), "names tell")
saved("frozen_layer_order", nested(False), "a frozen layer in a nested model, no names", nameless)
saved("frozen_model_order", nested(True), "a frozen nested model, no names", nameless)

json.dump(cases, open(os.path.join(HERE, "cases.json"), "w"), indent=0)
