# SPDX-License-Identifier: Apache-2.0
"""Writes elementwise.json: values of element-wise ops by NumPy 1.24 and SciPy, in float64 and int64, and their
gradients by PyTorch 1.13.

The inputs of floats are multiples of 1/128, so float32 holds them. da and db are the gradients of sum(r*y); they
are left out for ops without gradients and where an input is not finite. Infinities and NaN are texts.
"""
import json
import math

import numpy as np
import torch

rng = np.random.default_rng(11)
cases = []
np.seterr(all='ignore')


def plain(a):
    a = np.asarray(a)
    if a.dtype == bool:
        return [int(x) for x in a.ravel()]
    return [x if math.isfinite(x) else str(x) for x in a.ravel().tolist()]


def case(op, y, *inputs, grad=None, **args):
    inputs = [np.asarray(x) for x in inputs]
    y = np.asarray(y(*inputs))
    c = dict(op=op, type=str(inputs[-1].dtype), shapes=[list(x.shape) for x in inputs], inputs=[plain(x) for x in inputs],
             yshape=list(y.shape), ytype=str(y.dtype), y=plain(y), **args)
    if grad is not None:
        leaves = [torch.tensor(x, requires_grad=x.dtype == np.float64) for x in inputs]
        out = grad(*leaves)
        assert np.allclose(out.detach().numpy(), y, 1e-12, 1e-14), op  # the two agree on the values
        r = (rng.integers(-64, 65, size=y.shape) / 64).reshape(y.shape)
        (out * torch.tensor(r)).sum().backward()
        c.update(r=plain(r), grads=[plain(t.grad.numpy()) if t.requires_grad else None for t in leaves])
    cases.append(c)


def numbers(*shape, low=-3., high=3.):
    return np.round(rng.uniform(low, high, size=shape) * 64) / 64


inf, nan = math.inf, math.nan
anything = np.array([0., -0., 1, -1, .5, -.5, 1.5, -1.5, 2.5, -2.5, inf, -inf, nan, 1024.5])
positive, unit, above = dict(low=.1, high=4.), dict(low=-.9, high=.9), dict(low=1.1, high=4.)
erf = np.vectorize(math.erf, otypes=[np.float64])
erfc = np.vectorize(math.erfc, otypes=[np.float64])

# functions of one number: name, by NumPy, by PyTorch, domain
for name, f, g, domain in (
    ('neg', np.negative, torch.neg, {}), ('abs', np.abs, torch.abs, {}), ('square', np.square, torch.square, {}),
    ('reciprocal', np.reciprocal, torch.reciprocal, positive), ('sqrt', np.sqrt, torch.sqrt, positive),
    ('rsqrt', lambda x: 1 / np.sqrt(x), torch.rsqrt, positive), ('cbrt', np.cbrt, lambda x: x.sign() * x.abs() ** (1 / 3), {}),
    ('exp', np.exp, torch.exp, {}), ('expm1', np.expm1, torch.expm1, {}), ('log', np.log, torch.log, positive),
    ('log1p', np.log1p, torch.log1p, positive), ('sin', np.sin, torch.sin, {}), ('cos', np.cos, torch.cos, {}),
    ('tan', np.tan, torch.tan, unit), ('asin', np.arcsin, torch.asin, unit), ('acos', np.arccos, torch.acos, unit),
    ('atan', np.arctan, torch.atan, {}), ('sinh', np.sinh, torch.sinh, {}), ('cosh', np.cosh, torch.cosh, {}),
    ('asinh', np.arcsinh, torch.asinh, {}), ('acosh', np.arccosh, torch.acosh, above), ('atanh', np.arctanh, torch.atanh, unit),
    ('erf', erf, torch.erf, {}), ('erfc', erfc, torch.erfc, {}),
    ('sign', np.sign, None, {}), ('floor', np.floor, None, {}), ('ceil', np.ceil, None, {}),
    ('round', np.round, None, {}), ('trunc', np.trunc, None, {}),
):
    for shape in ((3, 4), (), (1,), (2, 0, 3)):
        case(name, f, numbers(*shape, **domain), grad=g)
    case(name, f, anything)
for low, high in ((-1, 1), (0, inf), (-inf, -.5)):
    case('clip', lambda x: np.clip(x, low, high), numbers(3, 4), grad=lambda x: torch.clamp(x, low, high), p=plain([low, high]))
    case('clip', lambda x: np.clip(x, low, high), anything, p=plain([low, high]))
for p in (-2, -1, -.5, 0, .5, 1, 2, 3, 2.5):
    domain = positive if p != int(p) else {}
    case('power', lambda x: np.power(x, float(p)), numbers(3, 4, **domain), grad=lambda x: x ** p, p=[p])
    case('power', lambda x: np.power(x, float(p)), anything, p=[p])
for f in ('isnan', 'isinf', 'isfinite'):
    case(f, getattr(np, f), anything)

# two operands: shapes that broadcast, are empty, have one element
shapes = (((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 3)), ((2, 3), ()), ((1,), (1,)), ((2, 0), (1, 1)), ((2, 0), (0,)),
          ((4, 1, 3), (2, 1)), ((1, 2, 1, 2), (3, 1, 4, 1)))
binary = (
    ('add', np.add, torch.add, {}, {}), ('sub', np.subtract, torch.sub, {}, {}), ('mul', np.multiply, torch.mul, {}, {}),
    ('div', np.divide, torch.div, {}, positive), ('pow', np.power, torch.pow, positive, {}),
    ('atan2', np.arctan2, torch.atan2, {}, positive), ('maximum', np.maximum, torch.maximum, {}, {}), ('minimum', np.minimum, torch.minimum, {}, {}),
    ('logaddexp', np.logaddexp, torch.logaddexp, {}, {}), ('mod', np.mod, torch.remainder, {}, positive), ('mod', np.mod, None, {}, dict(low=-4, high=-.1)),
    ('floordiv', np.floor_divide, None, {}, positive),
)
for name, f, g, first, second in binary:
    for a, b in shapes:
        # PyTorch splits the gradient of equal operands, which are avoided
        case(name, f, numbers(*a, **first), numbers(*b, **second) + (name in ('maximum', 'minimum')) / 128, grad=g)
compare = (('equal', np.equal), ('notequal', np.not_equal), ('less', np.less), ('lessequal', np.less_equal), ('greater', np.greater), ('greaterequal', np.greater_equal))
special = np.array([0., -0., 1, -1, inf, -inf, nan])
for name, f in compare:
    for a, b in shapes:
        case(name, f, numbers(*a).round(), numbers(*b).round())
for name, f in compare + tuple((n, f) for n, f, g, _, _ in binary if n in ('add', 'mul', 'div', 'pow', 'atan2', 'maximum', 'minimum')):
    case(name, f, special[:, None], special)

# integers
some = np.array([[7, -7, 8, -8], [0, 1, -1, 2**62]])
by = np.array([3, -3, 5, -2])
for name, f in (('add', np.add), ('sub', np.subtract), ('mul', np.multiply), ('mod', np.mod), ('floordiv', np.floor_divide), ('maximum', np.maximum),
                ('minimum', np.minimum)) + compare:
    for a, b in ((some, by), (some, np.array(3)), (some[:, :1], by), (some[:0], by)):
        case(name, f, a, b)
case('mod', lambda a, b: a, some, 0 * by)  # by zero: as documented, where NumPy warns and returns 0
case('floordiv', lambda a, b: 0 * a, some, 0 * by)
for name, f in (('neg', np.negative), ('abs', np.abs), ('sign', np.sign), ('square', np.square)):
    case(name, f, some)

# conditions
t, f = True, False
a, b = np.array([[t, t, f, f]]), np.array([[t], [f]])
for name, g in (('and', np.logical_and), ('or', np.logical_or), ('xor', np.logical_xor), ('equal', np.equal), ('notequal', np.not_equal)):
    case(name, g, a, b)
case('not', np.logical_not, a)
case('where', np.where, a, numbers(2, 1), numbers(4), grad=torch.where)
case('where', np.where, b, numbers(), np.array([nan, 1, inf]))
case('where', np.where, a, some, by)
case('where', np.where, a, a, b)
case('where', np.where, a[:, :0], numbers(2, 1), numbers(2, 0))

with open('elementwise.json', 'w') as out:
    out.write('[\n' + ',\n'.join(json.dumps(c) for c in cases) + '\n]\n')
