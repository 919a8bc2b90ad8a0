# SPDX-License-Identifier: Apache-2.0
"""A file of the layout of Keras's vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5 (a
file of Keras 1: no version, byte strings, names such as block1_conv1_W_1:0), with
numbers that compress: array n is n throughout.

    python3 vgg16_layout.py

Written with h5py 3.7.
"""
import h5py
import numpy as np

BLOCKS = [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]
with h5py.File("vgg16_notop_layout.h5", "w") as f:
    names, n, channels = ["input_1"], 0, 3
    f.create_group("input_1").attrs["weight_names"] = np.array([], "S1")
    for i, (count, filters) in enumerate(BLOCKS):
        for k in range(count):
            name = "block%d_conv%d" % (i + 1, k + 1)
            g = f.create_group(name)
            weights = [(name + "_W_1:0", (3, 3, channels, filters)), (name + "_b_1:0", (filters,))]
            g.attrs["weight_names"] = [w.encode() for w, _ in weights]
            for w, shape in weights:
                n += 1
                g.create_dataset(w, data=np.full(shape, n, "<f4"), chunks=shape, compression="gzip", compression_opts=9, shuffle=True)
            names.append(name)
            channels = filters
        names.append("block%d_pool" % (i + 1))
        f.create_group(names[-1]).attrs["weight_names"] = np.array([], "S1")
    f.attrs["layer_names"] = [name.encode() for name in names]
