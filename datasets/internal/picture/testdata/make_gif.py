# Writes gif.json: GIF files, made byte by byte, and their first frame as PIL 9.4's
# convert("RGB") gives it.
import base64
import io
import json

from PIL import Image


def lzw(pixels):
    """Two-bit pixels without compression: a clear code before every second one."""
    bits, n = 0, 0
    for i, p in enumerate(pixels):
        for code in ([4] if i % 2 == 0 else []) + [p]:
            bits |= code << n
            n += 3
    bits |= 5 << n
    n += 3
    raw = bits.to_bytes((n + 7) // 8, "little")
    return bytes([2, len(raw)]) + raw + b"\0"


def le(v):
    return v.to_bytes(2, "little")


GLOBAL = bytes([200, 10, 20, 30, 210, 40, 50, 60, 220, 70, 80, 90])
LOCAL = bytes([1, 2, 3, 101, 102, 103, 201, 202, 203, 51, 52, 53])


def make(screen, frame, background=0, transparent=None, local=False, comment=False, gray=False):
    w, h = screen
    table = bytes(v for i in range(4) for v in [i * 85] * 3) if gray else GLOBAL
    out = b"GIF89a" + le(w) + le(h) + bytes([0x80 | 1, background, 0]) + table
    if comment:
        out += b"\x21\xfe\x05hello\x00"
    if transparent is not None:
        out += b"\x21\xf9\x04" + bytes([1, 0, 0, transparent, 0])
    x, y, fw, fh = frame
    out += b"\x2c" + le(x) + le(y) + le(fw) + le(fh) + (bytes([0x81]) + LOCAL if local else b"\0")
    return out + lzw([(i * 7 + i // fw) % 4 for i in range(fw * fh)]) + b"\x3b"


cases = []
for screen, frame, kw in (
    ((3, 2), (0, 0, 3, 2), {}),
    ((3, 2), (0, 0, 3, 2), {"transparent": 1}),
    ((3, 2), (0, 0, 3, 2), {"transparent": 2, "local": True, "comment": True}),
    ((5, 4), (1, 1, 3, 2), {"background": 2}),
    ((5, 4), (1, 1, 3, 2), {"background": 2, "local": True}),
    ((5, 4), (2, 1, 2, 2), {"background": 2, "transparent": 3}),
    ((5, 4), (0, 2, 4, 2), {"transparent": 1, "local": True}),
    ((5, 4), (1, 1, 3, 2), {"background": 2, "gray": True}),
):
    raw = make(screen, frame, **kw)
    m = Image.open(io.BytesIO(raw))
    rgb = m.convert("RGB")
    cases.append({"name": f"{screen} {frame} {kw}", "file": base64.b64encode(raw).decode(), "size": [rgb.height, rgb.width], "rgb": base64.b64encode(rgb.tobytes()).decode()})
with open("gif.json", "w") as f:
    json.dump(cases, f)
    f.write("\n")
