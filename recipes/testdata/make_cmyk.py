# SPDX-License-Identifier: Apache-2.0
"""Makes cmyk.jpg: 16 x 8 pixels, the left half red, the right half blue, in the four
colours of print, which image/jpeg can read but not write. Needs PIL."""
from PIL import Image

picture = Image.new("CMYK", (16, 8), (0, 255, 255, 0))
picture.paste((255, 255, 0, 0), (8, 0, 16, 8))
picture.save("cmyk.jpg", quality=95)
