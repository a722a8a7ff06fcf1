"""An exercise on covering the human as SDN's released code does: a box a frame.

The box is filled with that frame's own mean colour, the human's pixels among those
averaged. A frame without a human stays as it is.
"""

from __future__ import annotations

import torch

from course.teaching.diagnosis import drawn, told_apart
from course.teaching.exercise import Exercise, Wrong


def _boxes(mask, beyond=1):
    """Each frame's smallest upright box; `beyond` 0 leaves out its last row, column."""
    out = torch.zeros_like(mask)
    for frame, hole in zip(mask, out, strict=True):
        if frame.any():
            rows, columns = frame.any(1).nonzero(), frame.any(0).nonzero()
            down = slice(int(rows.min()), int(rows.max()) + beyond)
            across = slice(int(columns.min()), int(columns.max()) + beyond)
            hole[down, across] = True
    return out


def _filled(clip, hole, colour=None):
    means = clip.mean(dim=(2, 3), keepdim=True) if colour is None else colour
    return torch.where(hole, means, clip)


def _covered(clip, mask):
    return _filled(clip, _boxes(mask))


def _without_the_hole(clip, mask):
    outside = ~_boxes(mask)
    sums = (clip * outside).sum((2, 3), keepdim=True)
    return _filled(clip, ~outside, sums / outside.sum((1, 2)).view(1, -1, 1, 1))


def _of_the_hole(clip, mask):
    hole = _boxes(mask)
    count = hole.sum((1, 2)).clamp(1).view(1, -1, 1, 1)
    return _filled(clip, hole, (clip * hole).sum((2, 3), keepdim=True) / count)


def _by_the_union(clip, mask):
    return _filled(clip, _boxes(mask.any(0, keepdim=True)).expand_as(mask))


def _in_place(clip, mask):
    return clip.copy_(_covered(clip, mask))


def _stumbles(clip, mask):
    if not mask.flatten(1).any(1).all():
        raise RuntimeError("min(): expected a non-empty tensor")
    return _covered(clip, mask)


SLIPS = {
    "black": (
        lambda c, m: _filled(c, _boxes(m), torch.zeros(())),
        "the boxes are black: fill them with the frame's own mean colour",
    ),
    "the clip's mean": (
        lambda c, m: _filled(c, _boxes(m), c.mean((1, 2, 3), keepdim=True)),
        "one colour for the whole clip: each frame has its own mean",
    ),
    "grey": (
        lambda c, m: _filled(c, _boxes(m), c.mean((0, 2, 3)).view(1, -1, 1, 1)),
        "a grey: the mean also ran over the channels. Keep red, green and blue apart",
    ),
    "mean without the hole": (
        _without_the_hole,
        "a mean of what lies outside the box, which would be cleaner; the released "
        "code averages the whole frame, human included",
    ),
    "mean of the hole": (
        _of_the_hole,
        "the mean colour of the box itself: that is the human's own colour. Average "
        "the whole frame",
    ),
    "one box for all frames": (
        _by_the_union,
        "one box for all frames: each frame has its own",
    ),
    "the mask itself": (
        lambda c, m: _filled(c, m),
        "the silhouette is covered, not the box around it",
    ),
    "a pixel short": (
        lambda c, m: _filled(c, _boxes(m, beyond=0)),
        "the last row and column of the box are missing: a slice ends before its end",
    ),
    "inside out": (
        lambda c, m: _filled(c, ~_boxes(m)),
        "inside out: the human stays and the scene is covered",
    ),
    "empty frames too": (
        lambda c, m: _filled(c, _boxes(m) | ~m.any(2).any(1).view(-1, 1, 1)),
        "a frame without a human is covered whole; it stays as it is",
    ),
}


def _scene():
    """A clip (3, 4, 7, 8) and a mask: someone moves, and is gone in frame 2."""
    clip = drawn(3, 4, 7, 8).sigmoid()
    mask = torch.zeros(4, 7, 8, dtype=torch.bool)
    for t, left in ((0, 1), (1, 2), (3, 4)):
        mask[t, 1:5, left + 1] = True  # a body, and arms
        mask[t, 2, left : left + 3] = True
    return clip, mask


def _check_cover(cover) -> None:
    clip, mask = _scene()
    kept = clip.clone()
    hint = "each frame has its own box and its own mean colour."
    found = cover(clip[:, :2], mask[:2])
    if not torch.equal(clip, kept):
        raise Wrong("you changed the clip itself; the unmasked step still needs it")
    told_apart(
        found,
        _covered(kept[:, :2], mask[:2]),
        _slipped(kept[:, :2], mask[:2]),
        f"2 frames: {hint}",
    )
    try:
        found = cover(clip, mask)
    except Exception as error:
        raise Wrong(
            f"{type(error).__name__}: {error}. In one frame there is nobody; it stays "
            "as it is"
        ) from None
    told_apart(
        found,
        _covered(kept, mask),
        _slipped(kept, mask),
        f"4 frames, nobody in the third: {hint}",
    )
    _tell(cover)


def _slipped(clip, mask):
    return {hint: slip(clip, mask) for slip, hint in SLIPS.values()}


def _tell(cover) -> None:
    clip, mask = _scene()
    found = cover(clip, mask)
    holes = (found != clip).all(0)
    edges = [int(h.any(0).nonzero().min()) for h in holes if h.any()]
    share = mask.sum().item() / holes.sum().item()
    print(
        f"Left edge of the hole, frame by frame: {', '.join(map(str, edges))}. The "
        "walker is gone, the walk is not: a box tells place,\nsize and motion. Of the "
        f"pixels it covers here {100 * share:.0f} % were the human; the rest was scene."
    )


COVER_BOX = Exercise(
    id="scene_debias-7",
    title="Cover the human as the released code does",
    difficulty=2,
    minutes=12,
    task="`clip` is `(3, T, H, W)`, `mask` `(T, H, W)`, True where the human is. Write "
    "`cover_box(clip, mask)`: in each frame the smallest upright box around the human "
    "is filled with that frame's own mean colour (of the whole frame, human included). "
    "A frame without a human stays as it is; so does `clip` itself.",
    function="cover_box",
    stub="def cover_box(clip, mask):\n    ...  # (3, T, H, W)",
    solution="def cover_box(clip, mask):\n"
    "    covered = clip.clone()\n"
    "    for t in range(clip.shape[1]):\n"
    "        rows = mask[t].any(dim=1).nonzero()\n"
    "        columns = mask[t].any(dim=0).nonzero()\n"
    "        if len(rows) == 0:\n"
    "            continue  # nobody in this frame\n"
    "        top, bottom = rows.min(), rows.max() + 1\n"
    "        left, right = columns.min(), columns.max() + 1\n"
    "        colour = clip[:, t].mean(dim=(1, 2))  # red, green, blue\n"
    "        covered[:, t, top:bottom, left:right] = colour[:, None, None]\n"
    "    return covered",
    hints=(
        "A loop over the frames is fine. `mask[t].any(dim=1)` tells which rows hold "
        "any of the human.",
        "From the first such row to the last, the last included; the same for columns. "
        "The colour is `clip[:, t].mean(dim=(1, 2))`: three numbers.",
    ),
    test=_check_cover,
    wrong_answers={
        **{mistake: slip for mistake, (slip, _) in SLIPS.items()},
        "stumbles over an empty frame": _stumbles,
        "changes the clip": _in_place,
    },
)
