#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Embeddings by Keras (3.15.1, torch backend) and position embeddings by KerasHub (0.32.0.dev0, whose
modules are loaded one by one, without its other dependencies), in float64. Those that depend on
nothing but the shape of x are added to x.

    KERAS_BACKEND=torch PYTHONPATH=<Keras's source>:<KerasHub's source> /usr/bin/python3 layers_embedding_keras.py
"""
import importlib.util
import os
import sys
import types

import keras
import torch
from keras import layers

from golden import Topic

keras.config.set_floatx("float64")
t = Topic("layers_embedding_keras")
d = t.draw
SOURCE = "Keras %s on torch, float64" % keras.__version__


def hub():
    """The layers of KerasHub's folder layers/modeling that the cases need."""
    stub = lambda name, **names: sys.modules.setdefault(name, types.SimpleNamespace(**names))
    stub("keras_hub.src.api_export", keras_hub_export=lambda path: lambda cls: cls)
    stub("keras_hub.src.vllm.context", get_vllm_context=lambda: None)
    stub("keras_hub.src.utils.keras_utils", clone_initializer=lambda i: i)
    for name in ("keras_hub", "keras_hub.src", "keras_hub.src.vllm", "keras_hub.src.utils", "keras_hub.src.layers", "keras_hub.src.layers.modeling"):
        sys.modules[name] = types.ModuleType(name)
    found = {}
    for module, cls in (("position_embedding", "PositionEmbedding"), ("sine_position_encoding", "SinePositionEncoding"),
                        ("rotary_embedding", "RotaryEmbedding"), ("token_and_position_embedding", "TokenAndPositionEmbedding")):
        name = "keras_hub.src.layers.modeling." + module
        path = next(p for p in (os.path.join(f, *name.split(".")) + ".py" for f in sys.path) if os.path.exists(p))
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
        found[cls] = getattr(sys.modules[name], cls)
    return found


HUB = hub()


def case(kind, x, args=None, label="", fixed=(), more=None, call=None):
    """Adds a layer applied to x."""
    args = args or {}
    layer = (HUB.get(kind) or getattr(layers, kind))(dtype="float64", **args)
    call = call or (lambda layer, x: layer(x))
    call(layer, x)  # builds it
    variables = layer.trainable_variables
    names = [v.path[len(layer.path) + 1:] if v.path.startswith(layer.path + "/") else v.name for v in variables]
    weights = {n: d.normal(*v.shape, scale=0.5) for n, v in zip(names, variables)}

    def f(**given):
        for n, v in zip(names, variables):
            v.assign(given[n].detach())
        with keras.StatelessScope(state_mapping=[(v, given[n]) for n, v in zip(names, variables)]):
            return call(layer, given["x"])

    t.layer("_".join(filter(None, [kind, label])), SOURCE, {"layer": kind, **args, **(more or {})}, f, {"x": x, **weights}, fixed=fixed)


def added(layer, x):
    return x + layer(x)


added_start = lambda layer, x: x + layer(x, start_index=3)
case("PositionEmbedding", d.normal(2, 3, 4), {"sequence_length": 3}, call=added)
case("PositionEmbedding", d.normal(2, 3, 4), {"sequence_length": 6}, "shorter", call=added)
case("PositionEmbedding", d.normal(2, 2, 3, 4), {"sequence_length": 5}, "more_axes", call=added)
case("PositionEmbedding", d.normal(2, 3, 4), {"sequence_length": 7}, "start", more={"start_index": 3}, call=added_start)
for label, shape, args in [("", (2, 5, 6), {}), ("odd", (2, 4, 5), {}), ("wavelength", (2, 4, 6), {"max_wavelength": 50}), ("more_axes", (2, 3, 4, 4), {})]:
    case("SinePositionEncoding", d.normal(*shape), args, label, call=added)
case("SinePositionEncoding", d.normal(2, 4, 6), {}, "start", more={"start_index": 3}, call=added_start)
case("RotaryEmbedding", d.normal(2, 4, 6), {}, "start", more={"start_index": 3}, call=lambda layer, x: layer(x, start_index=3))
for label, shape, args in [
    ("", (2, 5, 6), {}), ("heads", (2, 4, 3, 8), {}), ("wavelength", (2, 4, 6), {"max_wavelength": 100}), ("scaled", (2, 4, 6), {"scaling_factor": 2.5}),
    ("dynamic", (2, 4, 6), {"scaling_factor": 2.5, "rope_type": "dynamic"}), ("axes", (2, 6, 3, 4), {"sequence_axis": 2, "feature_axis": 1}),
]:
    case("RotaryEmbedding", d.normal(*shape), args, label)
tokens = {"vocabulary_size": 7, "sequence_length": 5, "embedding_dim": 3}
case("TokenAndPositionEmbedding", d.integers(0, 7, 2, 5), tokens, fixed=("x",))
case("TokenAndPositionEmbedding", d.integers(0, 7, 2, 4), tokens, "shorter", fixed=("x",))
reversible = {"input_dim": 7, "output_dim": 3}
reverse = dict(fixed=("x",), call=lambda layer, x: layer(layer(x) ** 2, reverse=True))
case("ReversibleEmbedding", d.integers(0, 7, 2, 4), reversible, fixed=("x",))
for args in ({}, {"tie_weights": False}, {"logit_soft_cap": 1.5}):
    case("ReversibleEmbedding", d.integers(0, 7, 2, 4), {**reversible, **args}, "_".join(["reverse", *args]), more={"reverse": True}, **reverse)
t.save()
