# SPDX-License-Identifier: Apache-2.0
"""Writes convolutions.json: convolutions and poolings over one to three axes by PyTorch 1.13, in float64.

Inputs are multiples of 1/8, channels last as in package graph. grads are the gradients of sum(r*y).
"""
import json

import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(5)
cases = []


def plain(t):
    return [int(x) if x == int(x) else x for x in t.ravel().tolist()]


def numbers(*shape):
    return (rng.integers(-16, 17, size=shape) / 8).astype(np.float64)


def first(t):  # channels first, as PyTorch has them
    return t.movedim(-1, 1)


def kernel(t):  # (k..., in, out) to (out, in, k...)
    return t.movedim((-1, -2), (0, 1))


def case(op, f, *inputs, **args):
    leaves = [torch.tensor(x, requires_grad=True) for x in inputs]
    y = f(*leaves).movedim(1, -1)
    r = numbers(*y.shape)
    (y * torch.tensor(r)).sum().backward()
    cases.append(dict(op=op, shapes=[list(x.shape) for x in inputs], inputs=[plain(x) for x in inputs], yshape=list(y.shape),
                      y=plain(y.detach().numpy()), r=plain(r), grads=[plain(t.grad.numpy()) for t in leaves], **args))


conv = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
back = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
sizes = {1: (9,), 2: (7, 6), 3: (5, 3, 4)}
batches = {1: 3, 2: 2, 3: 1}
kernels = {1: (3,), 2: (3, 2), 3: (3, 2, 2)}
for axes in (1, 2, 3):
    n, size, k = batches[axes], sizes[axes], kernels[axes]
    ones = [1] * axes
    for stride, dilation, groups in ((ones, ones, 1), ([2, 1, 3][:axes], ones, 1), (ones, [2, 2, 2][:axes], 1), (ones, ones, 2), ([1, 2, 2][:axes], [2, 1, 1][:axes], 4)):
        x, w, b = numbers(n, *size, 4), numbers(*k, 4 // groups, 8), numbers(8)
        spec = dict(stride=stride, dilation=dilation, groups=groups)
        case('conv', lambda x, w, b: conv[axes](first(x), kernel(w), b, stride, 0, dilation, groups), x, w, b, **spec)
    for stride, dilation, groups in ((ones, ones, 1), ([2, 3, 2][:axes], ones, 1), (ones, [2, 2, 3][:axes], 1), ([2, 1, 2][:axes], [1, 2, 2][:axes], 2)):
        image = [(c - 1) * s + d * (m - 1) + 1 for c, s, d, m in zip((3, 2, 2), stride, dilation, k)]
        x, w = numbers(n, *(3, 2, 2)[:axes], 4), numbers(*k, 6 // groups, 4)
        case('conv_transpose', lambda x, w: back[axes](first(x), kernel(w), None, stride, 0, 0, groups, dilation), x, w,
             size=image, stride=stride, dilation=dilation, groups=groups)
    w = numbers(*[1] * axes, 4, 3)
    case('conv', lambda x, w: conv[axes](first(x), kernel(w)), numbers(1, *size, 4), w, stride=ones, dilation=ones, groups=1)
    maximum = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}[axes]
    mean = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}[axes]
    for k, stride in ((kernels[axes], kernels[axes]), (kernels[axes], [2, 3, 4][:axes]), ((2,) * axes, [1] * axes), ((1,) * axes, [2] * axes)):
        for ceil in (False, True):
            x = rng.permutation(n * int(np.prod(size)) * 3).reshape(n, *size, 3) / 8  # no equal numbers
            case('max_pool', lambda x: maximum(first(x), k, stride, 0, 1, ceil), x, size=list(k), stride=list(stride), ceil=ceil)
            case('avg_pool', lambda x: mean(first(x), k, stride, 0, ceil), x, size=list(k), stride=list(stride), ceil=ceil)
    # an odd window with stride 1: Same padding is PyTorch's padding of 1
    x = numbers(n, *size, 3)
    for count in (False, True):
        case('avg_pool', lambda x: mean(first(x), 3, 1, 1, False, count), x, size=[3] * axes, stride=[1] * axes, same=True, count=count)
    w = numbers(*[3] * axes, 3, 2)
    case('conv', lambda x, w: conv[axes](first(x), kernel(w), None, 1, 1), x, w, stride=ones, dilation=ones, groups=1, same=True)

with open('convolutions.json', 'w') as f:
    f.write('[\n' + ',\n'.join(json.dumps(c) for c in cases) + '\n]\n')
