"""FAME's mask and merge beside the official code's sequence of operations, in one run.

    pytest benchmarks/bench_fame.py

The peer, `eager_merge`, is that sequence in our own words: every step a new tensor in
full precision, `topk` for both samples and for the mask, a Python list of numbers as
index, and two products added for the merge.  Both give the same masks for 8 clips of 16
frames: on the golden clips, and on clips of the same kind at 112 x 112.

Goal, asserted: at least 3 times as fast, mask and merge together (measured: 3.4 to 4.0
times; the mask alone 2 to 4 times).  A good part of either is the memory that a large
result is asked for, so a result of its own is all that ours asks for.  Times are
medians of many interleaved rounds, so that a busy machine slows both.

On a CUDA device it also times 64 clips of 112 x 112, after a warm-up, by CUDA events,
where the processor may not wait once.  Goal: less than 1 ms.
"""

import math
import statistics
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d, interpolate, pad

from course.fame.foreground import foreground_mask, foreground_posterior
from course.fame.mask_variants import gauss_mask, grid_mask, seed_mask
from course.fame.merging import cyclic_partners, merge_background
from course.fame.ranking import top_share

GOLDEN = Path(__file__).parent.parent / "tests" / "golden" / "fame_golden.npz"
ROUNDS = {112: 21, 224: 7}  # odd, so that a median is one of them
BETA = 0.5


def golden_clips():
    with np.load(GOLDEN) as golden:
        return torch.from_numpy(golden["clips_u8"]).float() / 255


def eight_clips(size, frames=16):
    """The golden clips, enlarged, with new noise: no two pixels change equally."""
    small = golden_clips().transpose(1, 2).flatten(0, 1)
    large = interpolate(small, size=size, mode="bicubic").view(4, 8, 3, size, size)
    there_and_back = torch.cat([large, large.flip(1)], 1)[:, :frames]
    clips = torch.cat([there_and_back, there_and_back.flip(-1)]).transpose(1, 2)
    noise = torch.randn(clips.shape, generator=torch.Generator().manual_seed(0))
    return (clips + 0.02 * noise).clamp(0, 1).contiguous()


def eager_blur(maps, kernel):
    places = torch.arange(kernel) - kernel // 2
    window = torch.exp(-0.5 * (places / (kernel / 3)) ** 2)
    window = (window / window.sum()).view(1, 1, 1, kernel)
    reach = kernel // 2
    padded = pad(maps[:, None], [reach] * 4, mode="reflect")
    return conv2d(conv2d(padded, window), window.transpose(2, 3))[:, 0]


def eager_unit(maps):
    flat = maps.flatten(1)
    least, most = flat.min(1, keepdim=True)[0], flat.max(1, keepdim=True)[0]
    return ((flat - least) / (most - least)).view(maps.shape)


def eager_cells(frames):
    """1 to 1000: hue, twice in radians, and saturation as a disc, and the value."""
    value, channel = frames.max(1)
    chroma = value - frames.min(1)[0]
    saturation = chroma / (value + 1e-8)
    chroma = torch.where(chroma == 0, torch.ones_like(chroma), chroma)
    red, green, blue = (value[:, None] - frames).unbind(1)
    sixths = [blue - green, red - blue + 2 * chroma, green - red + 4 * chroma]
    sixths = torch.stack(sixths, 1) / chroma[:, None]
    hue = (sixths.gather(1, channel[:, None])[:, 0] / 6) % 1.0
    angle = 2 * math.pi * (2 * math.pi * torch.where(hue == 1, 0.0, hue))
    x, y = saturation * torch.cos(angle), saturation * torch.sin(angle)
    first, second = torch.round(9 * (x + 1) / 2 + 1), torch.round(9 * (y + 1) / 2 + 1)
    third = torch.round(9 * value + 1)
    return (first + 10 * (second - 1) + 100 * (third - 1)).long()


def eager_mask(clips, beta):
    batch, _, _, height, width = clips.shape
    pixels, kernel = height * width, int(0.1 * height) // 2 * 2 + 1
    seed = torch.abs(clips[:, :, :-1] - clips[:, :, 1:]).sum(1).mean(1)
    seed = eager_unit(eager_blur(seed, kernel)).flatten(1)
    cells = eager_cells(clips.mean(2)).flatten(1)
    most = seed.topk(int(0.5 * pixels), 1)[1]
    least = seed.topk(int(0.1 * pixels), 1, largest=False)[1]
    foreground, background = torch.zeros(batch, 1001), torch.ones(batch, 1001)
    background[:, 0] = 0  # cells are counted from 1
    foreground.scatter_add_(1, cells.gather(1, most), torch.ones(most.shape))
    background.scatter_add_(1, cells.gather(1, least), torch.ones(least.shape))
    foreground = foreground / foreground.sum(1, keepdim=True)
    background = background / background.sum(1, keepdim=True)
    likely, unlikely = (table.gather(1, cells) for table in (foreground, background))
    posterior = (likely / (unlikely + likely)).view(batch, height, width)
    soft = eager_unit(eager_blur(posterior, kernel)).flatten(1)
    kept = soft.topk(int(beta * pixels), 1)[1]
    rows = [clip for clip in range(batch) for _ in range(kept.shape[1])]
    mask = torch.zeros(batch, pixels)
    mask[torch.LongTensor(rows), kept.flatten()] = 1.0
    return mask.view(batch, 1, 1, height, width)


def eager_merge(clips, partners, beta=BETA):
    mask = eager_mask(clips, beta)
    return clips * mask + clips[partners] * (1 - mask)


def our_merge(clips, partners, beta=BETA):
    return merge_background(clips, foreground_mask(clips, beta, "official"), partners)


@pytest.fixture
def compare(benchmark, capsys):
    """Tell how many times as long the peer takes."""

    def run(title, peer, ours, rounds):
        seconds = {peer: [], ours: []}
        for _ in range(rounds):
            for step in (peer, ours):
                began = time.perf_counter()
                step()
                seconds[step].append(time.perf_counter() - began)
        times = [1e3 * statistics.median(seconds[step]) for step in (peer, ours)]
        faster = times[0] / times[1]
        with capsys.disabled():
            print(
                f"\n{title}:\n    {times[0]:.1f} ms against {times[1]:.1f} ms: "
                f"{faster:.2f} times as fast"
            )
        benchmark.group = "ours alone, in the comparisons printed above"
        benchmark.extra_info.update(faster=round(faster, 2))
        benchmark.pedantic(ours, rounds=3)
        return faster

    return run


def pixels_apart(clips):
    """Masks of the peer and of ours: how many pixels differ."""
    theirs = eager_mask(clips, BETA)[:, :, 0].bool()
    return int((theirs != foreground_mask(clips, BETA, "official")).sum())


def is_official(mask):
    """Whether a function makes the masks that the official code made."""
    with np.load(GOLDEN) as golden:
        known = golden[f"official_mask_beta{BETA * 100:.0f}"]
    return np.array_equal(mask(golden_clips(), BETA).view(known.shape), known)


@pytest.mark.parametrize("size", [112, 224])
def test_mask_and_merge_reach_the_goal(compare, size):
    clips, partners = eight_clips(size), cyclic_partners(8)
    assert is_official(eager_mask)
    assert pixels_apart(clips) <= 0.001 * 8 * size * size
    calls = [lambda how=how: how(clips, partners) for how in (eager_merge, our_merge)]
    title = f"mask and merge, 8 clips of 16 x {size} x {size}"
    assert compare(title, *calls, ROUNDS[size]) >= 3


@pytest.mark.parametrize("size", [112, 224])
def test_mask_alone(compare, size):
    clips = eight_clips(size)
    calls = [
        lambda: eager_mask(clips, BETA),
        lambda: foreground_mask(clips, BETA, "official"),
    ]
    title = f"mask alone, 8 clips of 16 x {size} x {size}"
    assert compare(title, *calls, ROUNDS[size]) >= 1.5


MASKS = {
    "FAME, equations": lambda clips: foreground_mask(clips, BETA),
    "FAME, official": lambda clips: foreground_mask(clips, BETA, "official"),
    "Seed": lambda clips: seed_mask(clips, BETA),
    "Grid": lambda clips: grid_mask(clips, BETA),
    "Gauss": lambda clips: gauss_mask(clips, BETA),
}


@pytest.mark.parametrize("name", MASKS)
def test_masks(benchmark, name):
    clips = eight_clips(112)
    benchmark.group = "masks of 8 clips, 16 x 112 x 112"
    benchmark.pedantic(MASKS[name], (clips,), rounds=11, warmup_rounds=1)


def test_choosing_pixels_beside_topk(compare):
    """`topk` sorts what it has chosen; nobody asks for the order."""
    maps = foreground_posterior(eight_clips(112), "official").soft

    def sorting():
        chosen = maps.flatten(1).topk(maps[0].numel() // 2, 1)[1]
        return torch.zeros(8, maps[0].numel()).scatter_(1, chosen, 1.0)

    title = "choosing half of the pixels, topk against a threshold"
    assert compare(title, sorting, lambda: top_share(maps, 0.5), 41) > 1.3


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_takes_less_than_a_millisecond(benchmark, capsys):
    clips = eight_clips(112).repeat(8, 1, 1, 1, 1).cuda()
    partners = cyclic_partners(64).cuda()
    for _ in range(3):
        our_merge(clips, partners)
    times = []
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(31):
            began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            began.record()
            our_merge(clips, partners)
            ended.record()
            times.append((began, ended))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.cuda.synchronize()
    median = statistics.median(began.elapsed_time(ended) for began, ended in times)
    with capsys.disabled():
        print(f"\nmask and merge of 64 clips on a GPU: {median:.3f} ms")
    benchmark.pedantic(lambda: our_merge(clips, partners), rounds=3)
    assert median < 1.0
