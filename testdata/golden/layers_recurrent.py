#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SimpleRNN, GRU, LSTM and Bidirectional: every flag, with gradients.

Inputs x (batch, time, features), mask (batch, time) of zeros and ones, h0 and c0
the initial state. Outputs y; with return_state also h (and c), whose gradients
enter through r_h and r_c. y has the order of processing, so that go_backwards
gives the last step first. Dropout is given as scaled masks: input_mask and
recurrent_mask, (batch, n) for all gates or (gates, batch, n), act on what enters
the products and are the same at every step.

Weights: kernel (features, g·u), recurrent_kernel (u, g·u), bias (g·u), for GRU
with reset_after (2, 3u); gates side by side: GRU z r h, LSTM i f c o. Check:
torch.nn.RNN, GRU (which is reset_after) and LSTM with their gates put in order.
"""
import torch

from formulas import gru_step, lstm_step, scan, simple_rnn_step
from golden import Topic, same

t = Topic("layers_recurrent")
d = t.draw
SOURCE = "PyTorch float64 autograd on the formula of keras.io/api/layers/recurrent_layers"
GATES = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}
STEPS = {"SimpleRNN": simple_rnn_step, "GRU": gru_step, "LSTM": lstm_step}


def weights_of(layer, features, units, bias=True, reset_after=True):
    g = GATES[layer]
    w = {"kernel": d.normal(features, g * units, scale=0.5), "recurrent_kernel": d.normal(units, g * units, scale=0.5)}
    if bias:
        w["bias"] = d.normal(2, 3 * units, scale=0.5) if layer == "GRU" and reset_after else d.normal(g * units, scale=0.5)
    return w


def run(layer, x, w, options, h0=None, c0=None, mask=None, go_backwards=False, zero_output_for_mask=False):
    u = w["recurrent_kernel"].shape[0]
    zero = torch.zeros(x.shape[0], u)
    states = (zero if h0 is None else h0,) + ((zero if c0 is None else c0,) if layer == "LSTM" else ())
    step = STEPS[layer](w["kernel"], w["recurrent_kernel"], w.get("bias"), **options)
    return scan(step, x, states, mask, go_backwards, zero_output_for_mask)


def torch_run(layer, x, w):
    """torch's own module; its gates are r z n (GRU) and i f g o (LSTM, Keras's order)."""
    u = w["recurrent_kernel"].shape[0]
    module = {"SimpleRNN": torch.nn.RNN, "GRU": torch.nn.GRU, "LSTM": torch.nn.LSTM}[layer](x.shape[2], u, batch_first=True, bias="bias" in w)

    def order(m):
        parts = list(m.split(u, -1))
        return torch.cat([parts[1], parts[0], parts[2]] if layer == "GRU" else parts, -1)
    with torch.no_grad():
        module.weight_ih_l0.copy_(order(w["kernel"]).T)
        module.weight_hh_l0.copy_(order(w["recurrent_kernel"]).T)
        if "bias" in w:
            b = w["bias"]
            module.bias_ih_l0.copy_(order(b[0] if layer == "GRU" else b))
            module.bias_hh_l0.copy_(order(b[1]) if layer == "GRU" else torch.zeros_like(b))
        return module(x)[0]


def add(layer, n=2, steps=4, features=3, units=2, bias=True, mask=None, state=False, return_sequences=False, return_state=False,
        go_backwards=False, zero_output_for_mask=False, drop=None, **options):
    reset_after = options.get("reset_after", True)
    x, w = d.normal(n, steps, features), weights_of(layer, features, units, bias, reset_after)
    inputs, fixed = {"x": x, **w}, []
    if state:
        inputs["h0"] = d.normal(n, units)
        if layer == "LSTM":
            inputs["c0"] = d.normal(n, units)
    if mask is not None:
        inputs["mask"] = torch.tensor(mask, dtype=torch.float64)
        fixed.append("mask")
    if drop:
        g = GATES[layer]
        for key, width in [("input_mask", features), ("recurrent_mask", units)]:
            if drop.get(key):
                shape = (g, n, width) if drop[key] == "gates" else (n, width)
                inputs[key] = d.integers(0, 2, *shape) * 2  # rate 0.5
                fixed.append(key)

    def f(x, h0=None, c0=None, mask=None, input_mask=None, recurrent_mask=None, **w):
        o = dict(options)
        if input_mask is not None:
            o["input_mask"] = input_mask
        if recurrent_mask is not None:
            o["recurrent_mask"] = recurrent_mask
        ys, states = run(layer, x, w, o, h0, c0, mask, go_backwards, zero_output_for_mask)
        y = ys if return_sequences else ys[:, -1]
        return (y,) + states if return_state else y

    plain = not (state or mask or go_backwards or drop or options.get("activation") or options.get("recurrent_activation")) and reset_after
    if plain:
        same(layer, run(layer, x, w, options)[0], torch_run(layer, x, w))
    outputs = ("y",) + (("h", "c") if layer == "LSTM" else ("h",)) * return_state
    args = {"layer": layer, "units": units, "use_bias": bias, "return_sequences": return_sequences, "return_state": return_state, "go_backwards": go_backwards}
    if mask is not None:
        args["zero_output_for_mask"] = zero_output_for_mask
    args["activation"] = options.get("activation", "tanh")
    if layer != "SimpleRNN":
        args["recurrent_activation"] = options.get("recurrent_activation", "sigmoid")
    if layer == "GRU":
        args["reset_after"] = reset_after
    said = {"bias": bias, "mask": mask is not None, "state": state, "sequences": return_sequences, "return_state": return_state, "backwards": go_backwards,
            "zero_output": zero_output_for_mask}
    defaults = {"bias": True}
    label = "%s_%dx%dx%d_%d" % (layer, n, steps, features, units)
    label += "".join("_" + (k if v else "no_" + k) for k, v in said.items() if v != defaults.get(k, False))
    label += "".join("_%s_%s" % kv for kv in list(options.items()) + list((drop or {}).items()))
    t.layer(label, SOURCE + ("; output equal to torch.nn.%s" % layer.replace("Simple", "") if plain else ""), args, f, inputs, tuple(fixed), outputs)


MASK = [[1, 1, 0, 1], [0, 1, 1, 0]]           # gaps, a masked first and a masked last step
PADDED = [[1, 1, 1, 0], [1, 0, 0, 0]]
for layer in GATES:
    variants = [{}] if layer != "GRU" else [{}, {"reset_after": False}]
    for v in variants:
        add(layer, **v)
        add(layer, return_sequences=True, **v)
        add(layer, return_sequences=True, return_state=True, state=True, **v)
        add(layer, return_state=True, go_backwards=True, **v)
        add(layer, return_sequences=True, go_backwards=True, state=True, **v)
        add(layer, bias=False, **v)
        add(layer, n=1, steps=1, features=1, units=1, **v)
        add(layer, n=1, steps=1, return_sequences=True, return_state=True, **v)
        add(layer, n=3, steps=2, features=2, units=5, return_sequences=True, **v)
        add(layer, mask=MASK, **v)
        add(layer, mask=PADDED, return_sequences=True, return_state=True, **v)
        add(layer, mask=MASK, return_sequences=True, return_state=True, state=True, **v)
        add(layer, mask=MASK, return_sequences=True, go_backwards=True, **v)
        add(layer, mask=MASK, return_sequences=True, zero_output_for_mask=True, **v)
        add(layer, mask=[[0, 0, 0, 0], [1, 1, 1, 1]], return_sequences=True, **v)
        add(layer, drop={"input_mask": "all"}, **v)
        add(layer, drop={"input_mask": "all", "recurrent_mask": "all"}, return_sequences=True, **v)
        if layer != "SimpleRNN":
            add(layer, drop={"input_mask": "gates", "recurrent_mask": "gates"}, return_sequences=True, **v)
            add(layer, activation="softsign", recurrent_activation="hard_sigmoid", return_sequences=True, **v)
        add(layer, activation="relu", return_sequences=True, **v)
    add(layer, n=2, steps=3, features=5, units=9, return_sequences=True)  # more units than a vector register


def bidirectional(layer, merge_mode, mask=None, return_sequences=False, return_state=False, n=2, steps=4, features=3, units=2, **options):
    x = d.normal(n, steps, features)
    inputs = {"x": x}
    for way in ("forward_", "backward_"):
        inputs.update({way + k: v for k, v in weights_of(layer, features, units, True, options.get("reset_after", True)).items()})
    if mask is not None:
        inputs["mask"] = torch.tensor(mask, dtype=torch.float64)

    def f(x, mask=None, **w):
        def one(way, backwards):
            mine = {k[len(way):]: v for k, v in w.items() if k.startswith(way)}
            # Bidirectional makes both layers give zero at masked steps when it returns sequences.
            ys, states = run(layer, x, mine, options, mask=mask, go_backwards=backwards, zero_output_for_mask=return_sequences)
            return (ys.flip(1) if backwards else ys) if return_sequences else ys[:, -1], states
        (a, sa), (b, sb) = one("forward_", False), one("backward_", True)
        if merge_mode is None:
            y = (a, b)
        else:
            y = ({"concat": lambda: torch.cat([a, b], -1), "sum": lambda: a + b, "ave": lambda: (a + b) / 2, "mul": lambda: a * b}[merge_mode](),)
        return y + sa + sb if return_state else y

    outputs = ("y",) if merge_mode else ("y", "y_backward")
    if return_state:
        names = ("h", "c") if layer == "LSTM" else ("h",)
        outputs += tuple("forward_" + s for s in names) + tuple("backward_" + s for s in names)
    label = "Bidirectional_%s_%s" % (layer, merge_mode) + "_mask" * (mask is not None) + "_sequences" * return_sequences + "_state" * return_state
    label += "_steps_%d" % steps * (steps != 4) + "".join("_%s_%s" % kv for kv in options.items())
    args = {"layer": "Bidirectional", "inner": layer, "units": units, "merge_mode": merge_mode, "return_sequences": return_sequences, "return_state": return_state}
    if layer == "GRU":
        args["reset_after"] = options.get("reset_after", True)
    args.update((k, options[k]) for k in ("activation", "recurrent_activation") if k in options)
    t.layer(label, SOURCE, args, f, inputs, ("mask",), outputs)


for layer in GATES:
    bidirectional(layer, "concat")
    bidirectional(layer, "concat", return_sequences=True)
    bidirectional(layer, "concat", mask=MASK, return_sequences=True)
    bidirectional(layer, "concat", mask=PADDED)
for mode in ("sum", "mul", "ave", None):
    bidirectional("LSTM", mode)
    bidirectional("GRU", mode, return_sequences=True)
bidirectional("LSTM", "concat", return_sequences=True, return_state=True)
bidirectional("GRU", "concat", return_state=True, reset_after=False)
bidirectional("GRU", "concat", steps=1, return_sequences=True)

# Other activations together with masks, states, dropout and the other direction; behind the
# others so that these keep their numbers.
for layer in GATES:
    gate = {} if layer == "SimpleRNN" else {"recurrent_activation": "hard_sigmoid"}
    kinds = "all" if layer == "SimpleRNN" else "gates"
    for v in [{}] if layer != "GRU" else [{}, {"reset_after": False}]:
        add(layer, mask=MASK, state=True, return_sequences=True, return_state=True, go_backwards=True, activation="elu", **gate, **v)
        add(layer, n=1, steps=1, activation="gelu", **v)
        add(layer, n=3, steps=5, features=2, units=9, bias=False, return_sequences=True, activation="silu", **gate, **v)
        add(layer, mask=MASK, go_backwards=True, drop={"input_mask": kinds, "recurrent_mask": kinds}, activation="softsign", **v)
        add(layer, state=True, return_sequences=True, drop={"recurrent_mask": kinds}, **v)
bidirectional("GRU", "sum", mask=MASK, return_sequences=True, activation="relu")
bidirectional("LSTM", "concat", mask=PADDED, return_state=True, activation="mish", recurrent_activation="softsign")

# LSTM's unit_forget_bias: a new layer's bias is zero but for the forget gate's part, which is one.
t.add("LSTM_initial_bias_unit_forget", SOURCE, {"layer": "LSTM", "units": 3, "unit_forget_bias": True}, {}, {"bias": [0] * 3 + [1] * 3 + [0] * 6})
t.add("LSTM_initial_bias_plain", SOURCE, {"layer": "LSTM", "units": 3, "unit_forget_bias": False}, {}, {"bias": [0] * 12})
t.save()
