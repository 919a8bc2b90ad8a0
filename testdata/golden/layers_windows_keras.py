# SPDX-License-Identifier: Apache-2.0
"""Convolution and pooling layers over one to three axes by Keras itself (3.15, torch backend) in float64:
the layers and arguments that layers_convolution.py and layers_pooling.py have not.

    KERAS_BACKEND=torch PYTHONPATH=<Keras's source> /usr/bin/python3 layers_windows_keras.py
"""
import keras
from keras import layers

from golden import Topic

t = Topic("layers_windows_keras")
d = t.draw
SOURCE = "Keras %s on torch, float64" % keras.__version__
NAMES = ("filters", "kernel_size", "strides", "padding", "dilation_rate", "groups", "activation", "use_bias", "depth_multiplier", "output_padding", "pool_size", "cropping", "size", "interpolation", "output_size")


def case(kind, shape, *given, **options):
    layer = getattr(layers, kind)(*given, dtype="float64", **options)
    layer.build(shape)
    weights = {v.name: d.normal(*v.shape) for v in layer.trainable_variables}
    names = [v.name for v in layer.trainable_variables]

    def f(x, **values):
        y, _ = layer.stateless_call([values[n] for n in names], [], x)
        return y

    label = "%s_%s" % (kind, "x".join(map(str, shape))) + "".join("_" + str(g).replace(" ", "") for g in given) + "".join("_%s_%s" % (k, v) for k, v in options.items()).replace(" ", "")
    config = layer.get_config()
    t.layer(label, SOURCE, {"layer": kind, **{k: config[k] for k in NAMES if k in config}}, f, {"x": d.normal(*shape), **weights})


volume = (2, 4, 3, 5, 2)
case("Conv1D", (2, 7, 4), 6, 3, groups=2, padding="causal")
case("Conv2D", (2, 5, 4, 4), 8, 3, groups=2, padding="same", strides=2)
case("Conv2D", (1, 5, 4, 3), 6, (3, 2), groups=3, activation="tanh")
case("Conv3D", volume, 3, 2)
case("Conv3D", volume, 3, (2, 3, 1), padding="same", strides=(1, 2, 2), activation="relu")
case("Conv3D", volume, 4, 2, groups=2, use_bias=False)
case("Conv3D", volume, 2, (2, 2, 2), dilation_rate=(2, 1, 2))
case("Conv3D", volume, 3, (3, 1, 1))
case("Conv3D", volume, 3, 1)
case("Conv1DTranspose", (2, 4, 3), 2, 3)
case("Conv1DTranspose", (2, 4, 3), 2, 3, strides=2, padding="same", activation="tanh")
case("Conv1DTranspose", (2, 4, 3), 2, 3, strides=2, output_padding=1)
case("Conv1DTranspose", (2, 4, 3), 2, 3, dilation_rate=2)
case("Conv2DTranspose", (1, 3, 4, 2), 3, (2, 3), dilation_rate=(2, 3))
case("Conv3DTranspose", (1, 2, 3, 2, 3), 2, 2)
case("Conv3DTranspose", (1, 2, 3, 2, 3), 2, 3, strides=2, padding="same")
case("Conv3DTranspose", (1, 2, 2, 2, 2), 2, (2, 3, 2), strides=(2, 1, 3), use_bias=False)
case("DepthwiseConv1D", (2, 6, 3), 3)
case("DepthwiseConv1D", (2, 7, 3), 2, strides=2, padding="same", depth_multiplier=2, activation="tanh")
case("DepthwiseConv1D", (2, 7, 3), 3, dilation_rate=2, use_bias=False)
case("SeparableConv1D", (2, 6, 3), 4, 3)
case("SeparableConv1D", (2, 7, 3), 4, 2, strides=2, padding="same", depth_multiplier=2, activation="relu")
case("MaxPooling3D", volume, 2)
case("MaxPooling3D", volume, (2, 3, 2), strides=(2, 1, 3), padding="same")
case("AveragePooling3D", volume, 2)
# Where the padding is odd, Keras's torch backend repeats the edge; TensorFlow and Reef count the cells that exist.
case("AveragePooling3D", volume, (3, 1, 3), strides=(1, 2, 2), padding="same")
case("GlobalMaxPooling3D", volume)
case("GlobalAveragePooling3D", volume)
case("ZeroPadding3D", volume, ((1, 0), (2, 1), (0, 3)))
case("Cropping3D", volume, ((1, 2), (0, 1), (1, 0)))
case("UpSampling3D", (2, 2, 1, 3, 2), (2, 3, 1))
for kind in ("AdaptiveMaxPooling", "AdaptiveAveragePooling"):
    for n, m in ((7, 3), (6, 3), (3, 5), (4, 1), (9, 4)):
        case(kind + "1D", (2, n, 3), m)
    for size, shape in (((3, 2), (2, 7, 5, 2)), ((2, 2), (2, 4, 6, 2)), ((3, 4), (1, 5, 4, 3))):
        case(kind + "2D", shape, size)
    for size, shape in (((2, 3, 2), (2, 5, 4, 3, 2)), ((1, 2, 3), (1, 3, 4, 3, 2))):
        case(kind + "3D", shape, size)
for interpolation in ("bilinear", "bicubic"):
    for size, shape in (((2, 3), (2, 3, 2, 2)), ((1, 2), (1, 1, 4, 3)), ((3, 1), (2, 2, 5, 1))):
        case("UpSampling2D", shape, size, interpolation=interpolation)
t.save()
