# SPDX-License-Identifier: Apache-2.0
"""Writes reductions.json: values and gradients of reductions by PyTorch 1.13 and NumPy 1.24, in float64.

dx is the gradient of sum(r*y) for the r of each case. Infinities and NaN are texts.
"""
import json
import math

import numpy as np
import torch

rng = np.random.default_rng(7)
cases = []


def plain(a):
    return [x if math.isfinite(x) else str(x) for x in np.asarray(a, dtype=np.float64).ravel().tolist()]


def case(op, f, x, axes, keep=False, grad=True, **args):
    t = torch.tensor(x, dtype=torch.float64, requires_grad=grad)
    y = f(t)
    c = dict(op=op, axes=axes, keep=keep, shape=list(x.shape), x=plain(x), yshape=list(y.shape), y=plain(y.detach().numpy()), **args)
    if grad:
        r = rng.normal(size=y.shape)
        (y * torch.tensor(r)).sum().backward()
        c.update(r=plain(r), dx=plain(t.grad.numpy()))
    cases.append(c)


x = rng.normal(size=(2, 3, 4)).round(2)
ties = np.array([[3., 1, 3, 3], [2, 5, 5, 0], [-1, -1, -1, -1]])
zeros = np.array([[2., 0, 3, -4], [0, 0, 5, 1], [1, 2, 3, 4]])
for axes in ([0], [1], [-1], [0, 2], [1, 2], [0, 1, 2]):
    for keep in (False, True):
        a = dict(axes=axes, keep=keep)
        case('sum', lambda t: t.sum(axes, keep), x, **a)
        case('mean', lambda t: t.mean(axes, keep), x, **a)
        case('max', lambda t: t.amax(axes, keep), x, **a)
        case('min', lambda t: t.amin(axes, keep), x, **a)
        case('log_sum_exp', lambda t: t.logsumexp(axes, keep), x, **a)
        for ddof in (0, 1):
            case('variance', lambda t: t.var(axes, ddof == 1, keep), x, p=ddof, **a)
            case('std', lambda t: t.std(axes, ddof == 1, keep), x, p=ddof, **a)
        for p in (1, 2, 3, 1.5, math.inf, -math.inf):
            case('norm', lambda t: torch.linalg.vector_norm(t, p, axes, keep), x, p=p if math.isfinite(p) else str(p), **a)
        case('count_nonzero', lambda t: torch.tensor(np.count_nonzero(t.numpy().round(), tuple(axes), keepdims=keep)), x.round(), grad=False, **a)
        case('any', lambda t: torch.tensor((t.numpy() > 0).any(tuple(axes), keepdims=keep)), np.maximum(x - 1, 0), grad=False, **a)
        case('all', lambda t: torch.tensor((t.numpy() != 0).all(tuple(axes), keepdims=keep)), x.round(), grad=False, **a)
for axis in (0, 1, -1):
    case('prod', lambda t: t.prod(axis), x, [axis])
    case('arg_max', lambda t: t.argmax(axis), x, [axis], grad=False)
    case('arg_min', lambda t: t.argmin(axis, keepdim=True), x, [axis], keep=True, grad=False)
    case('softmax', lambda t: t.softmax(axis), x, [axis])
    case('log_softmax', lambda t: t.log_softmax(axis), x, [axis])
for axis in (0, 1):
    case('max', lambda t: t.amax(axis), ties, [axis])
    case('min', lambda t: t.amin(axis), ties, [axis])
    case('arg_max', lambda t: torch.tensor(np.argmax(t.numpy(), axis)), ties, [axis], grad=False)
    case('arg_min', lambda t: torch.tensor(np.argmin(t.numpy(), axis)), ties, [axis], grad=False)
    case('prod', lambda t: t.prod(axis), zeros, [axis])
case('max', lambda t: t.amax((0, 1)), ties, [0, 1])
# no elements: NumPy's identities
none = np.zeros((2, 0, 3))
case('sum', lambda t: torch.tensor(none.sum(1)), none, [1], grad=False)
case('prod', lambda t: torch.tensor(none.prod(1)), none, [1], grad=False)
case('any', lambda t: torch.tensor(none.any(1)), none, [1], grad=False)
case('all', lambda t: torch.tensor(none.all(1)), none, [1], grad=False)
case('count_nonzero', lambda t: torch.tensor(np.count_nonzero(none, 1)), none, [1], grad=False)
case('max', lambda t: torch.tensor(none.max(0)), none, [0], grad=False)
with np.errstate(all='ignore'):
    case('mean', lambda t: torch.tensor(none.mean(1)), none, [1], grad=False)
    case('variance', lambda t: torch.tensor(none.var(1)), none, [1], grad=False, p=0)
    case('variance', lambda t: torch.tensor(x[:, :1].var(1, ddof=1)), x[:, :1], [1], grad=False, p=1)
case('log_sum_exp', lambda t: t.logsumexp(1), none, [1], grad=False)

with open('reductions.json', 'w') as f:
    f.write('[\n' + ',\n'.join(json.dumps(c) for c in cases) + '\n]\n')
