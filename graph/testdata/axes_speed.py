# SPDX-License-Identifier: Apache-2.0
"""Measures what BenchmarkAxes does, with PyTorch: the median time of each op in microseconds.

    python3 axes_speed.py THREADS
"""
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(int(sys.argv[1]))
rand, ids = torch.randn, torch.randint
square = rand(1000, 1000)
heads, heads2 = rand(16, 128, 8, 64), rand(16, 128, 8, 64)
table, rows, updates = rand(50000, 64), ids(50000, (100000,)), rand(100000, 64)
columns, elements, half = ids(1000, (1000,)), ids(1000, (1000, 1000)), rand(1000, 500)
vector, other, quarter = rand(1000000), rand(1000, 1000), rand(500, 500)
batch, batch2 = rand(32, 128, 128), rand(32, 128, 128)
nhwc = rand(8, 16, 64, 64).contiguous(memory_format=torch.channels_last)
large = rand(8, 16, 128, 128)
ops = dict(
    gather=lambda: table.index_select(0, rows), gather_columns=lambda: square.index_select(1, columns),
    gather_elements=lambda: square.gather(1, elements), scatter_add=lambda: table.index_add(0, rows, updates),
    sort=lambda: square.sort(1), sort_columns=lambda: square.sort(0), sort_vector=lambda: vector.sort(),
    top_k=lambda: square.topk(10, 1), cumsum=lambda: square.cumsum(1), cumsum_columns=lambda: square.cumsum(0),
    cumprod=lambda: square.cumprod(1), transpose=lambda: square.t().contiguous(),
    transpose_heads=lambda: heads.permute(0, 2, 1, 3).contiguous(), transpose_last=lambda: heads.permute(0, 2, 3, 1).contiguous(),
    concat=lambda: torch.cat((square, half), 1), einsum_batch=lambda: torch.einsum('bij,bjk->bik', batch, batch2),
    einsum_scores=lambda: torch.einsum('bqhd,bkhd->bhqk', heads, heads2), einsum_reduce=lambda: torch.einsum('ij,ij->i', square, other),
    flip=lambda: square.flip(1), roll=lambda: square.roll(100, 1), tile=lambda: quarter.tile(2, 2),
    slice_steps=lambda: square[:, ::2].contiguous(), pad_reflect=lambda: F.pad(large, (2, 2, 2, 2), mode='reflect'),
    resize_bilinear=lambda: F.interpolate(nhwc, (128, 128), mode='bilinear'))
with torch.no_grad():
    for name, f in ops.items():
        if len(sys.argv) > 2 and name not in sys.argv[2:]:
            continue
        times, end = [], time.perf_counter() + .4
        f()
        while time.perf_counter() < end or len(times) < 5:
            start = time.perf_counter()
            f()
            times.append(time.perf_counter() - start)
        print(f'{name:20s} {1e6 * sorted(times)[len(times) // 2]:10.1f}')
