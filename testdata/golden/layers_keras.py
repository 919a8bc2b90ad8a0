#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Layers by Keras itself (3.15.1, torch backend) in float64. Inputs are x or query, value, key, mask;
args has the class, args.layer, and the arguments that the layer was made with.

    KERAS_BACKEND=torch PYTHONPATH=<Keras's source> /usr/bin/python3 layers_keras.py
"""
import keras
import torch
from keras import layers

from golden import Topic, same

if not hasattr(torch.nn.functional, "rms_norm"):  # before PyTorch 2.4
    torch.nn.functional.rms_norm = lambda x, shape, weight, eps: x * torch.rsqrt((x * x).mean(tuple(range(-len(shape), 0)), keepdim=True) + eps) * weight
t = Topic("layers_keras")
d = t.draw
SOURCE = "Keras %s on torch, float64" % keras.__version__


def case(kind, inputs, args=None, label="", keras_kind=None, keras_args=None, fixed=(), outputs=("y",), call=None, more=None):
    """Adds a layer applied to named inputs; keras_args are arguments that are not recorded, more what is recorded of the call."""
    args = args or {}
    layer = getattr(layers, keras_kind or kind)(dtype="float64", **args, **(keras_args or {}))
    call = call or (lambda layer, xs: layer(xs[0] if len(xs) == 1 else xs))
    call(layer, list(inputs.values()))  # builds it
    prefix = "%s/" % layer.path
    variables = layer.trainable_variables
    names = [v.path[len(prefix):] if v.path.startswith(prefix) else v.name for v in variables]
    weights = {n: d.uniform(0.5, 1.5, *v.shape) if n == "gamma" else d.normal(*v.shape, scale=0.5) for n, v in zip(names, variables)}
    order = list(inputs)

    def f(**given):
        for n, v in zip(names, variables):
            v.assign(given[n].detach())
        with keras.StatelessScope(state_mapping=[(v, given[n]) for n, v in zip(names, variables)]):
            return call(layer, [given[n] for n in order])

    name = "_".join(filter(None, [kind, keras_kind, label]))
    t.layer(name, SOURCE, {"layer": kind, **({"inner": keras_kind} if keras_kind else {}), **args, **(more or {})}, f, {**inputs, **weights}, fixed=fixed, outputs=outputs)


first = {"data_format": "channels_first"}
series, image = {"x": d.distinct(2, 3, 7)}, {"x": d.distinct(2, 3, 6, 5)}


def channels(kind, x, args=None, label=""):
    case("ChannelsFirst", x, args, label, keras_kind=kind, keras_args=first)


channels("Conv1D", series, {"filters": 4, "kernel_size": 3, "strides": 2})
channels("Conv2D", image, {"filters": 4, "kernel_size": 3, "padding": "same", "activation": "tanh"})
channels("DepthwiseConv2D", image, {"kernel_size": 3, "depth_multiplier": 2})
channels("SeparableConv2D", image, {"filters": 2, "kernel_size": 2})
channels("Conv2DTranspose", image, {"filters": 2, "kernel_size": 3, "strides": 2})
for kind in ("MaxPooling1D", "AveragePooling1D"):
    channels(kind, series, {"pool_size": 2})
for kind in ("MaxPooling2D", "AveragePooling2D"):
    channels(kind, image, {"pool_size": 2})
for kind in ("GlobalMaxPooling1D", "GlobalAveragePooling1D"):
    channels(kind, series)
for kind in ("GlobalMaxPooling2D", "GlobalAveragePooling2D", "Flatten"):
    channels(kind, image)
channels("ZeroPadding2D", image, {"padding": [[1, 0], [2, 3]]})
channels("Cropping2D", image, {"cropping": [[1, 0], [2, 1]]})
channels("UpSampling2D", image, {"size": [2, 3]})


def steps(*shape):
    return d.normal(2, *shape)


def scored(layer, xs):
    return layer(xs[0], xs[1], return_attention_scores=True) if isinstance(layer, (layers.MultiHeadAttention, layers.GroupQueryAttention)) else layer(xs, return_attention_scores=True)


def causal(layer, xs):
    return layer(xs, use_causal_mask=True)


three = {"query": steps(3, 4), "value": steps(5, 2), "key": steps(5, 4)}
two = {"query": steps(3, 4), "value": steps(5, 4)}
for kind, variants in [("Attention", [{}, {"use_scale": True}, {"score_mode": "concat"}, {"score_mode": "concat", "use_scale": True}]),
                       ("AdditiveAttention", [{}, {"use_scale": False}])]:
    for args in variants:
        label = "_".join("%s_%s" % i for i in args.items())
        case(kind, three, args, label)
        case(kind, two, args, "_".join(filter(None, [label, "two"])))
    case(kind, two, {}, "causal", call=causal, more={"use_causal_mask": True})
    case(kind, three, {}, "scores", call=scored, outputs=("y", "scores"), more={"return_scores": True})


def attend(layer, xs):
    return layer(*xs)


def attend_causally(layer, xs):
    return layer(*xs, use_causal_mask=True)


both = {"query": steps(4, 3), "value": steps(5, 2)}
case("MultiHeadAttention", both, {"num_heads": 2, "key_dim": 3}, "scores", call=scored, outputs=("y", "scores"), more={"return_scores": True})
case("MultiHeadAttention", {"query": steps(2, 3, 4), "value": steps(2, 5, 4)}, {"num_heads": 2, "key_dim": 3}, "all_axes", call=attend)
for axes, value in [([1], (5, 3, 4)), ([2], (2, 5, 4)), ([1, 2], (4, 5, 4)), ([-2], (2, 3, 4))]:
    inputs = {"query": steps(2, 3, 4), "value": steps(*value)}
    case("MultiHeadAttention", inputs, {"num_heads": 2, "key_dim": 3, "value_dim": 2, "attention_axes": [a % 4 for a in axes]}, "axes_%s" % axes[0] + "_both" * (len(axes) > 1), call=attend)
    case("MultiHeadAttention", inputs, {"num_heads": 2, "key_dim": 2, "attention_axes": [a % 4 for a in axes]}, "axes_%s" % axes[0] + "_both" * (len(axes) > 1) + "_scores", call=scored, outputs=("y", "scores"), more={"return_scores": True})
case("MultiHeadAttention", {"query": steps(2, 2, 3, 4), "value": steps(2, 5, 3, 4)}, {"num_heads": 2, "key_dim": 3, "attention_axes": [2]}, "axes_of_four", call=attend)

grouped = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}
case("GroupQueryAttention", both, grouped, call=attend)
case("GroupQueryAttention", both, grouped, "scores", call=scored, outputs=("y", "scores"), more={"return_scores": True})
case("GroupQueryAttention", both, dict(grouped, num_key_value_heads=1, use_bias=False), "one_head", call=attend)
case("GroupQueryAttention", both, dict(grouped, num_key_value_heads=4), "all_heads", call=attend)
case("GroupQueryAttention", both, grouped, "causal", call=attend_causally, more={"use_causal_mask": True})
case("GroupQueryAttention", both, dict(grouped, sliding_window=2), "window", call=attend)
case("GroupQueryAttention", both, dict(grouped, sliding_window=2), "causal_window", call=attend_causally, more={"use_causal_mask": True})
case("GroupQueryAttention", both, dict(grouped, use_gate=True), "gate", call=attend)

for kind in ("GlobalMaxPooling1D", "GlobalAveragePooling1D", "GlobalMaxPooling2D", "GlobalAveragePooling2D"):
    case(kind, {"x": d.distinct(2, 4, 3) if "1D" in kind else d.distinct(2, 4, 3, 2)}, {"keepdims": True})
for label, shape, args in [("", (2, 3, 4), {}), ("epsilon", (2, 5), {"epsilon": 0.25}), ("axes", (2, 3, 4), {"axis": [1, 2]})]:
    case("RMSNormalization", {"x": d.normal(*shape)}, args, label)
case("ActivityRegularization", {"x": d.normal(2, 3)}, {"l1": 0.1, "l2": 0.2})  # the output; TestActivityRegularization has the loss
for equation, shape, output, bias in [
    ("ab,bc->ac", (2, 3), 4, "c"), ("abc,cd->abd", (2, 3, 4), (None, 5), "d"), ("abc,cde->abde", (2, 3, 4), (3, 2, 5), "de"),
    ("abcd,cde->abe", (2, 3, 2, 4), (None, 5), None), ("...x,xy->...y", (2, 3, 4), 5, "y"), ("...x,xy->...y", (2, 3, 2, 4), 5, None),
    ("ab...,bc->ac...", (2, 3, 4, 2), 5, "c"), ("abc,cbd->abd", (2, 3, 4), (3, 5), "b"), ("abc,bd->adc", (2, 3, 4), (5, None), "d"),
    ("abc,bde->aecd", (2, 3, 4), (2, None, 5), "e"), ("abc,bc->abc", (2, 3, 4), (3, 4), "bc"), ("abcde,cd->abe", (2, 3, 2, 4, 2), (3, 2), None),
]:
    args = {"equation": equation, "output_shape": output, **({"bias_axes": bias} if bias else {})}
    case("EinsumDense", {"x": d.normal(*shape)}, args, "%s_%s" % (equation.replace("->", "_"), "x".join(map(str, shape))))
case("EinsumDense", {"x": d.normal(2, 3, 4)}, {"equation": "abc,cd->abd", "output_shape": [None, 5], "bias_axes": "d", "activation": "tanh"}, "tanh")


def alone(layer, xs):
    """Each sample by itself, as Keras takes the largest value of a batch, with weights of bands in float64: Keras's are float32."""
    scale = lambda hertz: 1127 * torch.log1p(torch.as_tensor(hertz) / 700)
    n = layer.fft_length // 2 + 1
    edges = scale(layer.min_freq) + (scale(layer.max_freq) - scale(layer.min_freq)) * torch.arange(layer.num_mel_bins + 2) / (layer.num_mel_bins + 1)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    m = scale(layer.sampling_rate / 2 * torch.arange(n) / (n - 1))[:, None]
    bands = torch.minimum((m - low) / (middle - low), (high - m) / (high - middle)).clamp(min=0)
    bands[0] = 0
    same("bands", layer.linear_to_mel_weight_matrix(layer.num_mel_bins, n, layer.sampling_rate, layer.min_freq, layer.max_freq), bands, 2e-6)
    layer._melscale = lambda spectrum: spectrum @ bands
    return torch.cat([layer(xs[0][i:i + 1]) for i in range(len(xs[0]))])


mel = {"fft_length": 16, "sequence_stride": 5, "sampling_rate": 800, "num_mel_bins": 4}
for label, args in [
    ("", {}), ("window", {"sequence_length": 12, "min_freq": 0.0, "max_freq": 300}), ("power", {"power_to_db": False}), ("magnitude", {"power_to_db": False, "mag_exp": 1.0}),
    ("top", {"top_db": 6.0, "ref_power": 2.0}), ("least", {"min_power": 4.0, "mag_exp": 3.0}), ("odd", {"fft_length": 15}),
]:
    case("MelSpectrogram", {"x": d.normal(2, 43)}, {**mel, **args}, label, call=alone)
t.save()
