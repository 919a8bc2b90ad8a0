# SPDX-License-Identifier: Apache-2.0
"""GroupNormalization, UnitNormalization, Normalization with given statistics and LayerNormalization with rms_scaling by Keras itself (3.15, torch backend) in float64.

    KERAS_BACKEND=torch PYTHONPATH=<Keras's source> /usr/bin/python3 layers_normalization_keras.py
"""
import keras
import torch
from keras import layers

from golden import Topic

t = Topic("layers_normalization_keras")
d = t.draw
SOURCE = "Keras %s on torch, float64" % keras.__version__


def case(kind, shape, x=None, **options):
    layer = getattr(layers, kind)(dtype="float64", **options)
    layer.build(shape)
    if x is None:
        x = d.normal(*shape, scale=2) + 1
    weights = {v.name: d.uniform(0.5, 2, *v.shape) if v.name == "gamma" else d.normal(*v.shape) for v in layer.trainable_variables}
    names = [v.name for v in layer.trainable_variables]

    def f(x, **given):
        y, _ = layer.stateless_call([given[n] for n in names], [], x)
        return y

    label = "%s_%s" % (kind, "x".join(map(str, shape))) + "".join("_%s_%s" % (k, v) for k, v in options.items()).replace(" ", "")
    config = layer.get_config()
    args = {"layer": kind, **{k: config[k] for k in ("groups", "axis", "epsilon", "center", "scale", "rms_scaling", "invert", "mean", "variance") if k in config}}
    if not args.get("rms_scaling"):
        args.pop("rms_scaling", None)
    if kind == "Normalization":
        assert args.keys() >= {"axis", "invert", "mean", "variance"}
    args["axis"] = list(args["axis"]) if isinstance(args["axis"], (list, tuple)) else [args["axis"]]
    t.layer(label, SOURCE, args, f, {"x": x, **weights})


case("GroupNormalization", (2, 3, 64))
case("GroupNormalization", (3, 6), groups=2)
case("GroupNormalization", (2, 5, 6), groups=3)
case("GroupNormalization", (2, 3, 2, 4), groups=2)
case("GroupNormalization", (2, 3, 2, 4), groups=1)
case("GroupNormalization", (2, 3, 2, 4), groups=-1)
case("GroupNormalization", (2, 4, 3), groups=2, axis=1)
case("GroupNormalization", (2, 3, 4, 5), groups=2, axis=2)
case("GroupNormalization", (2, 3, 4, 5), groups=2, axis=-2)
case("GroupNormalization", (1, 3, 17), groups=17, epsilon=0.25)
case("GroupNormalization", (2, 3, 4), groups=2, center=False)
case("GroupNormalization", (2, 3, 4), groups=2, scale=False)
case("GroupNormalization", (2, 3, 4), groups=2, center=False, scale=False)
case("UnitNormalization", (3, 4))
case("UnitNormalization", (1, 1))
case("UnitNormalization", (2, 3, 5))
case("UnitNormalization", (2, 3, 17), axis=1)
case("UnitNormalization", (2, 3, 5), axis=[1, 2])
case("UnitNormalization", (2, 3, 2, 5), axis=[-1, 1])
tiny = torch.tensor([[3, 4], [3e-8, 4e-8], [3e-13, 4e-13]], dtype=torch.float32).double()
case("UnitNormalization", (3, 2), x=tiny)
for groups in (1, 3, -1):
    case("GroupNormalization", (2, 6), groups=groups)
    for axis in (1, 2, 3, 4):
        case("GroupNormalization", (2, 6, 3, 6, 3), groups=groups, axis=axis)
    case("GroupNormalization", (2, 3, 5), groups=groups, axis=-2)  # Keras computes in float32, which a pair of close values shows
case("LayerNormalization", (3, 4), rms_scaling=True)
case("LayerNormalization", (2, 3, 4), rms_scaling=True, axis=1)
case("LayerNormalization", (2, 3, 4), rms_scaling=True, axis=[1, 2], epsilon=0.25)
case("Normalization", (3, 4), mean=2.0, variance=0.25)
case("Normalization", (3, 4), mean=[1.0, 2.0, 3.0, -1.0], variance=[1.0, 2.0, 4.0, 0.5])
case("Normalization", (3, 4), mean=[1.0, 2.0, 3.0, -1.0], variance=[1.0, 2.0, 4.0, 0.5], invert=True)
case("Normalization", (2, 3, 2, 4), axis=[3, 1], mean=[[1.0, 2.0, 3.0, -1.0], [0.0, 1.0, 0.0, 1.0], [2.0, 2.0, 3.0, 3.0]], variance=[[1.0, 2.0, 4.0, 0.5]] * 3)
case("Normalization", (2, 3, 2, 4), axis=[1, -1], mean=[1.0, 2.0, 3.0, -1.0], variance=[1.0, 2.0, 4.0, 0.5])
case("Normalization", (2, 3, 2), axis=1, mean=[1.0, 2.0, 3.0], variance=[1.0, 0.25, 4.0], invert=True)
t.save()
