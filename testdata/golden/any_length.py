# SPDX-License-Identifier: Apache-2.0
"""Keras itself (3.15, torch backend): models with axes of any length, trained at two lengths in
turn, and what they predict at others.

    KERAS_BACKEND=torch PYTHONPATH=<Keras's source> /usr/bin/python3 any_length.py

Data follows from formulas of integers, see data and whole. Of long predictions every step-th value
is kept.
"""
import keras
import numpy as np
import torch
from keras import layers

from golden import Topic

torch.set_default_dtype(torch.float32)
t = Topic("any_length")
SOURCE = "Keras %s on torch, float32" % keras.__version__


def data(*shape):
    """Values of 1/32 from -1 to 1."""
    n = np.arange(int(np.prod(shape)))
    return (((n * 37 + n // 11 * 5) % 65 - 32) / 32).astype("float32").reshape(shape)


def whole(below, samples, steps, padded):
    """Numbers from 1; the last steps of sample i are i·padded zeros."""
    n = np.arange(samples * steps)
    x = (n * 7 + n // 13) % (below - 1) + 1
    x = x.reshape(samples, steps)
    for i in range(samples):
        x[i, steps - min(steps - 1, i * padded):] = 0
    return x.astype("int32")


def case(name, model, optimizer, loss, batches, at, step=1):
    """batches are inputs and targets of training, at the inputs of predictions by name."""
    rng = np.random.RandomState(7)
    for w in model.weights:
        if "moving" not in w.path and "seed" not in w.path:
            w.assign(np.round(rng.randn(*w.shape) * 64) / 128)
    inputs = {"w%d" % i: w.numpy() for i, w in enumerate(model.weights)}
    model.compile(optimizer, loss)
    want = {"losses": np.array([model.train_on_batch(x, y) for x, y in batches])}
    for i, w in enumerate(model.weights):
        want["w%d" % i] = w.numpy()
    for k, x in at.items():
        y = model.predict(x, verbose=0)
        want["shape " + k] = np.array(y.shape)
        want["y " + k] = y.ravel()[::step if y.size > 1000 else 1]
    t.add(name, SOURCE, {"step": step}, inputs, want)


LENGTHS = {str(n): n for n in (1, 7, 5000)}


def sequences(features, targets, lengths=LENGTHS):
    batches = [(data(4, n, features), targets(4, n)) for n in (20, 50, 20, 50)]
    return batches, {k: data(2, n, features) for k, n in lengths.items()}


def one(samples, steps):
    return data(samples, 1) / 2


def per_step(samples, steps):
    return data(samples, steps, 2) / 2


m = keras.Sequential([keras.Input((None, 3)), layers.LSTM(4, return_sequences=True), layers.GRU(3), layers.Dense(1)])
case("recurrent", m, keras.optimizers.SGD(0.1, momentum=0.9), "mse", *sequences(3, one))

m = keras.Sequential([
    keras.Input((None, 3)), layers.Conv1D(4, 3, padding="same", activation="relu"), layers.MaxPooling1D(2, padding="same"),
    layers.Conv1D(3, 2, padding="causal"), layers.GlobalAveragePooling1D(), layers.Dense(1)])
case("convolutional", m, keras.optimizers.SGD(0.05, momentum=0.9), "mse", *sequences(3, one))

m = keras.Sequential([
    keras.Input((None, 3)), layers.Bidirectional(layers.SimpleRNN(3, return_sequences=True)), layers.BatchNormalization(), layers.TimeDistributed(layers.Dense(2))])
case("per_step", m, keras.optimizers.RMSprop(0.01), "mse", *sequences(3, per_step), step=97)

i = keras.Input((None, 4))
x = layers.Add()([i, layers.MultiHeadAttention(2, 3)(i, i)])
x = layers.LayerNormalization()(x)
m = keras.Model(i, layers.Dense(1)(layers.GlobalMaxPooling1D()(x)))
case("attention", m, keras.optimizers.SGD(0.05), "mse", *sequences(4, one, {"1": 1, "7": 7, "500": 500}))

m = keras.Sequential([
    keras.Input((None,)), layers.Embedding(12, 4, mask_zero=True), layers.GRU(3, return_sequences=True), layers.LSTM(3), layers.Dense(1)])
case("masked", m, keras.optimizers.SGD(0.1), "mse", [(whole(12, 4, n, 5), one(4, n)) for n in (20, 50, 20, 50)],
     {k: whole(12, 3, n, 2) for k, n in LENGTHS.items()})

m = keras.Sequential([
    keras.Input((None, 3)), layers.Masking(0.0), layers.LSTM(4, return_sequences=True), layers.Dense(2)])


def with_zeros(n):
    x = data(4, n, 3)
    x[1, n - n // 4:] = 0
    x[3, n - n // 2:] = 0
    return x


case("masked_steps", m, keras.optimizers.SGD(0.1), "mse", [(with_zeros(n), per_step(4, n)) for n in (20, 50, 20, 50)],
     {k: with_zeros(n) for k, n in LENGTHS.items()}, step=97)

i = keras.Input((None, None, 3))
x = layers.Conv2D(4, 3, padding="same", activation="relu")(i)
x = layers.BatchNormalization()(layers.MaxPooling2D(2, padding="same")(x))
x = layers.Conv2D(5, 3, padding="same", activation="relu")(x)
x = layers.Conv2DTranspose(3, 2, strides=2, activation="relu")(x)
m = keras.Model(i, layers.Conv2D(1, 1, activation="sigmoid")(x))
batches = [(data(2, 64, 64, 3), (data(2, 64, 64, 1) > 0).astype("float32")) for _ in range(3)]
case("fully_convolutional", m, keras.optimizers.SGD(0.05, momentum=0.9), "binary_crossentropy", batches,
     {"97x131": data(1, 97, 131, 3), "1x1": data(1, 1, 1, 3)}, step=97)
t.save()
