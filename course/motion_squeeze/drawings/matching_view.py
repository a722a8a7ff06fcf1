"""A match in words and pictures: its windows, and both maps with the arrows.

Source: Kwon et al., ECCV 2020, equations 1 to 5; `matching` computes what is shown.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from torch import Tensor

from course.motion_squeeze.drawings.matching import Match
from course.motion_squeeze.drawings.windows import Mark, draw_mark, window_tiles
from course.teaching.figures import COLOURS, Picture, image_png
from course.teaching.lettering import INK, PAPER, font
from course.teaching.pixels import enlarge, to_uint8

CELL = 10  # px of a cell in the drawn maps


def match_sentence(seen: Match) -> str:
    """The numbers of a match, as HTML.

    >>> from course.motion_squeeze.drawings.matching import match_at, pair_of
    >>> _, scores = pair_of("random", (9.0, 0.0), 0.0)
    >>> seen = match_at(scores, (8, 14), (9.0, 0.0))
    >>> "beyond the window" in match_sentence(seen)
    True
    """
    reach = len(seen.scores) // 2
    outside = max(abs(v) for v in seen.truth) > reach
    beyond = f": <b>beyond the window</b> of ±{reach}" if outside else ""
    return (
        f"<p>Truth {_pair(seen.truth, 1)}{beyond}. Best score at "
        f"{_pair(seen.argmax, 0)}, "
        f"estimate {_pair(seen.estimate, 2)}: error <b>{seen.error:.2f}</b> cells. "
        f"Confidence (the best score) <b>{seen.confidence:.2f}</b>; margin over the "
        f"best score not next to it {seen.margin:.2f}. The weights are "
        f"{seen.width:.2f} cells wide (standard deviation per axis).</p>"
    )


def _pair(place: tuple[float, float], digits: int) -> str:
    # Adding 0.0 turns a -0.00 into 0.00.
    dx, dy = (round(v, digits) + 0.0 for v in place)
    return f"({dx:.{digits}f}, {dy:.{digits}f})"


def steps_picture(seen: Match, alt: str) -> Picture:
    """The four windows of a match: scores, mask, their product, the weights."""
    windows = {
        "S: scores": seen.scores, "g: mask": seen.mask,
        "g · S": seen.masked, "weights": seen.weights,
    }  # fmt: skip
    marks = {"truth": Mark(seen.truth, "ring"),
             "estimate": Mark(seen.estimate, "cross")}  # fmt: skip
    return window_tiles(windows, marks, alt)


def maps_picture(
    first: Float[Tensor, "1 c h w"],
    second: Float[Tensor, "1 c h w"],
    place: tuple[int, int],
    seen: Match,
    alt: str,
) -> Picture:
    """Both feature maps: where the cell goes and seems to go, and what it can see.

    Args:
        first, second: features; three of their channels become the colours.
        place: (x, y) of the cell.
        seen: its match.
        alt: what the picture shows.
    """
    from PIL import Image, ImageDraw

    largest = max(float(first[0, :3].quantile(0.98)), 1e-6)
    pair = [to_uint8((f[0, :3] / largest).permute(1, 2, 0).numpy())
            for f in (first, second)]  # fmt: skip
    side, gap, head = CELL * first.shape[-1], 16, 20
    page = Image.new("RGB", (2 * side + gap, head + CELL * first.shape[-2]), PAPER)
    pen = ImageDraw.Draw(page)
    for left, pixels, name in zip(
        (0, side + gap), pair, ("map t, where the cell goes",
                                "map t + 1, and the window"), strict=True,
    ):  # fmt: skip
        page.paste(Image.fromarray(enlarge(pixels, CELL)), (left, head))
        pen.text((left, 9), name, INK, font(12, True), anchor="lm")
    x, y = ((v + 0.5) * CELL for v in place)
    y += head
    goals = ((seen.truth, COLOURS["sky"], "ring"),
             (seen.estimate, COLOURS["yellow"], "cross"))  # fmt: skip
    for goal, colour, shape in goals:
        end = x + CELL * goal[0], y + CELL * goal[1]
        for ink, width in ((INK, 5), (colour, 3)):
            pen.line((x, y, *end), fill=ink, width=width)
        draw_mark(pen, *end, shape, CELL)
    reach = CELL * (len(seen.scores) // 2 + 0.5)
    at = x + side + gap
    for ink, out in ((INK, 1), (PAPER, 0)):
        box = (at - reach - out, y - reach - out, at + reach + out, y + reach + out)
        pen.rectangle(box, outline=ink)
    return Picture(image_png(np.asarray(page)), alt, page.width)
