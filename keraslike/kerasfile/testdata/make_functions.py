# SPDX-License-Identifier: Apache-2.0
"""Writes functions.json: functional models with functions of keras.ops, and what Keras (3.15, torch backend) computes.

    KERAS_BACKEND=torch PYTHONPATH=<Keras's source> python3 make_functions.py
"""
import json

import keras
import numpy as np
from keras import layers, ops

rng = np.random.RandomState(1)
cases = []


def case(name, shapes, f, variable=None):
    """variable are the shapes of the inputs in the model, where an axis is None."""
    keras.backend.clear_session()
    inputs = [keras.Input(s) for s in variable or shapes]
    model = keras.Model(inputs, f(*inputs))
    given = [np.round(rng.uniform(-2, 2, (2,) + s), 2).astype(np.float32) for s in shapes]
    if "mask" in name:
        given[0][:, 1] = 0
    y = np.asarray(model.predict(given, verbose=0))
    flat = lambda v: [float(str(n)) for n in v.astype(np.float32).ravel()]
    cases.append({"name": name, "model": json.loads(model.to_json()), "inputs": [{"shape": list(v.shape), "values": flat(v)} for v in given],
                  "output": {"shape": list(y.shape), "values": flat(y)}})


A, B = (3, 4), (2, 3, 4)
for axes in (1, 2, -1, [1, 2], [-1, 1]):
    for keep in (False, True):
        case("mean %s %s" % (axes, keep), [A], lambda x: ops.mean(x, axis=axes, keepdims=keep))
for name in ("sum", "max", "min", "mean"):
    for axes in (1, [1, 3], 2, [2, 3], [1, 2, 3], [1, 2]):
        case("%s %s" % (name, axes), [B], lambda x: getattr(ops, name)(x, axis=axes))
    case(name + " of all", [(5,)], lambda x: getattr(ops, name)(x, axis=1, keepdims=True))
case("mean of four axes", [(2, 1, 3, 2)], lambda x: ops.mean(x, axis=[1, 2, 3, 4], keepdims=True))
for name in ("mean", "max", "min"):
    case(name + " of any length", [A], lambda x: getattr(ops, name)(x, axis=1), [(None, 4)])
case("mean of features at any length", [A], lambda x: ops.mean(x, axis=2), [(None, 4)])
case("add", [A, A], lambda x, y: x + y)
case("add broadcast", [A, (1, 4)], lambda x, y: x + y)
case("multiply", [A, (3, 1)], lambda x, y: x * y)
case("subtract", [A, A], lambda x, y: x - y)
case("maximum", [A, A], lambda x, y: ops.maximum(x, y))
case("minimum", [A, A], lambda x, y: ops.minimum(x, y))
case("maximum of a number", [A], lambda x: ops.maximum(x, 0.25))
case("maximum with a number first", [A], lambda x: ops.maximum(-0.5, x))
case("minimum of a number", [A], lambda x: ops.minimum(x, 0.25))
case("clip", [A], lambda x: ops.clip(x, -0.5, 1.25))
case("concatenate", [A, (2, 4)], lambda x, y: ops.concatenate([x, y], axis=1))
case("stack", [A, A], lambda x, y: ops.stack([x, y], axis=1))
case("stack last", [A, A, A], lambda x, y, z: ops.stack([x, y, z], axis=-1))
case("reshape", [A], lambda x: ops.reshape(x, (-1, 6, 2)))
case("expand_dims", [A], lambda x: ops.expand_dims(x, -1))
case("expand_dims 1", [A], lambda x: ops.expand_dims(x, 1), [(None, 4)])
case("squeeze", [(3, 1, 2, 1)], lambda x: ops.squeeze(x, axis=[2, -1]))
case("transpose", [B], lambda x: ops.transpose(x, (0, 3, 1, 2)))
case("swapaxes", [B], lambda x: ops.swapaxes(x, 1, -1))
case("matmul", [A, (4, 2)], lambda x, y: x @ y)
case("einsum", [A, (4, 2)], lambda x, y: ops.einsum("bij,bjk->bik", x, y))
case("einsum of more axes", [(3, 2, 4), (2, 3)], lambda x, y: ops.einsum("nabc,nbd->nacd", x, y))
case("mean behind a mask, which it ignores", [A], lambda x: ops.mean(layers.Masking()(x), axis=1))
case("cast behind a mask, which it passes", [A], lambda x: layers.GlobalAveragePooling1D()(ops.cast(layers.Masking()(x), "float32")))
case("cast", [A], lambda x: ops.cast(x, "float32"))
case("negative", [A], lambda x: -x)
case("absolute", [A], lambda x: abs(x))
case("square", [A], lambda x: ops.square(x))
case("power", [A], lambda x: x**3)
case("normalize", [A], lambda x: ops.normalize(x, axis=-1))
case("normalize 1", [A], lambda x: ops.normalize(x, axis=1))
for name in ("celu", "elu", "exp", "gelu", "hard_sigmoid", "hard_silu", "leaky_relu", "log_sigmoid", "relu", "relu6", "selu", "sigmoid", "silu", "softplus", "softsign", "tanh"):
    case(name, [A], getattr(ops, name))
case("gelu exact", [A], lambda x: ops.gelu(x, approximate=False))
case("celu alpha", [A], lambda x: ops.celu(x, alpha=0.5))
case("relu with arguments", [A], lambda x: keras.activations.relu(x, negative_slope=0.1, max_value=1.0))
for axis in (-1, 1):
    case("softmax %d" % axis, [A], lambda x: ops.softmax(x, axis=axis))
    case("log_softmax %d" % axis, [A], lambda x: ops.log_softmax(x, axis=axis))

with open("functions.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
