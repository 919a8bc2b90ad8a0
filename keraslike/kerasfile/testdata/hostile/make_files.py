#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small files that unpack to much, written with h5py. bomb-f4.keras was made in the same
way: 500 million zeros in chunks of 64 MB, packed by HDF5 and again by zip.

    /usr/bin/python3 make_files.py
"""
import os

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def weights(name, layers):
    f = h5py.File(os.path.join(HERE, name), "w")
    f.attrs["keras_version"] = "2.13.1"
    f.attrs["layer_names"] = np.array(layers)
    group = f.create_group("d")
    group.attrs["weight_names"] = np.array([b"k"])
    return group


def zeros(name, n, type, chunk):
    weights(name, [b"d"]).create_dataset("k", data=np.zeros((n, 1), type), chunks=(chunk, 1), compression="gzip", shuffle=True)


zeros("bomb-u1.h5", 40_000_000, "u1", 1 << 22)  # 200 MB as float32 and bytes, of 40 KB
zeros("wide.h5", 3_000_000, "u1", 1 << 14)  # 15 MB: within the budget of a small file
zeros("tiny.h5", 1500, "f4", 1)  # a chunk for each number
weights("twice.h5", [b"d"] * 5000).create_dataset("k", data=np.zeros(1, "f4"))
