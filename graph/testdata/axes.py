# SPDX-License-Identifier: Apache-2.0
"""Writes axes.json: values of ops on axes and indices by PyTorch 1.13 and NumPy 1.24 in float64, and the gradients
of sum(r*y) by PyTorch, over shapes that are empty and have one element and axes counted from the end.

The inputs of floats are multiples of 1/64, so float32 holds them; no two of one tensor are equal. inputs and grads
are by input; grads is left out where no input is a float or nothing can be differentiated.
"""
import json

import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(7)
cases = []


def case(op, f, *inputs):
    leaves = [torch.tensor(x, requires_grad=x.dtype == np.float64) for x in inputs]
    y = f(*leaves)
    v = y.detach().numpy()
    c = dict(op=op, types=[str(x.dtype) for x in inputs], shapes=[list(x.shape) for x in inputs],
             inputs=[x.ravel().tolist() for x in inputs], yshape=list(v.shape), ytype=str(v.dtype), y=v.ravel().tolist())
    if y.requires_grad:
        r = rng.integers(-64, 65, size=v.shape) / 64
        (y * torch.tensor(r)).sum().backward()
        c.update(r=np.ravel(r).tolist(), grads=[None if t.grad is None else t.grad.numpy().ravel().tolist() for t in leaves])
    cases.append(c)


def numbers(*shape):
    n = int(np.prod(shape))
    return (rng.permutation(2 * n + 20)[:n] - n - 10.).reshape(shape) / 64 * 8


def ids(n, *shape):
    """Positions below n, some counted from the end; PyTorch gets them after plus()."""
    return rng.integers(-n, n, size=shape)


def plus(i, n):
    return torch.where(i < 0, i + n, i)


def pick(i):
    return torch.from_numpy(np.ascontiguousarray(i))


three = [(2, 3, 4), (1, 1, 1), (2, 0, 3), (5, 1, 2)]
for s in three:
    x = numbers(*s)
    case('transpose', lambda x: x.permute(2, 0, 1), x)
    case('moveaxis', lambda x: torch.movedim(x, 0, -1), x)
    case('swapaxes', lambda x: torch.swapaxes(x, 0, -1), x)
    case('expanddims', lambda x: x.unsqueeze(1).unsqueeze(-1), x)
    case('squeeze', lambda x: x.squeeze(), x)
    case('flip', lambda x: torch.flip(x, (0, 2)), x)
    case('roll', lambda x: torch.roll(x, 2, -1), x)
    case('roll back', lambda x: torch.roll(x, -3, 0), x)
    case('tile', lambda x: torch.tile(x, (2, 1, 3)), x)
    case('tile more', lambda x: torch.tile(x, (2, 1, 1, 2)), x)
    case('repeat', lambda x: torch.repeat_interleave(x, 3, 1), x)
    case('slice', lambda x: x[-1:, :, :1], x)
    case('slice steps', lambda x: torch.flip(x, (2,))[::2, :, ::2], x)
    case('stack', lambda x, y: torch.stack((x, y), -2), x, numbers(*s))
    case('concat', lambda x, y: torch.cat((x, y, x), 1), x, numbers(s[0], 2, s[2]))
    case('split', lambda x: torch.cat(torch.split(x, [1, s[0] - 1], 0)[::-1], 0), x)
    case('pad', lambda x: F.pad(x, (2, 1, 0, 3)), x)
    case('pad value', lambda x: F.pad(x, (2, 1, 0, 3), value=1.5), x)
    for mode in ('reflect', 'symmetric', 'edge', 'wrap'):
        case('pad ' + mode, lambda x: x[:, :, pick(np.pad(np.arange(s[2]), (2, 3), mode))], x)
    case('cumsum', lambda x: torch.cumsum(x, -1), x)
    case('cumsum first', lambda x: torch.cumsum(x, 0), x)
    case('cumsum exclusive', lambda x: torch.cumsum(x, 1) - x, x)
    case('cumsum from end', lambda x: torch.flip(torch.cumsum(torch.flip(x, (-1,)), -1), (-1,)), x)
    case('cumprod', lambda x: torch.cumprod(x, -1), x)
    case('cumprod first', lambda x: torch.cumprod(x, 0), x)
    case('triu', lambda x: torch.triu(x, 1), x)
    case('tril', lambda x: torch.tril(x, -1), x)
    case('diag', lambda x: torch.diag_embed(x, -1), x)
    case('diag part', lambda x: torch.diagonal(x, 0, -2, -1), x)
    case('trace', lambda x: torch.diagonal(x, 0, -2, -1).sum(-1), x)
    case('matmul', lambda x, y: x @ y, x, numbers(s[2], 3))
    case('matmul broadcast', lambda x, y: x @ y, x, numbers(2, 1, s[2], 2))
    case('matmul vector', lambda x, y: x @ y, x, numbers(s[2]))
    case('matmul transposed', lambda x, y: x @ y.mT, x, numbers(s[0], 2, s[2]))
    case('einsum', lambda x, y: torch.einsum('bij,bkj->ikb', x, y), x, numbers(s[0], 2, s[2]))
    case('einsum trace', lambda x: torch.einsum('bij->j', x), x)
    case('einsum ellipsis', lambda x, y: torch.einsum('...j,jk->k...', x, y), x, numbers(s[2], 2))
    case('tensordot', lambda x, y: torch.tensordot(x, y, ((2, 0), (1, 0))), x, numbers(s[0], s[2], 3))
    case('outer', lambda x, y: torch.outer(x.ravel(), y), x, numbers(3))
    if 0 in s:
        continue
    case('cummax', lambda x: torch.cummax(x, -1)[0], x)
    case('sort', lambda x: torch.sort(x, -1)[0], x)
    case('sort descending', lambda x: torch.sort(x, 0, descending=True)[0], x)
    case('argsort', lambda x: torch.argsort(x, 1), x)
    case('top k', lambda x: torch.topk(x, 1, -1)[0], x)
    case('top k ids', lambda x: torch.topk(x, s[0], 0)[1], x)
    n = s[-1]
    case('gather', lambda x, i: x[:, :, plus(i, n)], x, ids(n, 2, 3))
    case('gather first', lambda x, i: x[plus(i, s[0])], x, ids(s[0], 5))
    case('gather elements', lambda x, i: torch.take_along_dim(x, plus(i, n), -1), x, ids(n, *s[:2], 5))
    m = min(s[0], s[1])
    case('gather nd', lambda x, i: x[plus(i[:, 0], s[0]), plus(i[:, 1], s[1])], x, ids(m, 4, 2))
    once = rng.permutation(n)
    case('scatter', lambda x, i, u: x.index_copy(2, i, u), x, once, numbers(*s))
    case('scatter add', lambda x, i, u: x.index_add(2, plus(i, n), u), x, ids(n, 6), numbers(*s[:2], 6))
    case('scatter elements', lambda x, i, u: x.scatter(2, i, u), x, np.broadcast_to(once, s).copy(), numbers(*s))
    case('scatter add elements', lambda x, i, u: x.scatter_add(2, plus(i, n), u), x, ids(n, *s[:2], 5), numbers(*s[:2], 5))
    case('scatter add nd', lambda x, i, u: x.index_put((i[:, 0],), u, accumulate=True), x, rng.integers(0, s[0], size=(4, 1)),
         numbers(4, *s[1:]))
    case('scatter nd', lambda x, i, u: x.index_put((i[:, 0],), u), x, rng.permutation(s[0]).reshape(-1, 1), numbers(*s))
    seg = rng.integers(0, 3, size=s[0])
    case('segment sum', lambda x, i: torch.zeros(3, *s[1:], dtype=x.dtype).index_add(0, i, x), x, seg)
    case('segment mean', lambda x, i: torch.zeros(3, *s[1:], dtype=x.dtype).index_add(0, i, x) /
         torch.bincount(i, minlength=3).clamp(min=1)[:, None, None], x, seg)
    case('segment max', lambda x, i: torch.full((1, *s[1:]), -torch.inf, dtype=x.dtype).scatter_reduce(0, i[:, None, None].expand(s), x, 'amax'),
         x, np.zeros(s[0], np.int64))

case('cumprod', lambda x: torch.cumprod(x, -1), np.array([[2., 0, 3, .5], [0, 1, 0, 2], [1, 2, 3, 4]]))
case('kron', torch.kron, numbers(2, 3), numbers(3, 1))
case('dot', torch.dot, numbers(5), numbers(5))
case('one hot', lambda i: torch.from_numpy((i.numpy()[..., None] == np.arange(4)) * 1.), np.array([[0, 3], [4, -1]]))
case('embedding', lambda i, t: t[i * 2 + 1], rng.integers(0, 2, size=(2, 3)), numbers(5, 2))
case('searchsorted', lambda s, v: torch.searchsorted(s, v), np.sort(numbers(6)), numbers(2, 3))
case('searchsorted right', lambda s: torch.searchsorted(s, s, right=True), np.sort(numbers(3, 5)))
case('arange', lambda: torch.arange(-2, 3.1, .75, dtype=torch.float64))
case('arange back', lambda: torch.arange(5, -2, -3))
case('linspace', lambda: torch.linspace(-1, 2, 7, dtype=torch.float64))
case('linspace one', lambda: torch.linspace(-1, 2, 1, dtype=torch.float64))
case('eye', lambda: torch.from_numpy(np.eye(3, 4, 1)))
case('eye below', lambda: torch.from_numpy(np.eye(4, 2, -2)))
case('meshgrid', lambda a, b: torch.cat(torch.meshgrid(a, b, indexing='ij')), numbers(3), numbers(2))
case('unstack', lambda x: sum(t * (k + 1) for k, t in enumerate(torch.unbind(x, 1))), numbers(2, 4, 3))
case('chunk', lambda x: torch.cat(torch.chunk(x, 3, -1)[::-1], 0), numbers(2, 6))

# integers go through the ops that move elements
i = rng.integers(-9, 9, size=(3, 4))
case('cumsum', lambda x: torch.cumsum(x, -1), i)
case('sort', lambda x: torch.sort(x, -1)[0], i)
case('roll', lambda x: torch.roll(x, 2, -1), i)

# pictures: channels last here, first there
for h, w, c in ((4, 5, 2), (1, 1, 1), (3, 1, 2)):
    x = numbers(1, h, w, c)
    for size in ((7, 6), (3, 2), (1, 1)):
        for mode, corners in (('nearest-exact', None), ('bilinear', False), ('bilinear', True), ('bicubic', False), ('bicubic', True)):
            name = f'resize {mode} {size[0]} {size[1]}' + (' corners' if corners else '')
            case(name, lambda x: F.interpolate(x.permute(0, 3, 1, 2), size, mode=mode, align_corners=corners).permute(0, 2, 3, 1), x)
# TensorFlow's order of channels
case('space to depth', lambda x: x.reshape(2, 2, 2, 3, 2, 3).permute(0, 1, 3, 2, 4, 5).reshape(2, 2, 3, 12), numbers(2, 4, 6, 3))
case('depth to space', lambda x: x.reshape(1, 2, 3, 2, 2, 2).permute(0, 1, 3, 2, 4, 5).reshape(1, 4, 6, 2), numbers(1, 2, 3, 8))


def stft(x, n, hop, window, center):
    y = torch.stft(x, n, hop, len(window), torch.tensor(window, dtype=torch.float64), center=center, return_complex=True).mT
    return torch.cat((y.real, y.imag), -1)


hann = (.5 - .5 * np.cos(2 * np.pi * np.arange(8) / 8)).tolist()
case('stft', lambda x: stft(x, 8, 2, hann, True), numbers(2, 21))
case('stft hop', lambda x: stft(x, 8, 3, hann, False), numbers(2, 21))
case('stft window', lambda x: stft(x, 8, 4, [.5, 1, .75], True), numbers(17))


def istft(re, im, n, hop, window, center, length):
    return torch.istft(torch.complex(re, im).mT, n, hop, len(window), torch.tensor(window, dtype=torch.float64), center=center, length=length)


case('istft', lambda re, im: istft(re, im, 8, 2, hann, True, None), numbers(2, 6, 5), numbers(2, 6, 5))
case('istft length', lambda re, im: istft(re, im, 8, 4, hann, True, 15), numbers(6, 5), numbers(6, 5))
case('istft odd', lambda re, im: istft(re, im, 7, 3, [1., 2, 1, .5, 1, 1, 2], False, None), numbers(3, 4), numbers(3, 4))


def text(v):
    if isinstance(v, list):
        return [text(x) for x in v]
    if isinstance(v, dict):
        return {k: text(x) for k, x in v.items()}
    return v if not isinstance(v, float) or np.isfinite(v) else str(v)


with open('axes.json', 'w') as f:
    f.write('[\n' + ',\n'.join(json.dumps(text(c), separators=(',', ':')) for c in cases) + '\n]\n')
