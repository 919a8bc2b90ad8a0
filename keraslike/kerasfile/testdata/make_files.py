#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two models in files as Keras writes them, and predictions.json: what they and real
Keras files predict, computed by numpy from what h5py reads.

    /usr/bin/python3 make_files.py [folder of real Keras files]

(Debian: python3-h5py 3.7, python3-numpy 1.24.) The configurations follow those of
files that Keras 2.13 and 3.12 wrote. The real files are not ours to hand on; the
test finds them in $REEF_DATA, here are only their predictions.
"""
import io
import json
import math
import os
import sys
import zipfile

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.RandomState(1)
erf = np.vectorize(math.erf)


# --- inputs that a test can compute too

def noise(shape):
    k = np.arange(int(np.prod(shape)), dtype=np.uint64)
    return (((k * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)) >> np.uint64(24)).astype(np.float64).reshape(shape)


# --- Keras's layers, from their formulas

def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


ACT = {
    "linear": lambda x: x, "relu": lambda x: np.maximum(x, 0), "sigmoid": sigmoid, "tanh": np.tanh, "softmax": softmax,
    "swish": lambda x: x * sigmoid(x), "silu": lambda x: x * sigmoid(x), "gelu": lambda x: x * (1 + erf(x / math.sqrt(2))) / 2,
}


def dense(x, w, act="linear"):
    return ACT[act](x @ w[0] + w[1])


def windows(x, kh, kw, stride, same, fill):
    if same:
        pads = []
        for n, k in ((x.shape[1], kh), (x.shape[2], kw)):
            total = max((-(-n // stride) - 1) * stride + k - n, 0)
            pads.append((total // 2, total - total // 2))
        x = np.pad(x, [(0, 0), pads[0], pads[1], (0, 0)], constant_values=fill)
    v = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), axis=(1, 2))
    return v[:, ::stride, ::stride]  # n, y, x, channel, kh, kw


def conv2d(x, w, act="linear", stride=1, same=False):
    return ACT[act](np.einsum("nyxcij,ijco->nyxo", windows(x, *w[0].shape[:2], stride, same, 0), w[0]) + w[1])


def conv1d(x, w, act):
    return conv2d(x[:, None], [w[0][None], w[1]], act)[:, 0]


def maxpool(x, size, stride, same=False):
    return windows(x, size, size, stride, same, -np.inf).max((4, 5))


def batchnorm(x, w, epsilon=1e-3):
    gamma, beta, mean, variance = w
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def layernorm(x, w, epsilon=1e-3):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return w[0] * (x - mean) / np.sqrt(variance + epsilon) + w[1]


def lstm(x, w, sequences=False):
    kernel, recurrent, bias = w
    u = recurrent.shape[0]
    h = c = np.zeros((len(x), u))
    out = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        out.append(h)
    return np.stack(out, 1) if sequences else h


def gru(x, w, sequences=False):
    """reset_after=True"""
    kernel, recurrent, bias = w
    u = recurrent.shape[0]
    h = np.zeros((len(x), u))
    out = []
    for t in range(x.shape[1]):
        xz, xr, xh = np.split(x[:, t] @ kernel + bias[0], 3, -1)
        hz, hr, hh = np.split(h @ recurrent + bias[1], 3, -1)
        z, r = sigmoid(xz + hz), sigmoid(xr + hr)
        h = z * h + (1 - z) * np.tanh(xh + r * hh)
        out.append(h)
    return np.stack(out, 1) if sequences else h


def both_ways(f, x, w):
    return np.concatenate([f(x, w[:3]), f(x[:, ::-1], w[3:])], -1)


# --- writing

def random(*shape):
    return (rng.standard_normal(shape) / math.sqrt(max(1, shape[0] if len(shape) == 2 else np.prod(shape[:-1])))).astype("<f4")


def positive(n):
    return rng.uniform(0.5, 1.5, n).astype("<f4")


def init(name):
    return {"module": "keras.initializers", "class_name": name, "config": {}, "registered_name": None}


COMMON = {"trainable": True, "dtype": "float32"}
KERNEL = {
    "use_bias": True, "kernel_initializer": init("GlorotUniform"), "bias_initializer": init("Zeros"), "kernel_regularizer": None,
    "bias_regularizer": None, "activity_regularizer": None, "kernel_constraint": None, "bias_constraint": None,
}


def layer(cls, name, inbound=None, common=COMMON, **config):
    l = {"class_name": cls, "config": {"name": name, **common, **config}}
    if inbound is not None:
        l["name"], l["inbound_nodes"] = name, inbound
    return l


def at(*names):
    """One call of Keras 2: tensors as (layer, call)."""
    return [[n if isinstance(n, str) else n[0], 0 if isinstance(n, str) else n[1], 0, {}] for n in names]


def conv(name, inbound, filters, size, strides, padding, activation):
    return layer("Conv2D", name, inbound, filters=filters, kernel_size=[size, size], strides=[strides, strides], padding=padding,
                 data_format="channels_last", dilation_rate=[1, 1], groups=1, activation=activation, **KERNEL)


def legacy(path, config, groups, version):
    with h5py.File(path, "w") as f:
        f.attrs["backend"], f.attrs["keras_version"] = "tensorflow", version
        f.attrs["model_config"] = json.dumps(config)
        g = f.create_group("model_weights")
        g.attrs["layer_names"] = list(groups)
        for name, ws in groups.items():
            h = g.create_group(name)
            h.attrs["weight_names"] = [n + ":0" for n, _ in ws]
            for n, v in ws:
                h.create_dataset(n + ":0", data=v)


predictions = {}


def predicted(file, x, y):
    predictions[file] = {"shape": list(x.shape), "want": [float("%.8g" % v) for v in y.ravel()]}


# A functional model of Keras 2: branches, a layer used twice, a nested Sequential model,
# a frozen layer, a regularizer, strides with same padding at odd sizes.
stem, bn = [random(3, 3, 2, 4), random(4)], [positive(4), random(4), random(4), positive(4)]
left, right = [random(1, 1, 4, 3), random(3)], [random(3, 3, 4, 3), random(3)]
shared, out = [random(6, 5), random(5)], [random(10, 3), random(3)]
head = {"class_name": "Sequential", "config": {"name": "head", "layers": [
    layer("InputLayer", "flatten_input", common={}, batch_input_shape=[None, 10], dtype="float32", sparse=False, ragged=False),
    layer("Dense", "scores", units=3, activation="softmax", **{**KERNEL, "kernel_regularizer": {"module": "keras.regularizers", "class_name": "L2", "config": {"l2": 0.001}, "registered_name": None}})]},
    "name": "head", "inbound_nodes": [at("join")]}
config = {"class_name": "Functional", "config": {"name": "branches", "trainable": True, "layers": [
    layer("InputLayer", "picture", [], {}, batch_input_shape=[None, 11, 8, 2], dtype="float32", sparse=False, ragged=False),
    conv("stem", [at("picture")], 4, 3, 2, "same", "linear"),
    layer("BatchNormalization", "bn", [at("stem")], {"trainable": False, "dtype": "float32"}, axis=[3], momentum=0.99, epsilon=0.001, center=True, scale=True,
          beta_initializer=init("Zeros"), gamma_initializer=init("Ones"), moving_mean_initializer=init("Zeros"), moving_variance_initializer=init("Ones"),
          beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None),
    layer("Activation", "swish", [at("bn")], activation="swish"),
    conv("left", [at("swish")], 3, 1, 1, "valid", "relu"),
    conv("right", [at("swish")], 3, 3, 1, "same", "tanh"),
    layer("Concatenate", "both", [at("left", "right")], axis=-1),
    layer("MaxPooling2D", "pool", [at("both")], pool_size=[2, 2], padding="same", strides=[2, 2], data_format="channels_last"),
    layer("GlobalAveragePooling2D", "mean", [at("pool")], data_format="channels_last", keepdims=False),
    layer("GlobalMaxPooling2D", "most", [at("pool")], data_format="channels_last", keepdims=False),
    layer("Dense", "shared", [at("mean"), at("most")], units=5, activation="gelu", **KERNEL),
    layer("Concatenate", "join", [at("shared", ("shared", 1))], axis=1),
    head,
], "input_layers": [["picture", 0, 0]], "output_layers": [["head", 0, 0]]}}
named = lambda name, ws, parts=("kernel", "bias"): [("%s/%s" % (name, p), w) for p, w in zip(parts, ws)]
legacy(os.path.join(HERE, "functional.h5"), config, {
    "picture": [], "stem": named("stem", stem), "bn": named("bn", bn, ("gamma", "beta", "moving_mean", "moving_variance")), "swish": [],
    "left": named("left", left), "right": named("right", right), "both": [], "pool": [], "mean": [], "most": [],
    "shared": named("shared", shared), "join": [], "head": named("scores", out)}, "2.13.1")
x = noise((3, 11, 8, 2)) / 255
y = ACT["swish"](batchnorm(conv2d(x, stem, "linear", 2, True), bn))
y = maxpool(np.concatenate([conv2d(y, left, "relu"), conv2d(y, right, "tanh", 1, True)], -1), 2, 2, True)
y = np.concatenate([dense(y.mean((1, 2)), shared, "gelu"), dense(y.max((1, 2)), shared, "gelu")], -1)
predicted("functional.h5", x, dense(y, out, "softmax"))

# A Sequential model of Keras 3 over ids: groups named by class, wrappers.
table, first, tower = random(50, 6), [random(6, 16), random(4, 16), random(16)], [random(4, 9), random(3, 9), random(2, 9), random(4, 9), random(3, 9), random(2, 9)]
norm, step, last = [positive(4), random(4)], [random(4, 4), random(4)], [random(6, 2), random(2)]
policy = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}
K3 = {"trainable": True, "dtype": policy}
RNN = {
    "return_state": False, "go_backwards": False, "stateful": False, "unroll": False, "zero_output_for_mask": False, "activation": "tanh",
    "recurrent_activation": "sigmoid", "use_bias": True, "kernel_initializer": init("GlorotUniform"), "recurrent_initializer": init("OrthogonalInitializer"),
    "bias_initializer": init("Zeros"), "kernel_regularizer": None, "recurrent_regularizer": None, "bias_regularizer": None, "activity_regularizer": None,
    "kernel_constraint": None, "recurrent_constraint": None, "bias_constraint": None, "dropout": 0.1, "recurrent_dropout": 0.0, "seed": None,
}
gru_layer = lambda name, backwards: {"module": "keras.layers", **layer("GRU", name, None, K3, units=3, reset_after=True, return_sequences=False, **{**RNN, "go_backwards": backwards})}
config = {"module": "keras", "class_name": "Sequential", "config": {"name": "series", "trainable": True, "dtype": policy, "layers": [
    layer("InputLayer", "ids", None, {}, batch_shape=[None, 9], dtype="float32", sparse=False, ragged=False),
    layer("Embedding", "words", None, K3, input_dim=50, output_dim=6, embeddings_initializer=init("RandomUniform"), embeddings_regularizer=None, activity_regularizer=None, embeddings_constraint=None, mask_zero=False),
    layer("LSTM", "first", None, K3, units=4, unit_forget_bias=True, return_sequences=True, **RNN),
    layer("TimeDistributed", "each", None, K3, layer=layer("Dense", "step", None, K3, units=4, activation={"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "function"}, **KERNEL)),
    layer("LayerNormalization", "norm", None, K3, axis=[-1], epsilon=0.001, center=True, scale=True, beta_initializer=init("Zeros"), gamma_initializer=init("Ones"), beta_regularizer=None, gamma_regularizer=None, beta_constraint=None, gamma_constraint=None),
    layer("Bidirectional", "tower", None, K3, merge_mode="concat", layer=gru_layer("forward_gru", False), backward_layer=gru_layer("backward_gru", True)),
    layer("Dropout", "drop", None, K3, rate=0.5, seed=None, noise_shape=None),
    layer("Dense", "last", None, K3, units=2, activation="sigmoid", **KERNEL),
], "build_input_shape": [None, 9]}, "registered_name": None}
b = io.BytesIO()
with h5py.File(b, "w") as f:
    for path, ws in [("embedding", [table]), ("lstm/cell", first), ("time_distributed/layer", step), ("layer_normalization", norm),
                     ("bidirectional/forward_layer/cell", tower[:3]), ("bidirectional/backward_layer/cell", tower[3:]), ("dense", last)]:
        g = f.create_group("layers/%s/vars" % path)
        for i, v in enumerate(ws):
            g.create_dataset(str(i), data=v)
    f.create_group("layers/dropout/seed_generator/vars").create_dataset("0", data=np.array([1, 2], "<u4"))
with zipfile.ZipFile(os.path.join(HERE, "sequential.keras"), "w") as z:
    for name, data in [("metadata.json", json.dumps({"keras_version": "3.12.0"})), ("config.json", json.dumps(config)), ("model.weights.h5", b.getvalue())]:
        z.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
ids = noise((3, 9)).astype(int) % 50
y = layernorm(dense(lstm(table[ids], first, True), step, "relu"), norm)
predicted("sequential.keras", ids, dense(both_ways(gru, y, tower), last, "sigmoid"))

# The weights of one Dense, for configurations of the tests' own.
with h5py.File(os.path.join(HERE, "dense.weights.h5"), "w") as f:
    g = f.create_group("layers/dense/vars")
    g.create_dataset("0", data=np.arange(1, 7, dtype="<f4").reshape(2, 3))
    g.create_dataset("1", data=np.arange(7, 10, dtype="<f4"))

# The weights of a model of Keras 1, an array for each gate: W, U and b of i, c, f, o and
# of z, r, h; convolutions over time had an axis of one.
arrays = lambda gates, n, u: [random(*shape) for _ in range(gates) for shape in ((n, u), (u, u), (u,))]
w1, w4, w3, wd = [random(3, 1, 2, 5), random(5)], arrays(4, 5, 3), arrays(3, 3, 4), [random(4, 2), random(2)]
groups = {"convolution1d_1": w1, "dropout_1": [], "lstm_1": w4, "gru_1": w3, "dense_1": wd}
with h5py.File(os.path.join(HERE, "keras1.h5"), "w") as f:
    f.attrs["layer_names"] = [n.encode() for n in groups]
    for name, ws in groups.items():
        g = f.create_group(name)
        g.attrs["weight_names"] = [("%s_param_%d" % (name, i)).encode() for i in range(len(ws))]
        for i, v in enumerate(ws):
            g.create_dataset("%s_param_%d" % (name, i), data=v)


def gru_reset_before(x, w):
    (wz, uz, bz), (wr, ur, br), (wh, uh, bh) = w[0:3], w[3:6], w[6:9]
    h = np.zeros((len(x), uz.shape[0]))
    for t in range(x.shape[1]):
        z, r = sigmoid(x[:, t] @ wz + h @ uz + bz), sigmoid(x[:, t] @ wr + h @ ur + br)
        h = z * h + (1 - z) * np.tanh(x[:, t] @ wh + (r * h) @ uh + bh)
    return h


def lstm_by_gates(x, w):
    (wi, ui, bi), (wc, uc, bc), (wf, uf, bf), (wo, uo, bo) = [w[3 * g: 3 * g + 3] for g in range(4)]
    together = [np.concatenate(a, -1) for a in ((wi, wf, wc, wo), (ui, uf, uc, uo), (bi, bf, bc, bo))]
    return lstm(x, together, True)


x = noise((2, 8, 2)) / 255
y = gru_reset_before(lstm_by_gates(conv1d(x, [w1[0][:, 0], w1[1]], "relu"), w4), w3)
predicted("keras1.h5", x, dense(y, wd))

# --- real files: (input, weights by path) -> prediction

if len(sys.argv) > 1:
    def weights(file):
        path = os.path.join(sys.argv[1], file)
        inside = io.BytesIO(zipfile.ZipFile(path).read("model.weights.h5")) if file.endswith(".keras") else path
        found = {}
        with h5py.File(inside, "r") as f:
            f.visititems(lambda n, o: found.update({n: o[()].astype(np.float64)}) if isinstance(o, h5py.Dataset) else None)
        return found

    def real(file, x, forward):
        w = weights(file)

        def pick(*names):
            """The weights of a layer, in their order."""
            return [next(v for n, v in sorted(w.items()) if n.startswith(("model_weights/", "layers/")) and n.endswith(name)) for name in names]
        predicted(file, x, forward(x, pick))

    kb = lambda pick, name: pick(name + "/kernel:0", name + "/bias:0")
    rnn = lambda pick, name, cell: pick(*["%s/%s/%s:0" % (name, cell, p) for p in ("kernel", "recurrent_kernel", "bias")])
    v = lambda pick, name: pick(name + "/vars/0", name + "/vars/1")
    series = noise((2, 120, 14)) / 255 * 2 - 1

    real("keras2.2.2_dense_imdb.h5", (noise((3, 10000)) < 3).astype(float),
         lambda x, p: dense(dense(dense(x, kb(p, "dense_7"), "relu"), kb(p, "dense_8"), "relu"), kb(p, "dense_9"), "sigmoid"))
    real("keras2.13_lstm16.h5", series, lambda x, p: dense(lstm(x, rnn(p, "lstm", "lstm_cell")), kb(p, "dense_15")))
    real("keras2.13_gru32x2.h5", series, lambda x, p: dense(gru(gru(x, rnn(p, "gru_3", "gru_cell"), True), rnn(p, "gru_2", "gru_cell")), kb(p, "dense_2")))
    real("keras2.13_bilstm.h5", series, lambda x, p: dense(both_ways(lstm, x, rnn(p, "forward_lstm_2", "lstm_cell") + rnn(p, "backward_lstm_2", "lstm_cell")), kb(p, "dense_2")))

    def conv_series(x, p):
        pool = lambda x: x[:, : x.shape[1] // 2 * 2].reshape(len(x), -1, 2, x.shape[2]).max(2)
        y = pool(conv1d(x, kb(p, "/conv1d_2"), "relu"))
        y = pool(conv1d(y, kb(p, "/conv1d_1"), "relu"))
        return dense(conv1d(y, kb(p, "/conv1d"), "relu").mean(1), kb(p, "dense_14"))
    real("keras2.13_conv1d.h5", series, conv_series)

    def signs(x, p):
        y = maxpool(conv2d(x, kb(p, "conv2d_13"), "relu"), 2, 2)
        y = maxpool(conv2d(y, kb(p, "conv2d_14"), "relu"), 2, 2)
        y = conv2d(y, kb(p, "conv2d_15"), "relu").reshape(len(x), -1)
        return dense(dense(y, kb(p, "dense_8"), "relu"), kb(p, "dense_9"), "softmax")
    real("keras2.15_conv2d.h5", noise((2, 28, 28, 1)) / 255, signs)
    real("keras3.12_mnist_mlp.keras", noise((2, 28, 28)) / 255,
         lambda x, p: dense(dense(dense(x.reshape(len(x), -1), v(p, "/dense"), "relu"), v(p, "dense_1"), "relu"), v(p, "dense_2"), "softmax"))

    def digits(x, p):
        y = maxpool(conv2d(maxpool(conv2d(x, v(p, "/conv2d"), "relu"), 2, 2), v(p, "conv2d_1"), "relu"), 2, 2).reshape(len(x), -1)
        return dense(dense(y, v(p, "/dense"), "relu"), v(p, "dense_1"), "softmax")
    real("keras3.14_mnist_cnn.keras", noise((2, 28, 28, 1)) / 255, digits)

with open(os.path.join(HERE, "predictions.json"), "w") as f:
    f.write("{\n" + ",\n".join("%s: %s" % (json.dumps(k), json.dumps(v)) for k, v in predictions.items()) + "\n}\n")
