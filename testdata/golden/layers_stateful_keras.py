# SPDX-License-Identifier: Apache-2.0
"""Recurrent layers with stateful=True by Keras itself (3.15, torch backend) in float64: the outputs of three batches
x0, x1 and x2 one after another, and of x2 again after reset_state, y3. d* are the gradients of sum(y2*r), which
end where the third batch begins. The case fit is a model in which training, validation, evaluation and prediction
continue each other's states; its arrays are the weights before and after.

    KERAS_BACKEND=torch PYTHONPATH=<Keras's source> /usr/bin/python3 layers_stateful_keras.py
"""
import keras
import numpy as np
import torch
from keras import layers

from golden import Topic

t = Topic("layers_stateful_keras")
d = t.draw
SOURCE = "Keras %s on torch, float64" % keras.__version__
keras.config.set_dtype_policy("float64")
keras.config.set_floatx("float64")


def assign(layer):
    """Sets the weights, and names them: those of Bidirectional begin with forward_ and backward_."""
    named = {}
    for v in layer.trainable_variables:
        v.assign(d.normal(*v.shape, scale=0.5))
        way = [p for p in ("forward_", "backward_") if "/" + p in "/" + v.path]
        if type(layer).__name__ == "RNN":
            way = [v.path.split("/")[-2] + "/"] if "/" in v.path else []
        name = "".join(way) + v.name
        assert name not in named, name
        named[name] = v
    return named


def apart(layer):
    """Lets assign replace the values of states, as a gradient cannot be computed after they have been overwritten."""
    for one in [getattr(layer, "forward_layer", layer), getattr(layer, "backward_layer", layer)]:
        for v in keras.tree.flatten(one.states):
            v._direct_assign = lambda value, v=v: setattr(v, "_value", torch.nn.Parameter(value.detach().clone(), requires_grad=False))


def reset(layer):
    """reset_state, which Keras cannot do for a stack of cells."""
    for one in [getattr(layer, "forward_layer", layer), getattr(layer, "backward_layer", layer)]:
        for v in keras.tree.flatten(one.states):
            v.assign(torch.zeros_like(v.value))


def case(label, kind, layer, shape=(2, 3, 2), mask=None, **args):
    xs = [d.normal(*shape) for _ in range(3)]
    layer.build(shape)
    weights = assign(layer)
    apart(layer)
    before = {n: v.value.detach().clone() for n, v in weights.items()}
    call = {"mask": torch.tensor(mask) != 0} if mask is not None else {}
    y = [layer(x, **call) for x in xs]
    r = d.normal(*y[2].shape)
    torch.sum(y[2] * r).backward()
    want = {"y%d" % i: v for i, v in enumerate(y)}
    want.update({"d" + n: v.value.grad for n, v in weights.items()})
    reset(layer)
    want["y3"] = layer(xs[2], **call)
    inputs = {"x%d" % i: x for i, x in enumerate(xs)}
    inputs.update(before)
    inputs["r"] = r
    if mask is not None:
        inputs["mask"] = torch.tensor(mask, dtype=torch.float64)
    t.add(label, SOURCE, {"layer": kind, **args}, inputs, want)


case("simple", "SimpleRNN", layers.SimpleRNN(3, stateful=True), units=3)
case("gru", "GRU", layers.GRU(2, stateful=True, return_sequences=True), units=2, return_sequences=True)
case("gru_before", "GRU", layers.GRU(2, stateful=True, reset_after=False, go_backwards=True), units=2, go_backwards=True, reset_before=True)
case("lstm", "LSTM", layers.LSTM(2, stateful=True), units=2)
case("lstm_sequences", "LSTM", layers.LSTM(2, stateful=True, return_sequences=True), units=2, return_sequences=True)
case("bidirectional_lstm", "Bidirectional", layers.Bidirectional(layers.LSTM(2, stateful=True)), units=2)
case("rnn", "RNN", layers.RNN([layers.GRUCell(2, name="a"), layers.LSTMCell(3, name="b")], stateful=True), cells=["GRU", "LSTM"])
case("conv_lstm", "ConvLSTM2D", layers.ConvLSTM2D(2, 2, stateful=True), shape=(2, 2, 3, 3, 1), units=2)


def fit():
    x, y, xv, yv = d.normal(6, 3, 2), d.normal(6, 1), d.normal(4, 3, 2), d.normal(4, 1)
    model = keras.Sequential([
        keras.Input(batch_shape=(2, 3, 2)), layers.LSTM(3, stateful=True, return_sequences=True, name="lstm"),
        layers.GRU(2, stateful=True, name="gru"), layers.Dense(1, name="dense"),
    ])
    before, after = {}, {}
    variables = [(layer.name + "/" + v.name, v) for layer in model.layers for v in layer.trainable_variables]
    for name, v in variables:
        v.assign(d.normal(*v.shape, scale=0.5))
        before[name] = v.value.detach().clone()
    model.compile(optimizer=keras.optimizers.SGD(0.25), loss="mse")
    x, y, xv, yv = (np.asarray(a) for a in (x, y, xv, yv))
    for layer in model.layers[:2]:
        apart(layer)
    h = model.fit(x, y, batch_size=2, epochs=2, shuffle=False, validation_data=(xv, yv), validation_batch_size=2, verbose=0)
    evaluated = model.evaluate(xv, yv, batch_size=2, verbose=0)
    predicted = model.predict(x, batch_size=2, verbose=0)
    for layer in model.layers[:2]:
        reset(layer)
    again = model.predict(x, batch_size=2, verbose=0)
    for name, v in variables:
        after[name] = v.value.detach()
    t.add("fit", SOURCE, {"layer": "fit"}, {"x": x, "y": y, "x_val": xv, "y_val": yv, **before},
          {"loss": h.history["loss"], "val_loss": h.history["val_loss"], "evaluated": [evaluated], "predicted": predicted, "reset": again, **after})


fit()
t.save()
