"""A bug to find: a two-stream test that is right until the camera gets better.

The planted bug is the resize of optical flow. Flow is measured in pixels, so when its
picture shrinks, its numbers must shrink along. The authors avoid it: they resize the
frames first and compute the flow afterwards.
"""

from __future__ import annotations

from collections.abc import Callable

SOURCE = '''\
import torch
from torch.nn.functional import interpolate


def two_stream_test(frames, flow, rgb_net, flow_net, size=32):
    """Class probabilities (K,) of one clip, from both streams.

    frames (T, H, W, 3) bytes; flow (T, H, W, 2) in pixels, right and down;
    each network takes (1, C, T, size, size) in [-1, 1] and gives (1, K, steps).
    """
    if flow.shape[:3] != frames.shape[:3]:
        raise ValueError(f"flow {flow.shape} does not fit frames {frames.shape}")

    def resize(x):  # (T, H, W, C) -> (C, T, size, size)
        pictures = x.float().permute(0, 3, 1, 2)
        small = interpolate(pictures, (size, size), mode="bilinear", antialias=True)
        return small.transpose(0, 1)

    rgb = resize(frames) / 127.5 - 1
    flow = resize(flow)
    flow = flow.clamp(-20, 20) / 20  # as the paper: at most 20 pixels a frame
    with torch.no_grad():
        rgb_logits = rgb_net(rgb[None]).mean(dim=2)  # over time
        flow_logits = flow_net(flow[None]).mean(dim=2)
    return torch.softmax(rgb_logits + flow_logits, dim=1)[0]
'''
FUNCTION = "two_stream_test"
REPAIR = """\
    height, width = frames.shape[1:3]
    shrink = torch.tensor([size / width, size / height])  # right, down
    flow = resize(flow) * shrink.view(2, 1, 1, 1)
"""
BUG = "    flow = resize(flow)\n"
SPEEDS = {"standing": 0.0, "walking": 2.0, "running": 5.0}  # pixels of 32, a frame


def compiled(source: str) -> Callable:
    """The two-stream test that a source defines.

    Args:
        source: Python; defines `two_stream_test`.
    """
    space: dict = {}
    exec(compile(source, f"<{FUNCTION}>", "exec"), space)
    return space[FUNCTION]


def variant(old: str, new: str) -> Callable:
    """The broken test with one piece of its source replaced.

    Args:
        old: a piece that occurs.
        new: what comes in its place.

    Raises:
        ValueError: it does not occur.
    """
    if old not in SOURCE:
        raise ValueError(f"{old!r} is not in the source")
    return compiled(SOURCE.replace(old, new))


broken = compiled(SOURCE)


def film(width: int):
    """Someone walks to the right, filmed `width` pixels wide; with true flow.

    Args:
        width: a multiple of 32; the picture is three quarters as high.

    Returns:
        frames (5, H, W, 3) bytes and flow (5, H, W, 2) in pixels: 2 of 32 a frame.

    Raises:
        ValueError: another width.
    """
    import torch

    if width < 32 or width % 32:
        raise ValueError(f"width must be a multiple of 32, got {width}")
    unit, height = width // 32, width * 3 // 4
    frames = torch.full((5, height, width, 3), 60, dtype=torch.uint8)
    flow = torch.zeros(5, height, width, 2)
    for t in range(5):
        left = (4 + 2 * t) * unit
        body = (t, slice(6 * unit, 20 * unit), slice(left, left + 8 * unit))
        frames[body] = 200
        flow[(*body, 0)] = 2.0 * unit
    return frames, flow


def sees_a_person(rgb):
    """Stand-in for a trained RGB network: a person, and no idea how fast."""
    import torch

    return torch.zeros(len(rgb), len(SPEEDS), 1)


def knows_speeds(flow):
    """Stand-in for a trained flow network: compares the mean speed of what moves."""
    import torch

    pixels = 20 * flow.norm(dim=1).flatten(1)  # (1, all places), pixels of its input
    speed = (pixels**2).sum(1) / pixels.sum(1).clamp(min=1e-6)
    known = torch.tensor(list(SPEEDS.values()))
    return -((speed[:, None, None] - known[:, None]) ** 2)


def symptom(test: Callable = broken) -> str:
    """One performance, filmed by three cameras: what does the test say?

    Args:
        test: a two-stream test.

    Returns:
        a line for each camera.

    >>> print(symptom())
    filmed  32 pixels wide: walking, 98 %
    filmed  64 pixels wide: running, 76 %
    filmed  96 pixels wide: running, 100 %
    """
    lines = []
    for width in (32, 64, 96):
        chances = test(*film(width), sees_a_person, knows_speeds)
        best = int(chances.argmax())
        word = f"{list(SPEEDS)[best]}, {100 * float(chances[best]):.0f} %"
        lines.append(f"filmed {width:3} pixels wide: {word}")
    return "\n".join(lines)
