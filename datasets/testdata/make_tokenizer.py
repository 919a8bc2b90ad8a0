# Writes tokenizer.json: what the Tokenizer of Keras (keras._legacy.preprocessing.text,
# 3.15, unchanged since Keras 2) makes of texts under many settings.
import json

from keras.src.legacy.preprocessing.text import Tokenizer

texts = [
    "ΣΊΣΥΦΟΣ İstanbul", "The cat sat on the mat.", "unk UNK the unk", "a\u00a0b a b\ta\vb\ra b  c--d",
    "", "ÀÉ straße ẞ I'm l’été", "the, cat; the--cat|a||b", "unk",
]
probe = texts + ["new words the UNK unk cat", "İ ΣΑΣ σας"]
cases = []
for kw in (
    {}, {"num_words": 1}, {"num_words": 2}, {"num_words": 5}, {"oov_token": "unk"}, {"oov_token": "UNK"}, {"oov_token": "<OOV>"},
    {"oov_token": "unk", "num_words": 3}, {"oov_token": "unk", "num_words": 2}, {"oov_token": "d", "num_words": 4}, {"oov_token": "<OOV>", "num_words": 1},
    {"oov_token": "<OOV>", "num_words": 4}, {"lower": False}, {"lower": False, "oov_token": "unk"}, {"filters": ""}, {"filters": "", "split": "--"}, {"split": "--"},
    {"split": "|"}, {"filters": "ab", "split": "ab"}, {"filters": "é’", "lower": False}, {"char_level": True},
    {"char_level": True, "oov_token": "a", "num_words": 9}, {"char_level": True, "lower": False},
):
    tok = Tokenizer(**kw)
    tok.fit_on_texts(texts[:4])
    tok.fit_on_texts(texts[4:])
    seqs = tok.texts_to_sequences(probe)
    cases.append({
        "kw": kw, "word_index": tok.word_index, "sequences": seqs,
        "decoded": tok.sequences_to_texts([[0, 1, 2, 3, 4, 9, 99]] + seqs),
        "matrix": {m: tok.texts_to_matrix(probe[:3] + probe[-2:], m).tolist() for m in ("binary", "count", "freq", "tfidf")} if len(tok.word_index) < 60 else {},
        "saved": tok.to_json(),
    })
json.dump({"texts": texts, "probe": probe, "cases": cases}, open("tokenizer.json", "w"), separators=(",", ":"))
