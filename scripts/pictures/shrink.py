# SPDX-License-Identifier: GPL-3.0-or-later
"""shrink.py FROM TO: every PNG under FROM goes to TO without its empty margin, with few colours, under 200 kB."""

import sys
from pathlib import Path

from PIL import Image, ImageChops

WIDEST = 1000  # pixels
COLORS = (128, 64, 32)  # the first that makes it small enough
MOST_BYTES = 200_000
MARGIN = 8


def trim(picture: Image.Image) -> Image.Image:
    """Without what has the colour of the last pixel, but for a margin below and on the right."""
    empty = Image.new("RGB", picture.size, picture.getpixel((picture.width - 1, picture.height - 1)))
    box = ImageChops.difference(picture, empty).getbbox()
    if box is None:
        return picture
    return picture.crop((0, 0, min(box[2] + MARGIN, picture.width), min(box[3] + MARGIN, picture.height)))


def shrink(source: Path, target: Path) -> None:
    picture = trim(Image.open(source).convert("RGB"))
    if picture.width > WIDEST:
        picture = picture.resize((WIDEST, round(picture.height * WIDEST / picture.width)), Image.Resampling.LANCZOS)
    target.parent.mkdir(parents=True, exist_ok=True)
    for colors in COLORS:
        picture.quantize(colors, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(target, optimize=True)
        if target.stat().st_size <= MOST_BYTES:
            print(target)
            return
    sys.exit(f"{target} has {target.stat().st_size} bytes, at most {MOST_BYTES} are expected: make it smaller")


if __name__ == "__main__":
    origin, images = map(Path, sys.argv[1:3])
    for path in sorted(origin.rglob("*.png")):
        shrink(path, images / path.relative_to(origin))
