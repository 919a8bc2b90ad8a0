# SPDX-License-Identifier: Apache-2.0
"""RNN of cells of one's own, alone and in StackedRNNCells, and Bidirectional of RNN and ConvLSTM, by Keras itself (3.15,
torch backend) in float64. Names of weights begin with forward_ or backward_ and with the cell's name.

    KERAS_BACKEND=torch PYTHONPATH=<Keras's source> /usr/bin/python3 layers_cells_keras.py
"""
import keras
import torch
from keras import layers, ops, tree

from golden import Topic

t = Topic("layers_cells_keras")
d = t.draw
SOURCE = "Keras %s on torch, float64" % keras.__version__
keras.config.set_floatx("float64")


@keras.saving.register_keras_serializable()
class Minimal(layers.Layer):
    """The cell of the page on RNN: its state is its output x·W + h·U."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units, self.state_size = units, units

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(self.units, self.units), name="recurrent_kernel")

    def call(self, x, states):
        y = ops.matmul(x, self.kernel) + ops.matmul(states[0], self.recurrent_kernel)
        return y, [y]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable()
class Leaky(layers.Layer):
    """Two states of different sizes, and an output that is neither: a = tanh(x·W + a·U), b = b/2 + sum(a), y = a·V + b."""

    def __init__(self, units, out, **kwargs):
        super().__init__(**kwargs)
        self.units, self.out, self.state_size, self.output_size = units, out, [units, 1], out

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(self.units, self.units), name="recurrent_kernel")
        self.output_kernel = self.add_weight(shape=(self.units, self.out), name="output_kernel")

    def call(self, x, states):
        a, b = states
        a = ops.tanh(ops.matmul(x, self.kernel) + ops.matmul(a, self.recurrent_kernel))
        b = b / 2 + ops.sum(a, axis=-1, keepdims=True)
        return ops.matmul(a, self.output_kernel) + b, [a, b]

    def get_config(self):
        return {**super().get_config(), "units": self.units, "out": self.out}


def name_of(v, layer):
    parts = v.path.split("/")
    way = [p.split("_")[0] + "_" for p in parts if p.startswith(("forward_", "backward_"))]
    cell = [p + "/" if way else p[0] + "_" for p in parts if p in ("a_cell", "b_cell", "c_cell")]
    return "".join(way + cell) + v.name


def case(label, kind, layer, args, shape=(2, 4, 3), outputs=("y",), mask=None):
    x = d.normal(*shape)
    layer.build(shape)
    variables = layer.trainable_variables
    names = [name_of(v, layer) for v in variables]
    assert len(set(names)) == len(names), names
    inputs = {"x": x, **({"mask": torch.tensor(mask, dtype=torch.float64)} if mask else {})}
    weights = {n: d.normal(*v.shape, scale=0.5) for n, v in zip(names, variables)}

    def f(x, mask=None, **values):
        call = {"mask": mask != 0} if mask is not None else {}
        y, _ = layer.stateless_call([values[n] for n in names], [v.value for v in layer.non_trainable_variables], x, **call)
        return tuple(tree.flatten(y)) if len(outputs) > 1 else y

    t.layer(label, SOURCE, {"layer": kind, **args}, f, {**inputs, **weights}, fixed=("mask",), outputs=list(outputs))


def rnn(label, cells, wrap=None, outputs=("y",), mask=None, **options):
    made = {"minimal": lambda n: Minimal(2, name=n), "leaky": lambda n: Leaky(2, 3, name=n), "lstm": lambda n: layers.LSTMCell(2, name=n)}
    inner = layers.RNN([made[c](l + "_cell") for c, l in zip(cells, "abc")] if len(cells) > 1 else made[cells[0]]("a_cell"), name="rnn", **options)
    args = {"cells": cells, **options}
    if wrap is None:
        return case(label, "RNN", inner, args, outputs=outputs, mask=mask)
    case(label, "Bidirectional", layers.Bidirectional(inner, merge_mode=wrap[0]), {**args, "inner": "RNN", "merge_mode": wrap[0]}, outputs=outputs, mask=mask)


gaps = [[1, 0, 1, 1], [0, 1, 1, 0]]
rnn("minimal", ["minimal"])
rnn("minimal_sequences_state", ["minimal"], return_sequences=True, return_state=True, outputs=("y", "h"))
rnn("minimal_minimal", ["minimal", "minimal"], return_sequences=True)
rnn("leaky", ["leaky"], return_state=True, outputs=("y", "a_h", "a_c"))
rnn("lstm_leaky_minimal", ["lstm", "leaky", "minimal"], go_backwards=True, return_sequences=True)
rnn("leaky_masked", ["leaky"], return_sequences=True, mask=gaps)
rnn("leaky_masked_zero", ["leaky"], return_sequences=True, zero_output_for_mask=True, mask=gaps)
rnn("minimal_lstm_masked", ["minimal", "lstm"], mask=gaps)
for mode in ("concat", "sum", "mul", "ave", None):
    rnn("bidirectional_%s" % mode, ["lstm"] if mode != "sum" else ["lstm", "minimal"], wrap=[mode], return_sequences=mode in ("concat", None),
        outputs=("y", "y_backward") if mode is None else ("y",))
rnn("bidirectional_leaky_state", ["leaky"], wrap=["concat"], return_state=True, outputs=("y", "forward_h", "forward_c", "backward_h", "backward_c"))
rnn("bidirectional_minimal_masked", ["minimal"], wrap=["concat"], return_sequences=True, mask=gaps)
for mode in ("concat", "ave", None):
    inner = layers.ConvLSTM1D(2, 2, return_sequences=mode == "concat", return_state=mode == "ave")
    outputs = {"concat": ("y",), "ave": ("y", "forward_h", "forward_c", "backward_h", "backward_c"), None: ("y", "y_backward")}[mode]
    case("bidirectional_convlstm_%s" % mode, "Bidirectional", layers.Bidirectional(inner, merge_mode=mode),
         {"inner": "ConvLSTM1D", "merge_mode": mode, "return_sequences": mode == "concat", "return_state": mode == "ave"}, shape=(2, 3, 4, 1), outputs=outputs)
t.save()
