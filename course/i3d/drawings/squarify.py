"""A treemap's layout: boxes of given areas that fill a box and are nearly square.

Source: Bruls, Huizing & van Wijk, "Squarified treemaps" (2000): rows along the shorter
side, each as long as its worst box gets nearer to a square.
"""

from __future__ import annotations

from collections.abc import Sequence

Box = tuple[float, float, float, float]


def squarify(sizes: Sequence[float], box: Box) -> list[Box]:
    """Boxes of these areas that fill a box and are near to squares.

    Args:
        sizes: positive, largest first.
        box: (left, top, width, height).

    Returns:
        one box a size, in order.

    Raises:
        ValueError: a size that is not positive, or sizes that are not sorted.

    >>> squarify([1, 1], (0, 0, 4, 2))
    [(0.0, 0.0, 2.0, 2.0), (2.0, 0.0, 2.0, 2.0)]
    """
    if any(s <= 0 for s in sizes) or list(sizes) != sorted(sizes, reverse=True):
        raise ValueError(f"sizes must be positive and sorted, got {list(sizes)}")
    left, top, width, height = map(float, box)
    scale = width * height / sum(sizes) if len(sizes) else 0.0
    areas, boxes = [s * scale for s in sizes], []
    while areas:
        side = max(min(width, height), 1e-9)
        count = _best_row(areas, side)
        row, areas = areas[:count], areas[count:]
        depth, at = sum(row) / side, 0.0
        for area in row:
            along = area / max(depth, 1e-12)
            beside = width >= height  # the row stands at the left, else on top
            boxes.append(
                (left, top + at, depth, along)
                if beside
                else (left + at, top, along, depth)
            )
            at += along
        if beside:
            left, width = left + depth, width - depth
        else:
            top, height = top + depth, height - depth
    return boxes


def _best_row(areas: Sequence[float], side: float) -> int:
    """How many areas to lay along a side so that the worst is nearest to a square."""

    def worst(count: int, total: float) -> float:
        depth = total / side
        lengths = (areas[0] / depth, areas[count - 1] / depth)
        return max(max(along / depth, depth / along) for along in lengths)

    count, total = 1, areas[0]
    while count < len(areas):
        if worst(count + 1, total + areas[count]) > worst(count, total):
            break
        total += areas[count]
        count += 1
    return count
