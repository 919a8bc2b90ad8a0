#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small files as Keras writes them, made with h5py, and want.json: what must be
read from them. Weights are counted up in quarters, so they are exact.

    /usr/bin/python3 make_files.py [folder of real Keras files]

(Debian: python3-h5py 3.7, python3-numpy.) With the folder, real.json is made
too: shapes and checksums of the weights of those files, as h5py reads them.
The real files are not ours to hand on; the test finds them in $REEF_DATA.
"""
import io
import json
import os
import sys
import zipfile
import zlib

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
want = {}
counter = 0


def values(shape, dtype="<f4"):
    global counter
    n = int(np.prod(shape))
    v = (np.arange(counter, counter + n) % 251).reshape(shape)
    counter += n
    return v.astype(dtype) if np.dtype(dtype).kind in "iu" else (v / 4).astype(dtype)


def expect(file, version, config, layers):
    want[file] = {"version": version, "config": config, "layers": [
        {"name": name, "weights": [{"name": n, "shape": list(v.shape), "data": [float(x) for x in v.ravel()]} for n, v in ws]} for name, ws in layers]}


def dense(name, class_name="Dense"):
    return {"class_name": class_name, "config": {"name": name}}


def nested(name, layers, class_name="Functional"):
    return {"class_name": class_name, "config": {"name": name, "layers": layers}}


def group(parent, name, weights, as_bytes=False):
    """A layer's group in the manner of Keras 1 and 2."""
    g = parent.create_group(name)
    names = [n for n, _ in weights]
    g.attrs["weight_names"] = [n.encode() for n in names] if as_bytes else names
    for n, v in weights:
        g.create_dataset(n, data=v)


# Keras 2 model.save: a nested model whose batch normalization has its moving
# statistics after all trainable weights; an optimizer; a layer without weights.
config = nested("model", [dense("input_1", "InputLayer"), nested("base", [dense("conv"), dense("bn", "BatchNormalization")]), dense("flatten", "Flatten"), dense("gru", "GRU"), dense("top")])
conv, bn = [("conv/kernel:0", values((2, 2, 1, 2))), ("conv/bias:0", values((2,)))], [("bn/gamma:0", values((2,))), ("bn/beta:0", values((2,)))]
moving = [("bn/moving_mean:0", values((2,))), ("bn/moving_variance:0", values((2,)))]
gru = [("gru/gru_cell/kernel:0", values((3, 6))), ("gru/gru_cell/recurrent_kernel:0", values((2, 6))), ("gru/gru_cell/bias:0", values((2, 6)))]
top = [("top/kernel:0", values((2, 1))), ("top/bias:0", values((1,)))]
for file, options in [("keras2_model.h5", {}), ("keras2_latest.h5", {"libver": "latest"})]:
    with h5py.File(os.path.join(HERE, file), "w", **options) as f:
        f.attrs["backend"], f.attrs["keras_version"] = "tensorflow", "2.13.1"
        f.attrs["model_config"] = json.dumps(config)
        g = f.create_group("model_weights")
        g.attrs["layer_names"] = ["input_1", "base", "flatten", "gru", "top"]
        for name, ws in [("base", conv + bn + moving), ("flatten", []), ("gru", gru), ("input_1", []), ("top", top)]:
            group(g, name, ws)
        group(f, "optimizer_weights", [("Adam/iter:0", values((), "<i8"))])
    short = lambda ws: [(n[:-2], v) for n, v in ws]
    expect(file, "2.13.1", config, [("base", short(conv + bn + moving)), ("gru", short(gru)), ("top", short(top))])

# Keras 1 save_weights: byte strings, no architecture, the list of layers cut in two.
b1, b2 = [("conv1_W_1:0", values((1, 1, 2, 3))), ("conv1_b_1:0", values((3,)))], [("fc_W:0", values((3, 2))), ("fc_b:0", values((2,)))]
with h5py.File(os.path.join(HERE, "keras1_weights.h5"), "w") as f:
    f.attrs["keras_version"] = b"1.2.2"
    f.attrs["layer_names0"], f.attrs["layer_names1"] = [b"conv1", b"pool"], [b"fc"]
    for name, ws in [("conv1", b1), ("pool", []), ("fc", b2)]:
        group(f, name, ws, True)
expect("keras1_weights.h5", "1.2.2", None, [("conv1", [(n[:-2], v) for n, v in b1]), ("fc", [(n[:-2], v) for n, v in b2])])

# Every way of storing that is supported.
stored = [
    ("gzip", values((7, 5)), {"chunks": (3, 2), "compression": "gzip", "shuffle": True, "fletcher32": True}),
    ("chunked", values((5, 3, 2)), {"chunks": (2, 3, 1)}), ("fletcher", values((9,)), {"chunks": (4,), "fletcher32": True}),
    ("f8", values((2, 3), "<f8"), {}), ("f2", values((3,), "<f2"), {}), ("f4be", values((3,), ">f4"), {}), ("f8be", values((2,), ">f8"), {}),
    ("i8", -values((3,), "<i8"), {}), ("i4be", -values((3,), ">i4"), {}), ("u1", values((4,), "u1"), {}), ("i1", -values((4,), "i1") % 100, {}),
    ("scalar", values(()), {}), ("empty", values((0, 3)), {}), ("one", values((1, 1)), {"chunks": (1, 1), "compression": "gzip"}),
]
with h5py.File(os.path.join(HERE, "storage.h5"), "w") as f:
    f.attrs["layer_names"] = ["d"]
    g = f.create_group("d")
    g.attrs["weight_names"] = ["d/%s:0" % n for n, _, _ in stored]
    for n, v, o in stored:
        g.create_dataset("d/%s:0" % n, data=v, **o)
expect("storage.h5", "", None, [("d", [("d/" + n, v) for n, v, _ in stored])])

# bfloat16, as Keras 3 keeps it: two bytes without a meaning, and a note.
brain = values((2, 3))
with h5py.File(os.path.join(HERE, "bfloat16.h5"), "w") as f:
    f.attrs["layer_names"] = ["d"]
    g = f.create_group("d")
    g.attrs["weight_names"] = ["d/kernel:0"]
    d = g.create_dataset("d/kernel:0", data=(brain.view("<u4") >> 16).astype("<u2").view("V2"))
    d.attrs["dtype"] = "bfloat16"
expect("bfloat16.h5", "", None, [("d", [("d/kernel", brain)])])


def variables(g, path, vs, name=None):
    g = g.create_group(path + "/vars")
    if name:
        g.attrs["name"] = name
    for i, v in enumerate(vs):
        g.create_dataset(str(i), data=v)


# Keras 3: groups by class, whatever the layers are called.
config = {"module": "keras", **nested("functional", [
    dense("input", "InputLayer"), dense("first"), dense("tower", "Bidirectional"), nested("base", [dense("c1", "Conv2DTranspose"), dense("n1", "BatchNormalization"), dense("c2", "Conv2DTranspose")], "Sequential"),
    dense("attention", "MultiHeadAttention"), dense("last"), dense("act", "PReLU")])}
k3 = {"dense": ("first", [("", 2)]), "bidirectional": ("tower", [("/forward_layer/cell", 3), ("/backward_layer/cell", 3)]),
      "sequential/layers/conv2d_transpose": ("base/c1", [("", 2)]), "sequential/layers/batch_normalization": ("base/n1", [("", 4)]),
      "sequential/layers/conv2d_transpose_1": ("base/c2", [("", 1)]),
      "multi_head_attention": ("attention", [("/query_dense", 2), ("/key_dense", 2), ("/value_dense", 2), ("/output_dense", 2)]), "dense_1": ("last", [("", 2)]), "p_re_lu": ("act", [("", 12)])}
made = {g: [(part, [values((2, i + 1)) for i in range(n)]) for part, n in ps] for g, (_, ps) in k3.items()}
layers = [(k3[g][0], [("%s%d" % (part[1:] + "/" if part else "", i), v) for part, vs in ps for i, v in enumerate(vs)]) for g, ps in made.items()]


def keras3(names):
    b = io.BytesIO()
    with h5py.File(b, "w") as f:
        f.create_group("vars")
        variables(f, "optimizer", [values((), "<i8")])
        variables(f, "layers/multi_head_attention/_dropout_layer/seed_generator", [values((2,), "<u4")])
        for g, ps in made.items():
            for part, vs in ps:
                variables(f, "layers/" + g + part, vs, k3[g][0].split("/")[-1] if names and not part else None)
    return b.getvalue()


for file, method in [("keras3.keras", zipfile.ZIP_STORED), ("keras3_deflated.keras", zipfile.ZIP_DEFLATED)]:
    with zipfile.ZipFile(os.path.join(HERE, file), "w", method) as z:
        for name, data in [("metadata.json", json.dumps({"keras_version": "3.12.0"})), ("config.json", json.dumps(config)), ("model.weights.h5", keras3(False))]:
            z.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, method)
    expect(file, "3.12.0", config, layers)

# The weights alone: the layers' own names are noted at their variables, their order is not known.
with open(os.path.join(HERE, "keras3.weights.h5"), "wb") as f:
    f.write(keras3(True))
plain = {"base/c1": "sequential/c1", "base/n1": "sequential/n1", "base/c2": "sequential/c2", "tower": "bidirectional", "attention": "multi_head_attention"}
by_group = dict(zip(made, layers))
expect("keras3.weights.h5", "", None, [(plain.get(n, n), w) for _, (n, w) in sorted(by_group.items())])

with open(os.path.join(HERE, "want.json"), "w") as f:
    json.dump(want, f, separators=(",", ":"))

if len(sys.argv) > 1:
    real = {}
    for file in sorted(os.listdir(sys.argv[1])):
        path = os.path.join(sys.argv[1], file)
        inside = io.BytesIO(zipfile.ZipFile(path).read("model.weights.h5")) if file.endswith(".keras") else path
        entry = real[file] = {}
        with h5py.File(inside, "r") as f:
            top = f["layers"] if file.endswith(".keras") else f["model_weights"]

            def visit(name, o):
                if isinstance(o, h5py.Dataset):
                    prefix = "layers/" if file.endswith(".keras") else ""
                    entry[prefix + name] = {"shape": list(o.shape), "crc32": zlib.crc32(o[()].astype("<f4").tobytes())}
            top.visititems(visit)
    with open(os.path.join(HERE, "real.json"), "w") as f:
        json.dump(real, f, indent=1)
