#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Models saved by Keras in its three formats, with inputs and outputs, in models.json:
random ones, of which those are kept that once failed, and made ones of kinds that
random models seldom have.

    KERAS_BACKEND=torch python3 make_models.py                  the files of this folder
    KERAS_BACKEND=torch python3 make_models.py FOLDER 0 300     random models 0 to 299

(Keras 3.15.1 on torch, h5py, numpy.) The test of the package reads FOLDER too, when
REEF_KERAS_MODELS names it.
"""
import json
import os
import random
import sys
import zipfile

import keras
import numpy as np
import torch
from keras import layers as L

if not hasattr(torch.nn.functional, "rms_norm"):  # before PyTorch 2.4
    torch.nn.functional.rms_norm = lambda x, shape, weight, eps: x * torch.rsqrt(torch.mean(x * x, dim=-1, keepdim=True) + eps) * weight
HERE = os.path.dirname(os.path.abspath(__file__))
KEPT = [186, 270]


def randomize(m,rng):
    for w in m.weights:
        v=rng.normal(0,.5,w.shape).astype("float32")
        if "variance" in w.path: v=np.abs(v)+.5
        if w.dtype in("float32",): w.assign(v)
ACT=["relu","tanh","sigmoid","gelu","elu","linear","softplus","silu","mish","selu"]
class Gen:
    def __init__(s,seed):
        s.r=random.Random(seed); s.n=0; s.pool={}
    def name(s):
        s.n+=1
        if s.r.random()<.5: return None
        return s.r.choice(["a.b%d","L %d","ü%d","x:%d","enc%d","dense_%d"])%s.n
    def kw(s):
        k={}
        n=s.name()
        if n: k["name"]=n
        if s.r.random()<.15: k["trainable"]=False
        return k
    def layer(s,shape,depth=0):
        r=s.r
        c=[]
        a=r.choice(ACT)
        if len(shape)==1:
            c+=[lambda:L.Dense(r.choice([shape[0],4,3]),activation=a,use_bias=r.random()<.8,**s.kw()),
                lambda:L.BatchNormalization(scale=r.random()<.7,center=r.random()<.7,**s.kw()),
                lambda:L.LayerNormalization(**s.kw()), lambda:L.Dropout(.3,noise_shape=r.choice([None,(None,1)]),**s.kw()),
                lambda:L.Activation(a,**s.kw()),lambda:L.LeakyReLU(.1,**s.kw()),lambda:L.PReLU(**s.kw()),lambda:L.RepeatVector(3,**s.kw()),lambda:L.Rescaling(.5,offset=.1),lambda:L.ReLU(6.,),lambda:L.Softmax(),lambda:L.GaussianNoise(.1),lambda:L.Normalization(**s.kw())]
        if len(shape)==2:
            c+=[lambda:L.Conv1D(3,2,padding=r.choice(["valid","same","causal"]),activation=a,**s.kw()),
                lambda:L.LSTM(3,return_sequences=r.random()<.5,go_backwards=r.random()<.3,**s.kw()),
                lambda:L.GRU(3,return_sequences=r.random()<.5,reset_after=r.random()<.5,**s.kw()),
                lambda:L.SimpleRNN(2,return_sequences=r.random()<.5,**s.kw()),
                lambda:L.Bidirectional(r.choice([L.LSTM,L.GRU,L.SimpleRNN])(2,return_sequences=r.random()<.5),merge_mode=r.choice(["concat","sum","ave","mul"]),**s.kw()),
                lambda:L.TimeDistributed(L.Dense(3,activation=a),**s.kw()),
                lambda:L.Dense(3,**s.kw()),lambda:L.BatchNormalization(**s.kw()),lambda:L.GlobalAveragePooling1D(),lambda:L.GlobalMaxPooling1D(),lambda:L.Flatten(),
                lambda:L.ZeroPadding1D(1),lambda:L.SpatialDropout1D(.2),lambda:L.MaxPooling1D(2,padding="same"),lambda:L.UpSampling1D(2),lambda:L.Permute((2,1)),lambda:L.PReLU(shared_axes=[1]),lambda:L.LayerNormalization(),lambda:L.LayerNormalization(axis=[1,2])]
        if len(shape)==3:
            c+=[lambda:L.Conv2D(3,(2,3),padding=r.choice(["valid","same"]),activation=a,strides=r.choice([1,2]),**s.kw()),
                lambda:L.DepthwiseConv2D(2,depth_multiplier=2,padding="same",**s.kw()),lambda:L.SeparableConv2D(3,2,padding="same",**s.kw()),
                lambda:L.Conv2DTranspose(3,3,strides=2,padding=r.choice(["valid","same"]),**s.kw()),
                lambda:L.BatchNormalization(**s.kw()),lambda:L.BatchNormalization(axis=1),lambda:L.MaxPooling2D(2,padding="same"),lambda:L.GlobalAveragePooling2D(),lambda:L.GlobalMaxPooling2D(),
                lambda:L.Flatten(),lambda:L.ZeroPadding2D(((1,0),(0,2))),lambda:L.Cropping2D(((0,1),(0,0))) if shape[0]>2 else L.Flatten(),lambda:L.UpSampling2D(2) if shape[0]<5 else L.Flatten(),lambda:L.Dense(2,**s.kw()),lambda:L.PReLU(shared_axes=[1,2]),lambda:L.SpatialDropout2D(.1),lambda:L.RandomFlip(),lambda:L.TimeDistributed(L.Dense(2)),lambda:L.TimeDistributed(L.Conv1D(2,1))]
        if depth<2 and r.random()<.3:
            return s.sub(shape,depth+1)
        l=r.choice(c)()
        return l
    def sub(s,shape,depth):
        r=s.r
        k=r.random()
        name=s.name()
        kw={"name":name} if name else {}
        if k<.4:
            i=keras.Input(shape); m=keras.Model(i,s.graph([i],depth)[0],**kw)
        elif k<.7:
            ls=[keras.Input(shape)]
            x=keras.Input(shape)
            for _ in range(r.randint(1,3)):
                l=s.layer(tuple(x.shape[1:]),depth); x=l(x); ls.append(l)
            m=keras.Sequential(ls,**kw)
        elif k<.85 and len(shape)>1:
            x=keras.Input(shape[1:]); m=L.TimeDistributed(keras.Model(x,s.graph([x],depth)[0]),**kw)
        else:
            ls=[];x=keras.Input(shape)
            for _ in range(r.randint(1,3)):
                l=s.layer(tuple(x.shape[1:]),depth); x=l(x); ls.append(l)
            m=keras.Sequential(ls,**kw)
        if r.random()<.2: m.trainable=False
        return m
    def graph(s,inputs,depth):
        r=s.r
        ts=list(inputs); made=[]
        for _ in range(r.randint(2,6 if depth else 9)):
            x=r.choice(ts[-4:])
            sh=tuple(x.shape[1:])
            k=r.random()
            same=[t for t in ts if tuple(t.shape[1:])==sh and t is not x]
            if k<.25 and same:
                o=r.choice(same)
                y=r.choice([L.Add,L.Subtract,L.Multiply,L.Average,L.Maximum,L.Minimum,L.Concatenate])()([x,o])
            elif k<.45 and made:
                c=[(l,i) for l,i in made if i==sh]
                if not c: continue
                y=r.choice(c)[0](x)
            else:
                l=s.layer(sh,depth); y=l(x); made.append((l,sh))
            if isinstance(y,(list,tuple)): y=y[0]
            if np.prod(y.shape[1:])>400: continue
            ts.append(y)
        outs=ts[len(inputs):]
        if not outs:
            outs=[L.Flatten()(ts[0])]
        if depth==0 and r.random()<.4 and len(outs)>1:
            return r.sample(outs,2)
        return [outs[-1]]
    def model(s):
        r=s.r
        shapes=[(4,),(5,3),(6,5,2)]
        if r.random()<.25:
            sh=r.choice(shapes); ls=[]; x=keras.Input(sh)
            if r.random()<.5: ls.append(keras.Input(sh))
            for _ in range(r.randint(1,5)):
                l=s.layer(tuple(x.shape[1:]),0); y=l(x)
                if np.prod(y.shape[1:])>400: break
                x=y; ls.append(l)
            m=keras.Sequential(ls)
            if not m.built: m.build((None,)+sh)
            return m
        ins=[keras.Input(r.choice(shapes)) for _ in range(r.randint(1,2))]
        outs=s.graph(ins,0)
        return keras.Model(ins,outs)


def pack(path):
    """Compresses an archive, which Keras does not."""
    with zipfile.ZipFile(path) as z:
        entries = [(i.filename, z.read(i)) for i in z.infolist()]
    with zipfile.ZipFile(path, "w") as z:
        for name, data in entries:
            z.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)


def save(folder, name, m, ins, manifest):
    feed = ins if len(ins) > 1 else ins[0]
    if isinstance(getattr(m, "_inputs_struct", None), dict):
        feed = dict(zip(sorted(m._inputs_struct), ins))
    y = m.predict(feed, verbose=0)
    ys = [y[k] for k in sorted(y)] if isinstance(y, dict) else list(y) if isinstance(y, (list, tuple)) else [y]
    if not all(np.isfinite(v).all() for v in ys):
        return
    array = lambda v: {"shape": list(np.shape(v)), "values": [float("%.9g" % x) for x in np.ravel(v)]}
    e = {"name": str(name).removesuffix(".keras"), "x": [array(v) for v in ins], "y": [array(v) for v in ys], "files": []}
    name, only, _ = str(name).partition(".keras")
    for ext in ["keras"] if only else ["keras", "h5", "weights.h5"]:
        file = "%s.%s" % (name, ext)
        try:
            (m.save_weights if ext == "weights.h5" else m.save)(os.path.join(folder, file))
            if only:
                pack(os.path.join(folder, file))
            e["files"].append(file)
        except Exception as err:  # legacy HDF5 cannot hold two weights of one name
            print(file, err)
    manifest.append(e)


def random_model(folder, seed, manifest):
    try:
        keras.utils.clear_session()
        m, rng = Gen(seed).model(), np.random.default_rng(seed)
        randomize(m, rng)
        ins = [rng.normal(0, 1, (2,) + tuple(i.shape[1:])).astype("float32") for i in m.inputs]
    except Exception as err:  # layers that do not go together
        print(seed, err)
        return
    save(folder, seed, m, ins, manifest)


def made_models():
    """Keras models of kinds that random ones seldom have."""
    a, b = keras.Input((4, 3)), keras.Input((5, 3))
    _, h, c = L.LSTM(3, return_state=True)(a)
    yield "states", keras.Model([a, b], L.LSTM(3, return_sequences=True)(b, initial_state=[h, c]))
    a, b = keras.Input((4,), name="zz"), keras.Input((3,), name="aa")
    yield "dictionaries", keras.Model({"zz": a, "aa": b}, {"q": L.Dense(2)(a), "b": L.Dense(2)(b)})
    a, b = keras.Input((4,)), keras.Input((4,))
    s = L.Dense(4)
    p, q = s(a), L.BatchNormalization()(s(b))
    inner = keras.Model([a, b], [L.Add()([p, q]), L.Subtract()([p, q])])
    a, b = keras.Input((4,)), keras.Input((4,))
    p, q = inner([a, b], training=False)
    r, t = inner([q, p])
    yield "outputs", keras.Model([a, b], [t, r, p])
    a = keras.Input((4,))
    inner = keras.Model(a, L.Dense(4)(a))
    a = keras.Input((4,))
    u = inner(a)
    v = inner(u)
    yield "calls", keras.Model(a, [inner(v), u, v])
    d, a = L.Dense(4), keras.Input((4,))
    inner = keras.Model(a, L.ReLU()(d(a)))
    a = keras.Input((4,))
    yield "shared", keras.Model(a, d(inner(d(a))))
    a = keras.Input((6,))
    ids = [np.array([[1, 2, 0, 0, 3, 0], [4, 0, 2, 0, 0, 0]], "f4")]
    y = L.Embedding(5, 3, mask_zero=True)(a)
    y = L.Dropout(.1)(L.Dense(3)(y))
    y = L.LSTM(3, return_sequences=True, zero_output_for_mask=True)(y)
    yield "embedding", keras.Model(a, [y, L.Bidirectional(L.GRU(2, return_sequences=True))(y), L.GRU(2)(y)]), ids
    a = keras.Input((5, 3))
    series = [np.random.default_rng(1).normal(0, 1, (2, 5, 3)).astype("f4")]
    series[0][0, [1, 4]] = series[0][1, 0] = 0
    y = L.SimpleRNN(3, return_sequences=True)(L.LayerNormalization()(L.Masking()(a)))
    yield "masking", keras.Model(a, L.LSTM(2)(L.TimeDistributed(L.Dense(3))(y))), series
    y = L.Conv1D(3, 1)(L.Masking()(a))
    yield "other_mask", keras.Model(a, L.LSTM(2)(y, mask=L.Masking().compute_mask(a))), series
    a = keras.Input((6,))  # masks end at operations, which have the names of layers
    y = L.Embedding(5, 3, mask_zero=True)(a)
    pairs = [y + y, y * L.Dense(3)(y), keras.ops.maximum(y, L.Dense(3)(y)), keras.ops.concatenate([y, y], axis=-1)]
    yield "operations", keras.Model(a, [L.LSTM(2)(p) for p in pairs]), ids
    a = keras.Input((6,))  # of one embedding the mask stays the same
    y = L.Embedding(5, 3, mask_zero=True)(a)
    pairs = [f()([y, L.Dense(3)(y)]) for f in [L.Add, L.Subtract, L.Average, L.Maximum, L.Minimum, L.Multiply]]
    passed = [L.ELU()(y), L.Rescaling(2.0)(y), L.AlphaDropout(0.1)(y), L.ActivityRegularization(0.1)(y), L.Normalization()(y)]
    yield "masks", keras.Model(a, [L.GRU(2)(p) for p in pairs + passed]), ids
    a, h = keras.Input((4, 3)), keras.Input((2,))
    y = L.Bidirectional(L.GRU(2, return_sequences=True))(sequences=L.Dropout(0.1)(inputs=a, training=False))
    yield "keywords", keras.Model([a, h], L.LSTM(2)(sequences=L.Dense(3)(inputs=y), initial_state=[h, L.Add()(inputs=[h, h])]))
    a, b = keras.Input((4,), name="zi"), keras.Input((4,), name="ai")
    listed = keras.Model([a, b], L.Subtract()([a, L.Dense(4)(b)]))
    a, b = keras.Input((4,)), keras.Input((4,))
    keyed = keras.Model({"y": a, "x": b}, {"q": L.Dense(4)(a), "p": L.Dense(3)(b)})
    a, b = keras.Input((4,)), keras.Input((4,))
    d = keyed({"y": listed({"zi": a, "ai": b}), "x": b})
    yield "nested_dictionaries", keras.Model([a, b], [d["q"], d["p"]])
    a = keras.Input((3, 4))
    yield "all_axes", keras.Model(a, L.Normalization(axis=None)(a))
    a, b = keras.Input((None, 4)), keras.Input((None, 3))
    yield "open", keras.Model([a, b], L.Add()([L.LSTM(2)(a), L.GRU(2)(b)])), [rng.normal(0, 1, s).astype("f4") for s in [(2, 5, 4), (2, 6, 3)]]
    a, b = keras.Input((6,)), keras.Input((6,))  # where first states are given the mask is left away
    y = L.Embedding(5, 3, mask_zero=True)
    _, h, c = L.LSTM(3, return_state=True)(y(a))
    yield "masked_states", keras.Model([a, b], L.LSTM(3, return_sequences=True)(y(b), initial_state=[h, c])), ids + ids
    a, d = keras.Input((4,)), L.Dense(4)  # its weights stand last
    inner = keras.Model(a, L.Dense(4)(L.ReLU()(d(a))))
    d.trainable = False
    a = keras.Input((4,))
    yield "partly_frozen", keras.Model(a, L.Dense(4)(inner(a)))
    a = keras.Input((3, 4, 6))
    y = L.GroupNormalization(2, axis=2)(L.GroupNormalization(3, epsilon=0.01, scale=False)(a))
    yield "normalizations", keras.Model(a, L.UnitNormalization(axis=[1, 2])(L.UnitNormalization()(y)))
    a, b = keras.Input((3, 4, 5, 2)), keras.Input((3, 4, 2))
    y = L.ConvLSTM2D(3, (2, 3), strides=(1, 2), padding="same", return_sequences=True, recurrent_activation="hard_sigmoid")(a)
    _, h, c = L.ConvLSTM1D(2, 3, dropout=0.1, return_state=True)(b)
    z = L.ConvLSTM1D(2, 3, use_bias=False, go_backwards=True)(b, initial_state=[h, c])
    yield "conv_lstm", keras.Model([a, b], [L.ConvLSTM2D(2, 2, activation="relu", unit_forget_bias=False)(y), z])
    a = keras.Input((5, 3))
    y = L.RNN(L.StackedRNNCells([L.GRUCell(3), L.LSTMCell(2, name="own")]), return_sequences=True, go_backwards=True)(a)
    y = L.RNN([L.GRUCell(3, reset_after=False, dropout=0.2), L.GRUCell(2, use_bias=False)], return_sequences=True)(y)
    yield "cells", keras.Model(a, [y, L.RNN(L.SimpleRNNCell(2, activation="relu"))(y)])
    a = keras.Input((4, 6))  # files only of Keras 3's format, with its weights packed
    y = L.SpectralNormalization(L.Dense(6, activation=L.ReLU()), power_iterations=2)(L.RMSNormalization()(a))
    y = L.Softmax(axis=1)(L.ActivityRegularization(l1=0.1, l2=0.2)(L.Activation(L.LeakyReLU(negative_slope=0.25))(y)))
    y = L.Bidirectional(L.RNN([L.LSTMCell(2), L.GRUCell(3)], return_sequences=True), merge_mode="ave")(y)
    y = L.SpectralNormalization(L.Conv1D(3, 2, activation="hard_tanh"))(L.Activation("leaky_relu")(y))
    yield "layers.keras", keras.Model(a, L.Bidirectional(L.GRU(2, return_state=True), merge_mode="sum")(y))
    a = keras.Input(batch_shape=(2, 3, 4))
    y = L.RNN([L.SimpleRNNCell(3), L.LSTMCell(2)], return_sequences=True, unroll=True)(L.LSTM(3, stateful=True, return_sequences=True)(a))
    yield "stateful.keras", keras.Model(a, L.Bidirectional(L.GRU(2, stateful=True))(y))
    F = {"data_format": "channels_first"}
    a, b = keras.Input((2, 6, 5)), keras.Input((3, 2, 4, 5))
    y = L.BatchNormalization(axis=1)(L.Conv2D(4, 3, padding="same", groups=2, **F)(a))
    y = L.SeparableConv2D(3, 2, **F)(L.DepthwiseConv2D(2, depth_multiplier=2, **F)(L.MaxPooling2D(2, 1, padding="same", **F)(y)))
    y = L.Conv2DTranspose(2, 2, strides=2, activation="tanh", **F)(L.Cropping2D(((1, 0), (0, 1)), **F)(L.ZeroPadding2D(1, **F)(L.UpSampling2D(2, **F)(y))))
    z = L.ConvLSTM2D(2, 2, return_sequences=True, **F)(b)
    _, h, c = L.ConvLSTM2D(2, 2, padding="same", return_state=True, **F)(z)
    flat = L.Dense(3)(L.Flatten(**F)(L.AveragePooling2D(3, **F)(y)))
    yield "channels_first.keras", keras.Model([a, b], [flat, L.GlobalAveragePooling2D(keepdims=True, **F)(y), h, c])
    a, b = keras.Input((4, 4, 3, 2)), keras.Input((2, 8))
    y = L.AveragePooling3D(2, padding="same")(L.ZeroPadding3D(1)(L.Conv3D(4, 2, groups=2, activation="squareplus")(a)))
    y = L.GlobalMaxPooling3D(keepdims=True)(L.Conv3DTranspose(2, 2, strides=(2, 1, 2))(L.UpSampling3D((1, 2, 1))(L.Cropping3D(((1, 1), (0, 1), (0, 0)))(y))))
    z = L.Conv1DTranspose(3, 2, strides=2, **F)(L.DepthwiseConv1D(2, padding="same", **F)(b))
    z = L.SeparableConv1D(2, 3, **F)(L.Conv1D(4, 2, dilation_rate=2, **F)(z))
    yield "volumes.keras", keras.Model([a, b], [y, L.GlobalMaxPooling1D(**F)(z)])
    a, b = keras.Input((7, 2)), keras.Input((2, 5, 4))
    y = L.AdaptiveAveragePooling2D((4, 3), **F)(L.UpSampling2D(2, interpolation="bilinear", **F)(b))
    pooled = [L.AdaptiveMaxPooling1D(3)(a), L.AdaptiveAveragePooling1D(4)(a), L.AdaptiveMaxPooling2D(2, **F)(y)]
    yield "adaptive.keras", keras.Model([a, b], pooled)
    a, b = keras.Input((5, 4)), keras.Input((3, 4))
    y = L.MultiHeadAttention(2, 3, value_dim=2, output_shape=5, use_bias=False)(a, b)
    z = L.GroupQueryAttention(2, 4, 2)(a, b, use_causal_mask=True)
    y = L.Concatenate()([y, z, L.Attention(use_scale=True, score_mode="concat")([a, b]), L.AdditiveAttention()([a, b])])
    yield "attention.keras", keras.Model([a, b], L.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de", activation="relu")(y))
    a = keras.Input((6,))
    y, z = L.ReversibleEmbedding(5, 3, mask_zero=True, logit_soft_cap=4), L.ReversibleEmbedding(5, 3, tie_weights=False)
    yield "reversible.keras", keras.Model(a, [y(L.Dense(3)(y(a)), reverse=True), z(z(a), reverse=True), L.GRU(2)(y(a))]), ids
    a = keras.Input((50,))
    y = L.MelSpectrogram(fft_length=16, sequence_stride=7, sequence_length=12, sampling_rate=800, num_mel_bins=4, max_freq=300, top_db=200.0)(a)
    y = L.BatchNormalization(axis=1, renorm=True, renorm_clipping={"rmax": 3.0})(y)
    yield "spectrogram.keras", keras.Model(a, L.Normalization(axis=(1, 2))(L.Normalization(axis=1, mean=[1.0, 2.0, 3.0, 4.0], variance=[1.0] * 4, invert=True)(y)))
    z = L.STFTSpectrogram("psd", frame_length=6, fft_length=8, padding="same")(L.Reshape((25, 2))(a))
    yield "stft.keras", keras.Model(a, [z, L.STFTSpectrogram("imag", frame_length=7, expand_dims=True)(L.Reshape((50, 1))(a))])

    a, b = keras.Input((6,)), keras.Input((6,))  # whose masks differ
    p, q, r = L.Embedding(5, 3, mask_zero=True)(a), L.Embedding(6, 3, mask_zero=True)(b), L.Embedding(7, 3)(b)
    joint = [L.Multiply()([p, q]), L.Add()([L.Maximum()([p, q]), p, q]), L.Concatenate()([L.Dense(2)(p), q]), L.Concatenate()([p, r]),
             L.Concatenate(axis=1)([p, q, p]), L.Concatenate(axis=-2)([p, r]), L.Attention()([p, q]), L.AdditiveAttention()([q, p])]
    joint.append(L.Add()([joint[2], L.Dense(5)(joint[0])]))
    yield "joint_masks.keras", keras.Model([a, b], [L.GRU(1)(y) for y in joint]), [ids[0], np.roll(ids[0], 2, 1)]


manifest = []
if len(sys.argv) > 1:
    folder = sys.argv[1]
    for seed in range(int(sys.argv[2]), int(sys.argv[3])):
        random_model(folder, seed, manifest)
else:
    folder = HERE
    for seed in KEPT:
        random_model(folder, seed, manifest)
    rng = np.random.default_rng(0)
    keras.utils.clear_session()
    for name, m, *given in made_models():
        randomize(m, rng)
        ins = given[0] if given else [rng.normal(0, 1, (2,) + tuple(i.shape[1:])).astype("f4") for i in m.inputs]
        save(folder, name, m, ins, manifest)
json.dump(manifest, open(os.path.join(folder, "models.json"), "w"), separators=(",", ":"))
