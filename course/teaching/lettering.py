"""Words drawn into pixels: captions of clips, and the still form of a panel."""

from __future__ import annotations

import html
import importlib.util
import io
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from course.teaching.figures import Picture, smaller

INK, FAINT, PAPER, RULE = (17, 24, 39), (75, 85, 99), (255, 255, 255), (209, 213, 219)


@lru_cache
def font(size: int, bold: bool = False):
    """DejaVu as matplotlib ships it (Greek, arrows), else Pillow's own letters."""
    from PIL import ImageFont

    spec = importlib.util.find_spec("matplotlib")
    if spec and spec.origin:
        name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
        path = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / name
        if path.exists():
            return ImageFont.truetype(str(path), size)
    return ImageFont.load_default(size)


def _wrap(text: str, font, width: int) -> list[str]:
    """Words in lines of at most `width` px; a longer single word stays whole."""
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def letters(
    text: str,
    width: int,
    size: int = 13,
    bold: bool = False,
    colour: tuple[int, int, int] = INK,
) -> np.ndarray:
    """A white block with the text, wrapped.

    Args:
        text: words; line breaks count as spaces.
        width: px of the block.
        size: px of the letters.
        bold: heavier letters.
        colour: RGB, 0-255.

    Returns:
        uint8 `(H, width, 3)`; one empty line for an empty text.

    >>> letters("right hand rises", 60).shape[1:]
    (60, 3)
    """
    from PIL import Image, ImageDraw

    face, pitch = font(size, bold), int(size * 1.35)
    lines = _wrap(text, face, width - 4) or [""]
    image = Image.new("RGB", (width, pitch * len(lines) + 4), PAPER)
    pen = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        pen.text((2, 2 + row * pitch), line, fill=colour, font=face)
    return np.asarray(image)


def plain(text: str) -> str:
    """HTML without its tags, as one line.

    >>> plain("<b>2 &lt; 3</b><br>yes")
    '2 < 3 yes'
    """
    text = re.sub(r"(?s)<(style|script)\b.*?</\1>", " ", text)
    text = re.sub(r"</?(a|b|code|em|i|small|span|strong|sub|sup)\b[^>]*>", "", text)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def _stack(blocks: Sequence[np.ndarray], width: int, gap: int = 6) -> np.ndarray:
    """Blocks below each other on white, each at the left."""
    height = sum(b.shape[0] for b in blocks) + gap * (len(blocks) + 1)
    page = np.full((height, width + 2 * gap, 3), 255, np.uint8)
    top = gap
    for block in blocks:
        page[top : top + block.shape[0], gap : gap + block.shape[1]] = block
        top += block.shape[0] + gap
    return page


def _pixels(picture: Picture, limit: int) -> np.ndarray:
    """A picture at the size it has on the page, no wider than `limit`."""
    from PIL import Image

    image = Image.open(io.BytesIO(picture.png)).convert("RGB")
    width = min(picture.width or image.width, limit)
    if width != image.width:
        height = max(1, round(image.height * width / image.width))
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _rows(images: list[np.ndarray], width: int, gap: int = 8) -> list[np.ndarray]:
    """Images side by side as long as they fit, then in further rows."""
    rows: list[list[np.ndarray]] = [[]]
    for image in images:
        used = sum(i.shape[1] + gap for i in rows[-1])
        if rows[-1] and used + image.shape[1] > width:
            rows.append([])
        rows[-1].append(image)
    pages = []
    for row in filter(None, rows):
        page = np.full((max(i.shape[0] for i in row), width, 3), 255, np.uint8)
        left = 0
        for image in row:
            page[: image.shape[0], left : left + image.shape[1]] = image
            left += image.shape[1] + gap
        pages.append(page)
    return pages


def still(
    title: str,
    state: str,
    outputs: Sequence[Picture | str],
    question: str,
    width: int = 640,
) -> Picture:
    """One picture of a whole panel, for readers of the stored notebook.

    Args:
        title: the panel's heading.
        state: what its controls are set to.
        outputs: its pictures and HTML texts, in order.
        question: the control question.
        width: px.

    Returns:
        the picture; its alt text names all of it in words.
    """
    pictures = [o for o in outputs if isinstance(o, Picture)]
    texts = [t for t in (plain(o) for o in outputs if isinstance(o, str)) if t]
    blocks = [
        letters(title, width, 16, bold=True),
        letters(state, width, 12, colour=FAINT),
    ]
    blocks += _rows([_pixels(p, width) for p in pictures], width)
    blocks += [letters(text[:600], width) for text in texts]
    rule = np.full((1, width, 3), RULE, np.uint8)
    blocks += [rule, letters(question, width, 13, bold=True)]
    buffer = io.BytesIO()
    from PIL import Image

    Image.fromarray(_stack(blocks, width)).save(buffer, "PNG")
    words = [f"Panel “{title}” at {state}.", *(p.alt for p in pictures), *texts]
    return Picture(smaller(buffer.getvalue()), " ".join(words))
