"""One filter on a still or scrolling video: when is 3-D the same as 2-D?

Source: Carreira & Zisserman, CVPR 2017, section 2.4.  On a repeated frame an inflated
filter answers as its 2-D original.  The paper does not say what the ends of the clip
do to that; here it can be seen.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from course.i3d.inflation import inflate_conv
from course.teaching import figures
from course.teaching.figures import COLOURS, GREY, Picture

SIZE = 48  # px of the still pictures
KERNEL = 5  # px of the 2-D kernels
IMAGES = ("shapes", "one edge", "a frame of the world")


@lru_cache
def still_image(kind: str, size: int = SIZE) -> Float[Tensor, "h w"]:
    """A grey picture in [0, 1] to repeat or to scroll.

    Raises:
        ValueError: an unknown kind.

    >>> tuple(still_image("one edge").shape)
    (48, 48)
    """
    if kind not in IMAGES:
        raise ValueError(f"the images are {', '.join(IMAGES)}; got {kind!r}")
    if kind == "a frame of the world":
        from course.synthetic import SynthActions

        world = SynthActions(
            "test", 1, seed=5, frames=1, size=size, actions=("dance",),
            scenes=("pool",), noise=0.0,
        )  # fmt: skip
        return world[0]["clip"][:, 0].mean(0)
    y, x = torch.meshgrid(*[torch.arange(size) / size] * 2, indexing="ij")
    if kind == "one edge":
        return (x > 0.5).float() * 0.8 + 0.1
    image = torch.full((size, size), 0.35)
    image[(abs(x - 0.25) < 0.14) & (abs(y - 0.3) < 0.16)] = 0.95
    image[(x - 0.7) ** 2 + (y - 0.35) ** 2 < 0.025] = 0.05
    image[(abs(x - 0.5) < 0.34) & (abs(y - 0.76) < 0.07)] = 0.75
    return image


def still_kernels(size: int = KERNEL) -> dict[str, Float[Tensor, "k k"]]:
    """Four 2-D kernels a first layer may have learnt, by name.

    >>> sorted(still_kernels())
    ['blur', 'centre-surround', 'horizontal edge', 'vertical edge']
    """
    at = torch.arange(size) - (size - 1) / 2
    bell = torch.exp(-(at**2) / (2 * (size / 4) ** 2))
    bell /= bell.sum()
    slope = at * bell
    slope /= slope.abs().sum()
    blur, narrow = torch.outer(bell, bell), torch.exp(-(at**2))
    spot = torch.outer(narrow, narrow)
    return {
        "vertical edge": torch.outer(bell, slope),
        "horizontal edge": torch.outer(slope, bell),
        "centre-surround": spot / spot.sum() - torch.full_like(spot, 1 / size**2),
        "blur": blur,
    }


def scrolled(
    image: Float[Tensor, "h w"], frames: int, speed: float
) -> Float[Tensor, "t h w"]:
    """A video of the image moving right by `speed` px a frame, wrapping round.

    >>> scrolled(torch.eye(2), 2, 1.0)[1].tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    video = []
    for t in range(frames):
        whole, part = divmod(t * speed, 1.0)
        near = image.roll(int(whole), -1)
        video.append((1 - part) * near + part * near.roll(1, -1))
    return torch.stack(video)


def responses(
    video: Float[Tensor, "t h w"],
    kernel: Float[Tensor, "k k"],
    time: int,
    time_padding: str = "replicate",
    taps: str = "mean",
) -> tuple[Float[Tensor, "t h w"], Float[Tensor, "t h w"]]:
    """What the 2-D kernel says to each frame, and the inflated one to the video.

    Args:
        video: grey frames.
        kernel: odd size.
        time, time_padding, taps: see `course.i3d.inflate_conv`.

    Returns:
        (2-D, 3-D) responses; height and width wrap round, so that only time has ends.

    >>> video = scrolled(still_image("shapes"), 4, 0.0)
    >>> flat, deep = responses(video, still_kernels()["blur"], 3)
    >>> torch.allclose(flat, deep, atol=1e-6)
    True
    """
    size, margin = kernel.shape[-1], kernel.shape[-1] // 2
    conv = nn.Conv2d(1, 1, size, bias=False)
    with torch.no_grad():
        conv.weight.copy_(kernel)
        inflated = inflate_conv(conv, time, time_padding=time_padding, taps=taps)
        wide = torch.cat([video[..., -margin:], video, video[..., :margin]], -1)
        wide = torch.cat([wide[:, -margin:], wide, wide[:, :margin]], 1)
        flat = conv(wide[:, None])[:, 0]
        return flat, inflated(wide[None, None])[0, 0]


def deviations(
    flat: Float[Tensor, "t h w"], deep: Float[Tensor, "t h w"]
) -> Float[Tensor, " t"]:
    """Largest difference in each frame, in per cent of the strongest 2-D response.

    >>> deviations(torch.ones(2, 3, 3), torch.ones(2, 3, 3) * 0.5).tolist()
    [50.0, 50.0]
    """
    strongest = flat.abs().amax().clamp(min=1e-12)
    return 100 * (deep - flat).abs().flatten(1).amax(1) / strongest


def deviation_sentence(percent: Float[Tensor, " t"]) -> str:
    """Where 2-D and 3-D differ most, in words.

    >>> deviation_sentence(torch.tensor([33.3, 0.0, 33.3]))
    'The largest deviation is 33 %, in frames 0 and 2. Frame 1, the middle: 0 %.'
    """
    values = [float(p) for p in percent]
    largest, middle = max(values), len(values) // 2
    if largest < 1e-3:
        return "2-D and 3-D agree in every frame, to rounding (less than 0.001 %)."
    where = [t for t, v in enumerate(values) if v > 0.999 * largest]
    if len(where) > 4:
        named = f"{len(where)} of {len(values)} frames, first in frame {where[0]}"
    elif len(where) == 1:
        named = f"frame {where[0]}"
    else:
        named = f"frames {', '.join(map(str, where[:-1]))} and {where[-1]}"
    return (
        f"The largest deviation is {largest:.0f} %, in {named}. "
        f"Frame {middle}, the middle: {values[middle]:.0f} %."
    )


def signed_colours(values: np.ndarray, largest: float) -> np.ndarray:
    """Responses as colour: blue below zero, white at zero, orange above."""
    share = np.clip(values / max(largest, 1e-12), -1, 1)[..., None]
    share = np.round(32 * share) / 32  # few colours make a small file
    cold, warm = np.array([0, 90, 150]), np.array([190, 85, 0])
    ends = np.where(share < 0, cold, warm)
    return (255 + np.abs(share) * (ends - 255)).astype(np.uint8)


def _film(frames: np.ndarray, gap: int = 2) -> np.ndarray:
    """Frames (T, H, W, 3) side by side with white between them."""
    page = np.pad(frames, ((0, 0), (gap, gap), (gap, gap), (0, 0)), constant_values=255)
    return np.concatenate(list(page), 1)


def _place_strips(fig, page: np.ndarray, box: tuple[float, float, float, float]):
    """Three named film strips onto a figure: left, bottom, width, top as its shares."""
    left, bottom, width, top = box
    x, y, wide, high = (
        round(part * side) for part, side in zip(
            (left, bottom, width, top - bottom), 2 * list(fig.bbox.size), strict=True
        )
    )  # fmt: skip
    rows = (np.arange(high) * len(page)) // high
    columns = (np.arange(wide) * page.shape[1]) // wide
    fig.figimage(page[rows][:, columns], x, y, origin="upper")
    for name, place in (("frame", 5), ("2-D", 3), ("3-D", 1)):
        height = bottom + (top - bottom) * place / 6
        fig.text(left - 0.006, height, name, ha="right", va="center_baseline")


def responses_picture(
    video: Float[Tensor, "t h w"],
    flat: Float[Tensor, "t h w"],
    deep: Float[Tensor, "t h w"],
    alt: str,
) -> Picture:
    """Film strips of frames, 2-D and 3-D responses, and the deviation below each."""
    largest = float(flat.abs().amax())
    frames = (255 * video[..., None].clamp(0, 1)).numpy().astype(np.uint8)
    strips = [frames.repeat(3, -1)]
    strips += [signed_colours(r.numpy(), largest) for r in (flat, deep)]
    page = np.concatenate([_film(s) for s in strips])
    count, percent = len(video), deviations(flat, deep).numpy()
    strips_height = 3 * 7.6 / max(count, 7)
    fig, below = figures.figure(1, 1, 8.6, 0.55 + strips_height + 1.5, quick=True)
    # The strips have no axes of their own, which would cost half the drawing's time.
    share = strips_height / (strips_height + 1.25)
    middle = 0.11 + 0.885 * (1 - share)
    fig.subplots_adjust(0.115, 0.11, 0.995, middle - 0.02)
    right = max(page.shape[1], 7 * page.shape[0] // 3) / (page.shape[1] / count) - 0.5
    _place_strips(fig, page, (0.115, middle, 0.88 * count / (right + 0.5), 0.995))
    below.bar(range(count), percent, width=0.62, color=COLOURS["red"])
    for t, value in enumerate(percent):
        below.text(t, value, f" {value:.0f}", ha="center", va="bottom", fontsize=9)
    high = max(120.0, 1.2 * float(percent.max()))
    below.set(xlim=(-0.5, right), ylim=(0, high), ylabel="deviation (%)")
    below.set_yticks([0, 50, 100])
    below.set_xticks([])  # texts: a tick is made of five parts and takes as much time
    for t in range(count):
        spot = {"transform": below.get_xaxis_transform(), "ha": "center", "va": "top"}
        below.text(t, -0.04, t, **spot)
    below.set_xlabel("frame", labelpad=18)
    below.axhline(0, color=GREY, linewidth=1)
    return figures.picture_of(fig, alt)
