"""Runs the workload "conv_lstm2d" of the built command bench and the same training step in PyTorch, in turn, and
prints the medians. The cell is written by Keras's formulas: one convolution of all steps for the four gates, one
of the state in each step; RMSprop and a mean squared error.

    go build -o bench ./cmd/bench
    GOMAXPROCS=1 chrt -f 10 python3 cmd/bench/convlstm.py ./bench
"""
import json
import os
import statistics
import subprocess
import sys
import time

threads = os.environ.get('GOMAXPROCS', str(os.cpu_count()))
os.environ['OPENBLAS_NUM_THREADS'] = threads  # torch.set_num_threads has no effect on an OpenBLAS with threads of its own

import torch

torch.set_num_threads(int(threads))
torch.manual_seed(1)
F = torch.nn.functional
N, STEPS, SIZE, C, UNITS = 4, 10, 32, 16, 32
x, y = torch.rand(N, STEPS, C, SIZE, SIZE), torch.rand(N, UNITS, SIZE, SIZE)
kernel, recurrent, bias = (torch.nn.Parameter(torch.randn(*s) * 0.05) for s in ((4 * UNITS, C, 3, 3), (4 * UNITS, UNITS, 3, 3), (4 * UNITS,)))
optimizer = torch.optim.RMSprop([kernel, recurrent, bias], lr=1e-3, alpha=0.9, eps=1e-7)


def forward():
    gates = F.conv2d(x.reshape(N * STEPS, C, SIZE, SIZE), kernel, bias, padding=1).reshape(N, STEPS, 4 * UNITS, SIZE, SIZE)
    h = c = torch.zeros(N, UNITS, SIZE, SIZE)
    for t in range(STEPS):
        z = gates[:, t] + F.conv2d(h, recurrent, padding=1)
        i, f, g, o = z.chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
    return h


def step():
    optimizer.zero_grad()
    F.mse_loss(forward(), y).backward()
    optimizer.step()


def infer():
    with torch.no_grad():
        forward()


def median(f, secs):
    for _ in range(3):
        f()
    times, begin = [], time.perf_counter()
    while time.perf_counter() - begin < secs or len(times) < 5:
        t = time.perf_counter()
        f()
        times.append(time.perf_counter() - t)
    return 1e3 * statistics.median(times)


for phase, f in (('train', step), ('infer', infer)):
    ours, theirs = [], []
    for _ in range(5):
        line = subprocess.run([sys.argv[1], '-workload', 'conv_lstm2d', '-phase', phase, '-secs', '0.3'], check=True, stdout=subprocess.PIPE, text=True).stdout
        ours.append(json.loads(line)['ms_per_step_median'])
        theirs.append(median(f, 0.3))
    ratio = statistics.median(b / a for a, b in zip(ours, theirs))
    print('%s: Reef %.1f ms, PyTorch %.1f ms, PyTorch / Reef %.2f' % (phase, statistics.median(ours), statistics.median(theirs), ratio))
