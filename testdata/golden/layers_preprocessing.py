# SPDX-License-Identifier: Apache-2.0
"""Layers that look up and hash strings, by the formulas of Keras's documentation.

    /usr/bin/python3 layers_preprocessing.py

In Keras these layers need TensorFlow. What its documentation shows is checked against the formulas here.
"""
import math
import re
from collections import Counter

from golden import Topic

t = Topic("layers_preprocessing")
SOURCE = "formulas of Keras's documentation, in Python"
M = (1 << 64) - 1


# Hashes: FarmHash64's Fingerprint64 for up to 16 bytes, SipHash-2-4, FingerprintCat64.

K0, K2 = 0xC3A5C85C97CB3127, 0x9AE16A3B2F90404F


def rotate(v, n):
    return ((v >> n) | (v << (64 - n))) & M


def shift_mix(v):
    return v ^ (v >> 47)


def hash16(u, v, mul):
    a = shift_mix(((u ^ v) * mul) & M)
    b = shift_mix(((v ^ a) * mul) & M)
    return (b * mul) & M


def fingerprint(s):
    s, n = s.encode(), len(s.encode())
    le = lambda b: int.from_bytes(b, "little")
    if n >= 8:
        assert n <= 16
        mul = (K2 + 2 * n) & M
        a, b = (le(s[:8]) + K2) & M, le(s[-8:])
        return hash16((rotate(b, 37) * mul + a) & M, ((rotate(a, 25) + b) * mul) & M, mul)
    if n >= 4:
        mul = (K2 + 2 * n) & M
        return hash16((n + (le(s[:4]) << 3)) & M, le(s[-4:]), mul)
    if n:
        y, z = s[0] + (s[n >> 1] << 8), n + (s[-1] << 2)
        return (shift_mix(((y * K2) & M) ^ ((z * K0) & M)) * K2) & M
    return K2


def siphash(key, s):
    s = s.encode()
    v = [key[0] ^ 0x736F6D6570736575, key[1] ^ 0x646F72616E646F6D, key[0] ^ 0x6C7967656E657261, key[1] ^ 0x7465646279746573]

    def rounds(n):
        for _ in range(n):
            v[0] = (v[0] + v[1]) & M; v[1] = rotate(v[1], 64 - 13) ^ v[0]; v[0] = rotate(v[0], 32)
            v[2] = (v[2] + v[3]) & M; v[3] = rotate(v[3], 64 - 16) ^ v[2]
            v[0] = (v[0] + v[3]) & M; v[3] = rotate(v[3], 64 - 21) ^ v[0]
            v[2] = (v[2] + v[1]) & M; v[1] = rotate(v[1], 64 - 17) ^ v[2]; v[2] = rotate(v[2], 32)

    padded = s + b"\0" * (7 - len(s) % 8) + bytes([len(s) & 255])
    for i in range(0, len(padded), 8):
        m = int.from_bytes(padded[i:i + 8], "little")
        v[3] ^= m
        rounds(2)
        v[0] ^= m
    v[2] ^= 255
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def cat(a, b):
    mul = 0xC6A4A7935BD1E995
    h = a ^ mul
    h ^= (shift_mix((b * mul) & M) * mul) & M
    h = (h * mul) & M
    return shift_mix((shift_mix(h) * mul) & M)


def encode(ids, depth, mode, weights=None):
    if mode == "int":
        return [float(i) for i in ids]
    row = [0.0] * depth
    for i in ids:
        if i is not None:
            w = weights[i] if weights else 1.0
            row[i] = 1.0 if mode in ("one_hot", "multi_hot") else row[i] + w
    return row


def vocabulary(documents, room, remove):
    counts, frequency = Counter(), Counter()
    for doc in documents:
        counts.update(doc)
        frequency.update(set(doc))
    tokens = [w for w in counts if w not in remove]
    tokens.sort(key=lambda w: (counts[w], w), reverse=True)
    tokens = tokens if room is None else tokens[:room]
    idf = [math.log(1 + len(documents) / (1 + frequency[w])) for w in tokens]
    return tokens, idf


def lookup(kind, name, documents, samples, mode="int", max_tokens=None, oov=1, mask=None, pad=False, bucket=None, unknown=None):
    special = ([mask] if mask is not None and mode == "int" else []) + [unknown] * oov
    tokens, idf = vocabulary(documents, None if max_tokens is None else max_tokens - len(special), {mask, unknown})
    depth = max_tokens if pad else len(special) + len(tokens)
    weights = [sum(idf) / len(idf)] * len(special) + idf if mode == "tf_idf" else None

    def index(w):
        if mask is not None and w == mask:
            return 0 if mode == "int" else None
        if w in tokens:
            return len(special) + tokens.index(w)
        assert oov
        return len(special) - oov + (bucket(w) if oov > 1 else 0)

    rows = [encode([index(w) for w in s], depth, mode, weights) for s in samples]
    args = {"layer": kind, "output_mode": mode, "max_tokens": max_tokens, "num_oov_indices": oov, "mask_token": mask, "pad_to_max_tokens": pad,
            "data": documents, "samples": samples, "vocabulary": special + tokens}
    want = {"y": rows}
    if mode == "tf_idf":
        want["idf"] = idf
    t.add("%s_%s" % (kind, name), SOURCE, args, {}, want)


words = [["b", "a", "c"], ["b", "d", "b"], ["a", "[UNK]", ""], ["d", "e", "b"]]
ask = [["a", "b", "zz"], ["", "e", "[UNK]"], ["d", "d", "quux"]]
for mode in ("int", "multi_hot", "count", "tf_idf"):
    lookup("StringLookup", mode, words, ask, mode, unknown="[UNK]")
    lookup("StringLookup", mode + "_mask", words, ask, mode, mask="", unknown="[UNK]")
    lookup("StringLookup", mode + "_max", words, ask, mode, max_tokens=4, unknown="[UNK]")
    lookup("StringLookup", mode + "_oov3", words, ask, mode, oov=3, unknown="[UNK]", bucket=lambda w: fingerprint(w) % 3)
lookup("StringLookup", "pad", words, ask, "count", max_tokens=12, pad=True, unknown="[UNK]")
lookup("StringLookup", "one_hot", [[w] for s in words for w in s], [[w] for s in ask for w in s], "one_hot", unknown="[UNK]")
numbers = [[12, 36, 1138], [42, 12, 36], [42, 12, -5], [7, 7, 7]]
ask = [[1138, 42, 12], [36, 100, -5], [0, -7, 7]]
for mode in ("int", "multi_hot", "count", "tf_idf"):
    lookup("IntegerLookup", mode, numbers, ask, mode, unknown=-1)
    lookup("IntegerLookup", mode + "_mask_oov2", numbers, ask, mode, mask=0, oov=2, unknown=-1, bucket=lambda n: n % 2)


def words_of(text, standardize, split, ngrams):
    if standardize in ("lower", "lower_and_strip_punctuation"):
        text = re.sub("[A-Z]", lambda m: m.group().lower(), text)
    if standardize in ("strip_punctuation", "lower_and_strip_punctuation"):
        text = re.sub(r'[!"#$%&()\*\+,-\./:;<=>?@\[\\\]^_`{|}~\']', "", text)
    tokens = re.findall(r"[^ \t-\r]+", text) if split == "whitespace" else list(text) if split == "character" else [text]
    if ngrams is None:
        return tokens
    return [" ".join(tokens[i:i + n]) for n in ngrams for i in range(len(tokens) - n + 1)]


def vectorize(name, standardize="lower_and_strip_punctuation", split="whitespace", ngrams=None, mode="int", length=None, max_tokens=None, pad=False):
    corpus = ["The cat sat on the mat.", "A cat, a HAT and a bat!", "The dog's day?", "don't  stop \t the dog", "\u00c4rger \u00e4rgert"]
    texts = ["the CAT and the dog", "", "a zebra: stripes; the cat's hat hat", "\u00c4rger the\nday\u00a0 dog\u3000cat"]
    documents = [words_of(x, standardize, split, ngrams) for x in corpus]
    special = ["", "[UNK]"] if mode == "int" else ["[UNK]"]
    tokens, idf = vocabulary(documents, None if max_tokens is None else max_tokens - len(special), {"", "[UNK]"})
    depth = max_tokens if pad else len(special) + len(tokens)
    weights = [sum(idf) / len(idf)] * len(special) + idf if mode == "tf_idf" else None
    rows = []
    for x in texts:
        ids = []
        for w in words_of(x, standardize, split, ngrams):
            if w == "":
                ids.append(0 if mode == "int" else None)
            else:
                ids.append(len(special) + tokens.index(w) if w in tokens else len(special) - 1)
        if mode == "int":
            ids = (ids + [0] * length)[:length]
        rows.append(encode(ids, depth, mode, weights))
    args = {"layer": "TextVectorization", "standardize": standardize, "split": split, "ngrams": ngrams, "output_mode": mode, "output_sequence_length": length,
            "max_tokens": max_tokens, "pad_to_max_tokens": pad, "data": [[x] for x in corpus], "samples": [[x] for x in texts], "vocabulary": special + tokens}
    t.add("TextVectorization_" + name, SOURCE, args, {}, {"y": rows})


vectorize("int", length=6)
vectorize("int_max", length=4, max_tokens=6)
vectorize("lower", standardize="lower", length=6)
vectorize("strip", standardize="strip_punctuation", length=6)
vectorize("plain", standardize=None, length=6)
vectorize("characters", split="character", length=9)
vectorize("whole", split=None, standardize="lower", length=1)
vectorize("bigrams", ngrams=[1, 2], length=8)
vectorize("two_and_three", ngrams=[2, 3], mode="multi_hot")
for mode in ("multi_hot", "count", "tf_idf"):
    vectorize(mode, mode=mode)
    vectorize(mode + "_max", mode=mode, max_tokens=9, pad=True)
    vectorize(mode + "_bigrams", mode=mode, ngrams=[1, 2], max_tokens=20, pad=True)


def hashed(name, values, bins, mask=None, salt=None, mode="int"):
    def bin(v):
        n = bins
        if mask is not None and bins > 1:
            if v == mask:
                return 0
            n -= 1
        h = siphash(salt, str(v)) if salt else fingerprint(str(v))
        return h % n + bins - n

    rows = [encode([bin(v) for v in s], bins, mode) for s in values]
    t.add("Hashing_" + name, SOURCE, {"layer": "Hashing", "num_bins": bins, "mask_value": mask, "salt": salt, "output_mode": mode, "samples": values}, {}, {"y": rows})
    return [r[0] for r in rows]


letters = [["A"], ["B"], ["C"], ["D"], ["E"]]
assert hashed("letters", letters, 3) == [1, 0, 1, 1, 2]  # as in Keras's documentation
assert hashed("mask", [["A"], ["B"], [""], ["C"], ["D"]], 3, mask="") == [1, 1, 0, 2, 2]
assert hashed("salt", letters, 3, salt=[133, 137]) == [1, 2, 1, 0, 2]
assert hashed("one_salt", letters, 3, salt=[133, 133]) == [0, 0, 2, 1, 0]
hashed("words", [["colour", "a", "abcdefgh", "some sixteen byt"], ["", "four", "seven77", "\u00e9t\u00e9"]], 97)
hashed("integers", [[0, 1, -17, 123456]], 11)
for mode in ("one_hot", "multi_hot", "count"):
    hashed(mode, letters if mode == "one_hot" else [["A", "B", "A"], ["C", "D", "E"]], 4, mode=mode)


def crossing(name, features, bins, mode="int"):
    rows = []
    for values in zip(*features):
        h = 956888297470
        for v in values:
            h = cat(h, fingerprint(v) if isinstance(v, str) else v & M)
        rows.append(encode([h % bins], bins, mode))
    t.add("HashedCrossing_" + name, SOURCE, {"layer": "HashedCrossing", "num_bins": bins, "output_mode": mode, "features": features}, {}, {"y": rows})
    return [r[0] for r in rows]


pairs = [["A", "B", "A", "B", "A"], [101, 101, 101, 102, 102]]
assert crossing("documentation", pairs, 5) == [1, 4, 1, 1, 3]  # as in Keras's documentation
crossing("one_hot", pairs, 5, mode="one_hot")
crossing("three", [["x", "y", "z"], ["red", "green", "red"], [-3, 0, 70000]], 1000)

t.save()
