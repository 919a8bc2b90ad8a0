# Writes lower.json: what Python 3.11's str.lower (Unicode 14) makes of every code point
# that is assigned, and what each of them does to a capital sigma beside it.
import json
import sys
import unicodedata


def ranges(codes):
    out = []
    for c in codes:
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


known = [c for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
final = "\u03c2"
json.dump({
    "known": ranges(known),
    "changed": {format(c, "x"): chr(c).lower() for c in known if chr(c).lower() != chr(c)},
    # Contexts of the sigma; @ stands for the character. Where it becomes final:
    "final": {context: ranges([c for c in known if c != 0x3c2 and final in context.replace("@", chr(c)).lower()])
              for context in ("@Σ", "a@Σ", "1@Σ", "aΣ@", "aΣ@a", "aΣ@1", "a@Σ@a")},
    "texts": {t: t.lower() for t in ("ΣΊΣΥΦΟΣ İstanbul", "ΟΔΟΣ, ΟΔΟΣ.", "Σ", "ΑΣ ΑΣΑ", "Α'Σ", "ΑΣ'Α", "ΑΣ.Β", "İ", "IİΣ", "ẞ ǅ Ω K", "ΣΣ", "Α\u0301Σ\u0301")},
}, open("lower.json", "w"), separators=(",", ":"))
