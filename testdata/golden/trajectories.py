#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ten training steps of small nets: the same first weights, data and optimizer
must give the same losses.

Step i (from 0) trains on samples (i mod batches)·batch and the following ones.
want.loss has the mean loss of each step's batch before its update, in float64;
want.loss_float32 the same run in float32, to show what rounding does;
want."final/..." the weights after the last step. Optimizers as in optimizers.py.
"""
import torch
import torch.nn.functional as F

from formulas import average_pool2d, conv1d, conv2d, gru_step, lstm_step, max_pool2d, scan
from golden import Topic, array

t = Topic("trajectories")
d = t.draw
SOURCE = "PyTorch autograd on formulas of keras.io, optimizer rules of keras.io written out"
STEPS = 10


def rmsprop(ws, state, gs, step, lr, rho=0.9, epsilon=1e-7):
    for w, v, g in zip(ws, state["v"], gs):
        v.mul_(rho).add_((1 - rho) * g * g)
        w.sub_(lr * g / torch.sqrt(v + epsilon))


def adam(ws, state, gs, step, lr, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    alpha = lr * (1 - beta_2**step) ** 0.5 / (1 - beta_1**step)
    for w, m, v, g in zip(ws, state["m"], state["v"], gs):
        m.add_((g - m) * (1 - beta_1))
        v.add_((g * g - v) * (1 - beta_2))
        w.sub_(alpha * m / (torch.sqrt(v) + epsilon))


def glorot(*shape):
    cells = 1
    for n in shape[:-2]:
        cells *= n
    limit = (6 / (cells * (shape[-2] + shape[-1]))) ** 0.5
    return d.uniform(-limit, limit, *shape)


def train(net, weights, x, y, batch, optimizer, lr, dtype):
    ws = {k: v.to(dtype).clone().requires_grad_(True) for k, v in weights.items()}
    state = {k: [torch.zeros_like(w) for w in ws.values()] for k in "mv"}
    x, y = x.to(dtype), y.to(dtype)
    losses = []
    for step in range(STEPS):
        at = step % (len(x) // batch) * batch
        loss = net(x[at:at + batch], y[at:at + batch], ws)
        losses.append(float(loss))
        grads = torch.autograd.grad(loss, list(ws.values()))
        with torch.no_grad():
            {"RMSprop": rmsprop, "Adam": adam}[optimizer](ws.values(), state, grads, step + 1, lr)
    return losses, ws


def add(name, description, net, weights, x, y, batch, loss):
    for optimizer, lr in [("RMSprop", 0.01), ("Adam", 0.01)]:
        losses, final = train(net, weights, x, y, batch, optimizer, lr, torch.float64)
        torch.set_default_dtype(torch.float32)
        losses32, _ = train(net, weights, x, y, batch, optimizer, lr, torch.float32)
        torch.set_default_dtype(torch.float64)
        assert min(losses[-3:]) < losses[0], (name, losses)
        t.add("%s_%s" % (name, optimizer), SOURCE, {"net": description, "loss": loss, "optimizer": optimizer, "learning_rate": lr, "batch_size": batch},
              {"x": x, "y": y, **weights}, {"loss": losses, "loss_float32": losses32, **{"final/" + k: v for k, v in final.items()}})


def convnet(x, y, w):
    x = torch.relu(conv2d(x, w["conv2d_1/kernel"], w["conv2d_1/bias"]))
    x = max_pool2d(x, (2, 2), (2, 2), "valid")
    x = torch.relu(conv2d(x, w["conv2d_2/kernel"], w["conv2d_2/bias"], padding="same", strides=(2, 2)))
    x = average_pool2d(x, (2, 2), (1, 1), "same").flatten(1)
    x = x @ w["dense/kernel"] + w["dense/bias"]
    return F.cross_entropy(x, y.long())


classes = d.integers(0, 3, 12)
images = d.normal(12, 8, 8, 1) + classes.reshape(-1, 1, 1, 1) * torch.linspace(-1, 1, 9)[:8].reshape(1, 8, 1, 1)
images = torch.round(images * 256) / 256
add("convnet", ["Conv2D(4, 3, relu)", "MaxPooling2D(2)", "Conv2D(6, 3, strides 2, same, relu)", "AveragePooling2D(2, strides 1, same)", "Flatten", "Dense(3, softmax)"],
    convnet, {"conv2d_1/kernel": glorot(3, 3, 1, 4), "conv2d_1/bias": d.normal(4, scale=0.1), "conv2d_2/kernel": glorot(3, 3, 4, 6),
              "conv2d_2/bias": d.normal(6, scale=0.1), "dense/kernel": glorot(24, 3), "dense/bias": d.normal(3, scale=0.1)},
    images, classes, 4, "sparse_categorical_crossentropy")


def bn_net(x, y, w):
    x = conv2d(x, w["conv2d/kernel"])
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2), unbiased=False)
    x = torch.relu((x - mean) / torch.sqrt(variance + 1e-3) * w["batch_normalization/gamma"] + w["batch_normalization/beta"])
    x = x.mean((1, 2)) @ w["dense/kernel"] + w["dense/bias"]
    return F.cross_entropy(x, y.long())


add("batchnorm_net", ["Conv2D(5, 3, no bias)", "BatchNormalization", "ReLU", "GlobalAveragePooling2D", "Dense(3, softmax)"], bn_net,
    {"conv2d/kernel": glorot(3, 3, 1, 5), "batch_normalization/gamma": torch.ones(5), "batch_normalization/beta": torch.zeros(5),
     "dense/kernel": glorot(5, 3), "dense/bias": torch.zeros(3)}, images, classes, 4, "sparse_categorical_crossentropy")

series = d.normal(12, 7, 3)
target = torch.round(series[:, -3:].mean((1, 2)).reshape(-1, 1) * 256) / 256
start = lambda n, states=1: tuple(torch.zeros(n, 4) for _ in range(states))


def gru_net(x, y, w):
    _, (h,) = scan(gru_step(w["gru/kernel"], w["gru/recurrent_kernel"], w["gru/bias"]), x, start(len(x)))
    return ((h @ w["dense/kernel"] + w["dense/bias"] - y) ** 2).mean()


add("gru_net", ["GRU(4)", "Dense(1)"], gru_net,
    {"gru/kernel": glorot(3, 12), "gru/recurrent_kernel": glorot(4, 12), "gru/bias": d.normal(2, 12, scale=0.1),
     "dense/kernel": glorot(4, 1), "dense/bias": torch.zeros(1)}, series, target, 4, "mean_squared_error")


def lstm_net(x, y, w):
    hs, _ = scan(lstm_step(w["lstm/kernel"], w["lstm/recurrent_kernel"], w["lstm/bias"]), x, start(len(x), 2))
    return (hs.mean(1) @ w["dense/kernel"] + w["dense/bias"] - y).abs().mean()


add("lstm_net", ["LSTM(4, return_sequences)", "GlobalAveragePooling1D", "Dense(1)"], lstm_net,
    {"lstm/kernel": glorot(3, 16), "lstm/recurrent_kernel": glorot(4, 16), "lstm/bias": torch.cat([torch.zeros(4), torch.ones(4), torch.zeros(8)]),
     "dense/kernel": glorot(4, 1), "dense/bias": torch.zeros(1)}, series, target, 4, "mean_absolute_error")


def embedding_net(x, y, w):
    x = w["embedding/embeddings"][x.long()]
    x = torch.relu(conv1d(x, w["conv1d/kernel"], w["conv1d/bias"])).amax(1)
    x = x @ w["dense/kernel"] + w["dense/bias"]
    return F.binary_cross_entropy_with_logits(x, y)


words = d.integers(0, 12, 12, 9)
add("embedding_net", ["Embedding(12, 4)", "Conv1D(5, 3, relu)", "GlobalMaxPooling1D", "Dense(1, sigmoid)"], embedding_net,
    {"embedding/embeddings": d.uniform(-0.5, 0.5, 12, 4), "conv1d/kernel": glorot(3, 4, 5), "conv1d/bias": d.normal(5, scale=0.1), "dense/kernel": glorot(5, 1),
     "dense/bias": torch.zeros(1)}, words, (words == 3).any(1, keepdim=True).double(), 4, "binary_crossentropy")
t.save()
for c in t.cases:
    print(c["name"], ["%.5f" % v for v in c["want"]["loss"]["data"]])
