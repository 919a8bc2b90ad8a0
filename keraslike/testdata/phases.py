#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The numbers of TestPhasesTrainAsPyTorch, by PyTorch 1.13: three batches of a tiny GAN with a gradient penalty."""
import numpy as np
import torch
import torch.nn.functional as F

f = lambda n, k: ((np.arange(n) * k) % 11 / 11 - 0.45).astype("float32")
z = torch.tensor(f(24, 7).reshape(3, 4, 2))
real = torch.tensor(f(24, 5).reshape(3, 4, 2))
p = lambda shape, k: torch.tensor(f(int(np.prod(shape)), k).reshape(shape), requires_grad=True)
gk, gb = p((2, 2), 3), p((2,), 4)
d1, b1, d2, b2 = p((2, 3), 6), p((3,), 2), p((3, 1), 8), p((1,), 9)
G = lambda z: z @ gk + gb
D = lambda x: torch.tanh(x @ d1 + b1) @ d2 + b2
od = torch.optim.SGD([d1, b1, d2, b2], 0.1)
og = torch.optim.SGD([gk, gb], 0.05, momentum=0.9)
losses = []
for i in range(3):
    for _ in range(2):
        fake = G(z[i]).detach()
        mixed = (0.5 * (real[i] + fake)).requires_grad_()
        slope, = torch.autograd.grad(D(mixed).sum(), mixed, create_graph=True)
        penalty = ((slope.square().sum(1).sqrt() - 1) ** 2).mean()
        loss = F.softplus(-D(real[i])).mean() + F.softplus(D(fake)).mean() + 0.5 * penalty
        od.zero_grad(); loss.backward(); od.step()
        losses += [loss.item(), penalty.item()]
    loss = F.softplus(-D(G(z[i]))).mean()
    og.zero_grad(); loss.backward(); og.step()
    losses.append(loss.item())
show = lambda v: ", ".join("%.7f" % x for x in np.ravel(v))
for w in (gk, gb, d1, b1, d2, b2):
    print("{" + show(w.detach().numpy()) + "},")
losses = np.array(losses).reshape(3, 5)
print("d_loss %.7f penalty %.7f g_loss %.7f" % (losses[:, [0, 2]].mean(), losses[:, [1, 3]].mean(), losses[:, 4].mean()))
