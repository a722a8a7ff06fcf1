"""How boring is a video?  What inflated edge filters make of each of its frames.

Source: Carreira & Zisserman, CVPR 2017, section 2.4: on one frame repeated, an inflated
filter answers as its image filter does.  On any other video it averages over N frames,
and the difference says how much happens within N frames.  No label is needed.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional as F

from course.i3d.drawings.boring_video import still_kernels
from course.i3d.inflation import inflate_conv
from course.teaching import charts, figures
from course.teaching.figures import COLOURS, Picture

TAPS = (3, 5, 7)
WIDEST = 160  # px that the filters see
LIMIT = 60_000  # bytes of the picture
CLEARLY = 10.0  # per cent


def how_boring(
    frames: UInt8[np.ndarray, "T H W 3"], name: str
) -> tuple[Picture, float]:
    """Draw how far inflated edge filters are from the image filters, frame by frame.

    Args:
        frames: a video.
        name: what to call it.

    Returns:
        (a frame, an x-t slice through the row that moves most, and the deviations;
        the share of frames, in [0, 1], where 7 taps deviate by more than 10 %).

    Raises:
        ValueError: not uint8 (T, H, W, 3) with T >= 1 and at least 5 px a side.

    >>> picture, share = how_boring(np.zeros((4, 20, 30, 3), np.uint8), "night")
    >>> share
    0.0
    """
    small = _downscaled(frames)
    curves = deviations(small.mean(1))
    share = float((curves[max(TAPS)] > CLEARLY).float().mean())
    row = _liveliest_row(small)
    colours = small.permute(0, 2, 3, 1).numpy()
    fig, axes = figures.figure(1, 3, width=9.2, height=3.3, width_ratios=(1, 1, 1.3))
    axes[0].imshow(colours[len(colours) // 2], vmin=0, vmax=1)
    axes[0].axhline(row, color=COLOURS["orange"], linewidth=2)
    charts.label(axes[0], "A frame and a row")
    axes[0].set_axis_off()
    axes[1].imshow(colours[:, row], aspect="auto", interpolation="nearest")
    charts.label(axes[1], "The row over time", "px", "frame")
    for time, dash, colour in zip(TAPS, charts.DASHES, figures.CYCLE, strict=False):
        axes[2].plot(curves[time], dash, color=colour, label=f"{time} taps")
    axes[2].axhline(CLEARLY, color="black", linestyle=":", linewidth=1)
    axes[2].annotate(
        f"boring below {CLEARLY:g} %", (1, CLEARLY), ha="right", va="top", size=8,
        xycoords=("axes fraction", "data"), xytext=(-2, -2),
        textcoords="offset points",
        bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.5},
    )  # fmt: skip
    axes[2].set_ylim(0, max(20.0, 1.05 * float(curves[max(TAPS)].max())))
    axes[2].xaxis.get_major_locator().set_params(integer=True)
    axes[1].yaxis.get_major_locator().set_params(integer=True)
    axes[1].grid(visible=False)
    charts.label(axes[2], "Inflated against image filter", "frame", "deviation (%)")
    handles, labels = axes[2].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower right", ncols=3, frameon=False)
    alt = (
        f"{name}: a frame, one of its rows over time, and how far inflated edge "
        "filters are from the image filters in each frame"
    )
    picture = figures.picture_of(fig, alt)
    return Picture(figures.smaller(picture.png, LIMIT), alt, picture.width), share


def deviations(grey: Float[Tensor, "t h w"]) -> dict[int, Float[Tensor, " t"]]:
    """Largest deviation of inflated edge filters in each frame, by number of taps.

    Args:
        grey: frames; at least 5 px high and wide.

    Returns:
        per cent of the image filters' largest response in the video; equal taps, end
        frames repeated.

    >>> {n: d.tolist() for n, d in deviations(torch.rand(1, 8, 8)).items()}
    {3: [0.0], 5: [0.0], 7: [0.0]}
    """
    kernels = still_kernels()
    edges = torch.stack([kernels["vertical edge"], kernels["horizontal edge"]])[:, None]
    conv = nn.Conv2d(1, 2, edges.shape[-1], stride=2, bias=False)  # as I3D's first
    found = {}
    with torch.no_grad():
        conv.weight.copy_(edges)
        image = conv(grey[:, None])
        largest = float(image.abs().max())
        for time in TAPS:
            inflated = inflate_conv(conv, time, time_padding="replicate", taps="mean")
            video = inflated(grey[None, None])[0].transpose(0, 1)
            gap = (video - image).abs().amax((1, 2, 3))
            # Below this lies what rounding alone does.
            gap = torch.where(gap > 1e-5 * max(largest, 1.0), gap, 0.0)
            found[time] = 100.0 * gap / max(largest, 1e-5)
    return found


def _downscaled(frames: np.ndarray) -> Float[Tensor, "t 3 h w"]:
    """In [0, 1], at most `WIDEST` px wide, by averaging."""
    shape = frames.shape
    if frames.dtype != np.uint8 or frames.ndim != 4 or shape[3] != 3 or not shape[0]:
        raise ValueError(
            f"a video is uint8 (T, H, W, 3), T >= 1; got {frames.dtype} {shape}"
        )
    scale = min(1.0, WIDEST / shape[2])
    size = round(scale * shape[1]), round(scale * shape[2])
    if min(size) < 5:
        raise ValueError(f"frames need 5 px a side for the edge filters, got {size}")
    clip = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)
    parts = [part.float().div(255.0) for part in clip.split(32)]
    if scale < 1:
        parts = [F.interpolate(part, size, mode="area") for part in parts]
    return torch.cat(parts)


def _liveliest_row(clip: Float[Tensor, "t 3 h w"]) -> int:
    """The row that changes most over time; the middle one if none does."""
    change = clip.std(0, correction=0).mean((0, 2))
    return int(change.argmax()) if change.max() > 1e-4 else clip.shape[2] // 2
