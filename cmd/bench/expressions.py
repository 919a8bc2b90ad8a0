"""Runs the workload "expressions" of the built command bench and the same expressions in PyTorch, in turn, and
prints a table of both.

    go build -o bench ./cmd/bench
    python3 cmd/bench/expressions.py ./bench --rounds 5

It needs PyTorch (1.13 or later). Chains are compiled by torch.jit.script. PyTorch makes an array for each result;
glibc is told to keep the memory, which saves it from getting new pages each time. The times are medians of
the rounds, in which a time is the median of its steps; a ratio is the median of those of the rounds.
GOMAXPROCS sets the number of threads of both (and OPENBLAS_NUM_THREADS, as an OpenBLAS with threads of its own
disregards torch.set_num_threads), ATEN_CPU_CAPABILITY=avx512 PyTorch's instruction set, REEF_KERNEL Reef's.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time

KEEP = {'MALLOC_MMAP_MAX_': '0', 'MALLOC_TRIM_THRESHOLD_': str(1 << 40), 'MALLOC_TOP_PAD_': str(1 << 28)}


def expressions(torch):
    def chain2(x, y):
        return x * y + x

    def chain3(x, y):
        return torch.sqrt(x * x + 1.0)

    def chain5(x, y):
        h = torch.clamp(x * y + 0.5, min=0.0)
        return h * h - x

    def chain7(x, y):
        return torch.abs(torch.clamp(3.0 * x - 1.0, -2.0, 2.0)) * y / (1.0 + x * x)

    def chain10(x, y):
        h = 0.5 * x - 0.25
        h = h * x + 0.125
        h = h * x - 1.0
        h = h * x + 2.0
        return h * x + 1.0

    def logistic(x, y):
        return torch.reciprocal(torch.exp(-x) + 1.0)

    def density(x, y):
        return torch.exp(x * x * -0.5) * 0.3989422804

    def softplus(x, y):
        return torch.clamp(x, min=0.0) + torch.log1p(torch.exp(-torch.abs(x)))

    def gelu(x, y):
        h = 0.7978845608 * (0.044715 * (x * x * x) + x)
        return 0.5 * x * (torch.tanh(h) + 1.0)

    chains = {
        'chain 2: x y + x': chain2, 'chain 3: sqrt(x^2 + 1)': chain3, 'chain 5: max(x y + 0.5, 0)^2 - x': chain5,
        'chain 7: |clip(3 x - 1, -2, 2)| y / (1 + x^2)': chain7, 'chain 10: polynomial of degree 5': chain10,
        'exp 4: 1 / (1 + exp(-x))': logistic, 'exp 4: density of the normal distribution': density,
        'exp 6: max(x, 0) + log(1 + exp(-|x|))': softplus, 'tanh 8: GELU': gelu,
    }
    table = {name: torch.jit.script(f) for name, f in chains.items()}
    reductions = {
        'sum': lambda x, d: torch.sum(x, d), 'max': lambda x, d: torch.amax(x, d), 'logsumexp': lambda x, d: torch.logsumexp(x, d),
        'argmax': lambda x, d: torch.argmax(x, d), 'var': lambda x, d: torch.var(x, d, unbiased=False),
        'softmax': lambda x, d: torch.softmax(x, d),
    }
    for name, f in reductions.items():
        for axis in range(3):
            table['%s, axis %d' % (name, axis)] = lambda x, y, f=f, axis=axis: f(x, axis)
        if name not in ('argmax', 'softmax'):
            table[name + ', all axes'] = lambda x, y, f=f: f(x, [0, 1, 2])
    return table


def moves(torch):
    F = torch.nn.functional
    rand, ids = torch.randn, torch.randint
    square, heads, heads2 = rand(1000, 1000), rand(16, 128, 8, 64), rand(16, 128, 8, 64)
    rows, columns, elements = ids(50000, (100000,)), ids(1000, (1000,)), ids(1000, (1000, 1000))
    table, updates, half, quarter = rand(50000, 64), rand(100000, 64), rand(1000, 500), rand(500, 500)
    vector, other, batch, batch2 = rand(1000000), rand(1000, 1000), rand(32, 128, 128), rand(32, 128, 128)
    small = rand(8, 16, 64, 64).contiguous(memory_format=torch.channels_last)
    large = rand(8, 16, 128, 128)
    return {
        'gather': lambda: table.index_select(0, rows),
        'gather_columns': lambda: square.index_select(1, columns),
        'gather_elements': lambda: square.gather(1, elements),
        'scatter_add': lambda: table.index_add(0, rows, updates),
        'sort': lambda: square.sort(1),
        'sort_columns': lambda: square.sort(0),
        'sort_vector': lambda: vector.sort(),
        'top_k': lambda: square.topk(10, 1),
        'cumsum': lambda: square.cumsum(1),
        'cumsum_columns': lambda: square.cumsum(0),
        'cumprod': lambda: square.cumprod(1),
        'cumprod_columns': lambda: square.cumprod(0),
        'transpose': lambda: square.t().contiguous(),
        'transpose_heads': lambda: heads.permute(0, 2, 1, 3).contiguous(),
        'transpose_last': lambda: heads.permute(0, 2, 3, 1).contiguous(),
        'concat': lambda: torch.cat((square, half), 1),
        'einsum_batch': lambda: torch.einsum('bij,bjk->bik', batch, batch2),
        'einsum_scores': lambda: torch.einsum('bqhd,bkhd->bhqk', heads, heads2),
        'einsum_reduce': lambda: torch.einsum('ij,ij->i', square, other),
        'flip': lambda: square.flip(1),
        'roll': lambda: square.roll(100, 1),
        'tile': lambda: quarter.tile(2, 2),
        'slice_steps': lambda: square[:, ::2].contiguous(),
        'pad_reflect': lambda: F.pad(large, (2, 2, 2, 2), mode='reflect'),
        'resize_bilinear': lambda: F.interpolate(small, (128, 128), mode='bilinear'),
    }


def volumes(torch):
    F = torch.nn.functional

    def conv(name, kernel, filters, shape, **settings):
        w, b = torch.randn(filters, shape[1], *kernel), torch.randn(filters)
        return name, lambda x, w, b: F.conv3d(x, w, b, **settings), (torch.randn(*shape), w, b)

    def transpose(name, k, **settings):
        return name, lambda x, w: F.conv_transpose3d(x, w, **settings), (torch.randn(2, 64, 8, 14, 14), torch.randn(64, 32, k, k, k))

    def pool(name, f, size):
        return name, lambda x: f(x, size, 2), (torch.randn(2, 32, 16, 56, 56),)

    table = {}
    for name, f, inputs in [
        conv('conv3d_rgb', (3, 3, 3), 32, (2, 3, 16, 56, 56), padding=1),
        conv('conv3d', (3, 3, 3), 32, (2, 32, 16, 28, 28), padding=1),
        conv('conv3d_stride2', (3, 3, 3), 64, (2, 32, 16, 28, 28), stride=2, padding=1),
        conv('conv3d_1x1x1', (1, 1, 1), 64, (2, 64, 16, 28, 28)),
        transpose('conv3d_transpose_2x2x2', 2, stride=2),
        transpose('conv3d_transpose_4x4x4', 4, stride=2, padding=1),
        transpose('conv3d_transpose_3x3x3', 3, padding=1),
        pool('max_pool3d', F.max_pool3d, 2), pool('max_pool3d_overlapping', F.max_pool3d, 3),
        pool('average_pool3d', F.avg_pool3d, 2), pool('average_pool3d_overlapping', F.avg_pool3d, 3),
    ]:
        with_step(torch, table, name, f, inputs)
    return table


def norms(torch):
    F, rand = torch.nn.functional, torch.randn

    def rms(x, w):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6) * w

    table = {}
    for name, shape in ('layer_norm', (64, 128, 256)), ('layer_norm_wide', (512, 4096)):
        n = shape[-1:]
        with_step(torch, table, name, lambda x, w, b, n=n: F.layer_norm(x, n, w, b, 1e-3), (rand(*shape), rand(*n), rand(*n)))
    image = (16, 64, 32, 32)
    for name, f in [
        ('group_norm', lambda x, w, b: F.group_norm(x, 8, w, b, 1e-3)),
        ('group_norm_one', lambda x, w, b: F.group_norm(x, 1, w, b, 1e-3)),
        ('instance_norm', lambda x, w, b: F.instance_norm(x, weight=w, bias=b, eps=1e-3)),
    ]:
        with_step(torch, table, name, f, (rand(*image), rand(64), rand(64)))
    for name, shape in ('rms_norm', (64, 128, 256)), ('rms_norm_wide', (512, 4096)):
        with_step(torch, table, name, rms, (rand(*shape), rand(*shape[-1:])))
    return table


def with_step(torch, table, name, f, inputs):
    def step(r=torch.randn(f(*inputs).shape)):
        with torch.enable_grad():
            return torch.autograd.grad(f(*inputs), inputs, r)

    table[name] = lambda: f(*inputs)
    table[name + '_step'] = step
    for x in inputs:
        x.requires_grad_()


def median(f, secs):
    for _ in range(5):
        f()
    times, begin = [], time.perf_counter()
    while time.perf_counter() - begin < secs or len(times) < 20:
        t = time.perf_counter()
        f()
        times.append(time.perf_counter() - t)
    return 1e3 * statistics.median(times)


def peer(secs, match):
    threads = os.environ.get('GOMAXPROCS', str(os.cpu_count()))
    os.environ['OPENBLAS_NUM_THREADS'] = threads
    import torch
    torch.set_num_threads(int(threads))
    torch.manual_seed(1)
    x, y, to = (torch.randn(200, 250, 200) for _ in range(3))
    with torch.no_grad():
        print(json.dumps({'name': 'copy', 'ms_per_step_median': median(lambda: to.copy_(x), secs)}))
        table = {name: lambda f=f: f(x, y) for name, f in expressions(torch).items()}
        for name, f in {**table, **moves(torch), **volumes(torch), **norms(torch)}.items():
            if re.search(match, name):
                print(json.dumps({'name': name, 'ms_per_step_median': median(f, secs)}), flush=True)


def lines(command, **env):
    text = subprocess.run(command, env={**os.environ, **env}, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in text.splitlines()]


def main():
    p = argparse.ArgumentParser()
    p.add_argument('bench')
    p.add_argument('--rounds', type=int, default=3)
    p.add_argument('--secs', type=float, default=0.05, help='seconds for each expression in each round, but at least 20 steps')
    p.add_argument('--match', default='', help='only expressions whose name this regular expression matches')
    p.add_argument('--peer', action='store_true', help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.peer:
        return peer(a.secs, a.match)
    ours, theirs, copies = {}, {}, {}
    for _ in range(a.rounds):
        for r in lines([a.bench, '-workload', 'expressions', '-secs', str(a.secs), '-match', a.match]):
            ours.setdefault(r['name'], []).append(r['ms_per_step_median'])
            copies.setdefault(r['name'], []).append(r['of_copy'])
        for r in lines([sys.executable, os.path.abspath(__file__), a.bench, '--peer', '--secs', str(a.secs), '--match', a.match], **KEEP):
            theirs.setdefault(r['name'], []).append(r['ms_per_step_median'])
    print('| expression | Reef, ms | rate / copy | PyTorch, ms | PyTorch / Reef |\n|---|---|---|---|---|')
    for name, t in ours.items():
        ratio = statistics.median(b / a for a, b in zip(t, theirs[name]))
        print('| %s | %.2f | %.2f | %.2f | %.2f |' % (name.replace('|', '\\|'), statistics.median(t), statistics.median(copies[name]),
                                                    statistics.median(theirs[name]), ratio))


main()
