#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""MultiHeadAttention: query (B,T,dq), value (B,S,dv), key (B,S,dk; equal to value
where not given), attention_mask (B,T,S), or (B,heads,T,S), of zeros and ones.

scores = softmax(Q·Kᵀ/sqrt(key_dim)) over S where the mask allows, per head;
y = Σ_heads (scores·V)·Wo + bo. Weights under Keras's names and shapes: query/key
kernel (d, heads, key_dim), value kernel (d, heads, value_dim), attention_output
kernel (heads, value_dim, out); biases (heads, ...) and (out).
Check: torch's scaled products by loops over heads; its own module when all widths agree.
"""
import math

import torch

from golden import Topic, same

t = Topic("layers_attention")
d = t.draw
SOURCE = "PyTorch float64 autograd on the formula of keras.io/api/layers/attention_layers/multi_head_attention"


def attention(query, value, w, key=None, mask=None):
    key = value if key is None else key

    def project(x, name):
        y = torch.einsum("btd,dhk->bthk", x, w[name + "_kernel"])
        return y + w[name + "_bias"] if name + "_bias" in w else y
    q, k, v = project(query, "query"), project(key, "key"), project(value, "value")
    scores = torch.einsum("bthk,bshk->bhts", q, k) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill((mask if mask.dim() == 4 else mask[:, None]) == 0, -math.inf)
    scores = torch.softmax(scores, -1)
    y = torch.einsum("bhts,bshv,hvo->bto", scores, v, w["output_kernel"])
    return (y + w["output_bias"] if "output_bias" in w else y), scores


def torch_module(x, w):
    """torch.nn.MultiheadAttention for self-attention with heads·key_dim equal to the width."""
    width, heads, dim = w["query_kernel"].shape
    module = torch.nn.MultiheadAttention(width, heads, batch_first=True)
    with torch.no_grad():
        flat = lambda n: w[n + "_kernel"].reshape(width, -1).T
        module.in_proj_weight.copy_(torch.cat([flat("query"), flat("key"), flat("value")]))
        module.in_proj_bias.copy_(torch.cat([w[n + "_bias"].reshape(-1) for n in ("query", "key", "value")]))
        module.out_proj.weight.copy_(w["output_kernel"].reshape(-1, width).T)
        module.out_proj.bias.copy_(w["output_bias"])
    module.eval()
    return module(x, x, x, need_weights=False)[0]


def add(label, n, steps, dq, heads, key_dim, value_dim=None, source=None, dv=None, dk=None, out=None, bias=True, mask=None, causal=False, scores=False, check=False):
    value_dim, dv = value_dim or key_dim, dv or dq
    out = out or dq
    self_attention = source is None
    s = steps if self_attention else source
    inputs = {"query": d.normal(n, steps, dq)}
    if not self_attention:
        inputs["value"] = d.normal(n, s, dv)
    if dk:
        inputs["key"] = d.normal(n, s, dk)
    w = {"query_kernel": d.normal(dq, heads, key_dim), "key_kernel": d.normal(dk or dv, heads, key_dim),
         "value_kernel": d.normal(dv, heads, value_dim), "output_kernel": d.normal(heads, value_dim, out)}
    if bias:
        w.update(query_bias=d.normal(heads, key_dim), key_bias=d.normal(heads, key_dim), value_bias=d.normal(heads, value_dim), output_bias=d.normal(out))
    inputs.update(w)
    if mask is not None:
        inputs["attention_mask"] = torch.tensor(mask, dtype=torch.float64)

    def f(query, value=None, key=None, attention_mask=None, **w):
        m = attention_mask
        if causal:
            low = torch.tril(torch.ones(steps, s))[None].expand(n, -1, -1)
            m = low if m is None else m * (low[:, None] if m.dim() == 4 else low)
        y, p = attention(query, query if value is None else value, w, key, m)
        return (y, p) if scores else y

    if check:
        same(label, f(**inputs), torch_module(inputs["query"], w), 1e-10)
    t.layer("MultiHeadAttention_" + label, SOURCE + "; output equal to torch.nn.MultiheadAttention" * check,
            {"layer": "MultiHeadAttention", "num_heads": heads, "key_dim": key_dim, "value_dim": value_dim, "output_shape": out, "use_bias": bias,
             "use_causal_mask": causal, "return_attention_scores": scores, "self_attention": self_attention},
            f, inputs, ("attention_mask",), ("y", "scores") if scores else ("y",))


add("self", 2, 3, 4, 2, 2, check=True)
add("self_causal", 1, 4, 3, 2, 2, causal=True)
add("cross", 2, 2, 3, 2, 2, source=4, dv=5)
add("key_given", 1, 2, 3, 2, 2, value_dim=3, source=3, dv=2, dk=4, out=5)
add("no_bias", 2, 3, 2, 1, 3, bias=False)
add("mask", 2, 2, 3, 2, 2, source=3, mask=[[[1, 0, 1], [1, 1, 1]], [[0, 1, 0], [1, 1, 0]]])
add("mask_causal", 1, 3, 2, 2, 1, mask=[[[1, 1, 1], [1, 0, 1], [1, 1, 1]]], causal=True)
add("scores", 1, 2, 3, 2, 2, scores=True)
add("one_step", 1, 1, 2, 1, 1)
add("mask_by_head", 2, 2, 3, 2, 2, value_dim=3, source=3, mask=[[[[1, 0, 1], [1, 1, 1]], [[0, 1, 1], [0, 0, 1]]], [[[0, 1, 0], [1, 1, 0]], [[1, 1, 1], [1, 0, 1]]]])
add("mask_by_head_causal", 1, 3, 2, 2, 1, mask=[[[[1, 1, 1], [1, 0, 1], [1, 1, 1]], [[1, 1, 1], [0, 1, 1], [1, 0, 1]]]], causal=True)
t.save()
