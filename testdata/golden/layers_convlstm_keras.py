# SPDX-License-Identifier: Apache-2.0
"""ConvLSTM1D, ConvLSTM2D and ConvLSTM3D by Keras itself (3.15, torch backend) in float64. Inputs are x and
perhaps mask, or the initial states h0 and c0, which Keras does not combine; further outputs are h and c.

    KERAS_BACKEND=torch PYTHONPATH=<Keras's source> /usr/bin/python3 layers_convlstm_keras.py
"""
import keras
import torch
from keras import layers

from golden import Topic

t = Topic("layers_convlstm_keras")
d = t.draw
SOURCE = "Keras %s on torch, float64" % keras.__version__
NAMES = ("filters", "kernel_size", "strides", "padding", "dilation_rate", "activation", "recurrent_activation", "use_bias", "return_sequences", "return_state", "go_backwards", "zero_output_for_mask")


def case(kind, shape, *given, mask=None, states=None, **options):
    layer = getattr(layers, kind)(*given, dtype="float64", **options)
    layer.build(shape)
    names = [v.name for v in layer.trainable_variables]
    inputs = {"x": d.normal(*shape)}
    if mask is not None:
        inputs["mask"] = torch.tensor(mask, dtype=torch.float64)
    if states is not None:
        inputs["h0"], inputs["c0"] = d.normal(*states), d.normal(*states)
    weights = {v.name: d.normal(*v.shape, scale=0.5) for v in layer.trainable_variables}

    def f(x, mask=None, h0=None, c0=None, **values):
        call = {"mask": mask != 0} if mask is not None else {"initial_state": [h0, c0]} if h0 is not None else {}
        y, _ = layer.stateless_call([values[n] for n in names], [v.value for v in layer.non_trainable_variables], x, **call)
        return tuple(y) if isinstance(y, (list, tuple)) else y

    label = "_".join([kind, "x".join(map(str, shape))] + [str(g).replace(" ", "") for g in given] + [("%s_%s" % o).replace(" ", "") for o in options.items()])
    label += ("_masked" if mask is not None else "") + ("_states" if states is not None else "")
    config = layer.get_config()
    t.layer(label, SOURCE, {"layer": kind, **{k: config[k] for k in NAMES}}, f, {**inputs, **weights}, fixed=("mask",),
            outputs=("y", "h", "c") if options.get("return_state") else ("y",))


series, image, volume = (2, 3, 6, 2), (2, 3, 5, 4, 2), (2, 2, 3, 2, 3, 2)
case("ConvLSTM1D", series, 2, 3)
case("ConvLSTM1D", series, 3, 2, padding="same", strides=2, return_sequences=True, return_state=True)
case("ConvLSTM1D", series, 2, 3, dilation_rate=2, go_backwards=True, return_sequences=True, use_bias=False)
case("ConvLSTM1D", series, 2, 3, states=(2, 4, 2), return_state=True)
case("ConvLSTM1D", series, 2, 3, mask=[[1, 0, 1], [0, 1, 0]], return_sequences=True, return_state=True)
case("ConvLSTM1D", (2, 1, 6, 2), 2, 1, activation="relu", recurrent_activation="hard_sigmoid")
case("ConvLSTM2D", image, 2, 3, padding="same")
case("ConvLSTM2D", image, 3, (2, 3), strides=(2, 1), return_sequences=True)
case("ConvLSTM2D", image, 2, 2, dilation_rate=(2, 1), go_backwards=True, return_sequences=True, return_state=True)
case("ConvLSTM2D", image, 2, (3, 1), activation="softsign", recurrent_activation="hard_sigmoid", return_state=True)
case("ConvLSTM2D", image, 2, 2, states=(2, 4, 3, 2), return_sequences=True, go_backwards=True)
case("ConvLSTM2D", image, 2, 2, mask=[[1, 1, 0], [0, 1, 1]])
case("ConvLSTM2D", image, 2, 2, mask=[[1, 1, 0], [0, 1, 1]], go_backwards=True, return_sequences=True, padding="same")
case("ConvLSTM3D", volume, 2, 2, return_sequences=True)
case("ConvLSTM3D", volume, 1, (2, 1, 2), strides=(1, 2, 1), padding="same", use_bias=False, return_state=True)
for backwards in (False, True):
    case("ConvLSTM1D", series, 2, 3, mask=[[1, 0, 1], [0, 1, 0]], return_sequences=True, zero_output_for_mask=True, go_backwards=backwards)
case("ConvLSTM1D", series, 2, 3, mask=[[[1, 1, 0, 1, 1, 0], [0, 1, 1, 1, 0, 1], [1, 0, 0, 1, 1, 1]], [[1, 1, 1, 0, 1, 1], [0, 0, 0, 0, 0, 0], [1, 0, 1, 1, 0, 1]]], padding="same", return_sequences=True)
t.save()
