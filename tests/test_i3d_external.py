"""Real outside things: ImageNet weights that we inflate, and DeepMind's own flow.

Both are skipped where the real data is not at hand.  `-s` prints what was measured.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from squeezenet import prepare, read_weights
from torch import nn

from course.i3d.inflation import inflate
from course.video import read_clip, tvl1_flow

SMALL = 131  # px: a third of the work of 227, and every map still has an odd size
CLIP = "activitynet_v_GGSY1Qvo990.mp4"  # a man with a barbell


@pytest.fixture(scope="module")
def net(real_data) -> nn.Sequential:
    return read_weights(real_data / "weights2d" / "compressed_SqueezeNet.net")


def frames_of(real_data, step: int) -> torch.Tensor:
    """Sixteen frames, `step` apart, as SqueezeNet wants them but smaller."""
    clip = read_clip(
        real_data / "clips" / CLIP, list(range(100, 100 + 16 * step, step))
    )
    return nn.functional.interpolate(prepare(clip), size=(SMALL, SMALL), mode="area")


@pytest.fixture(scope="module")
def image(real_data) -> torch.Tensor:
    return frames_of(real_data, 1)[:1]


def per_frame(video_net: nn.Sequential, video: torch.Tensor) -> torch.Tensor:
    """Logits (T, 1000) of each frame: the net but for its mean over time."""
    with torch.no_grad():
        return video_net[:-2](video).mean((3, 4))[0].T


@pytest.mark.parametrize(
    ("clip", "frame", "sensible"),
    [
        (CLIP, 100, {"barbell", "dumbbell"}),
        ("ucf101_v_SoccerJuggling_g23_c01.avi", 100, {"soccer_ball"}),
        ("kinetics400_using_segway_R6llTwEh07w.mp4", 100, {"unicycle", "tricycle"}),
    ],
)
@torch.no_grad()
def test_the_image_net_is_read_rightly(net, real_data, clip, frame, sensible):
    index = json.loads((real_data / "weights2d/imagenet_class_index.json").read_text())
    image = prepare(read_clip(real_data / "clips" / clip, [frame]))
    probability, classes = net(image).softmax(1)[0].topk(5)
    top = [index[str(int(k))][1] for k in classes]
    print(clip, [f"{k} {p:.2f}" for k, p in zip(top, probability, strict=True)])
    assert sensible & set(top)
    assert clip != CLIP or (top[0] == "barbell" and probability[0] > 0.7)


def test_a_boring_video_of_a_real_frame(net, image):
    with torch.no_grad():
        expected = net(image)
    video = image[:, :, None].expand(-1, -1, 32, -1, -1)

    def error(**options) -> torch.Tensor:
        made = inflate(net, **options)
        return (per_frame(made, video) - expected).abs().amax(1)

    replicate, centre = error(), error(time_padding="zeros", taps="centre")
    zeros = error(time_padding="zeros")
    print(
        f"largest logit {expected.max():.2f}; errors: replicate {replicate.max():.1e}"
    )
    print(f"  zeros, centre tap {centre.max():.1e}")
    print(f"  zeros, mean taps {[round(float(e), 3) for e in zeros]}")
    assert replicate.max() <= 1e-4 and centre.max() <= 1e-4
    assert zeros[0] > 1 and zeros[-1] > 1
    # Half the temporal receptive field is 3 for the stem and 1 for each of 8 modules.
    assert zeros[11:-11].max() <= 1e-4


def test_the_nets_own_mean_over_time_keeps_the_answer(net, image):
    video = image[:, :, None].expand(-1, -1, 6, -1, -1)
    with torch.no_grad():
        strided = inflate(net, time_strides={"0": 2}, time_pools={"2": (3, 2)})
        torch.testing.assert_close(strided(video), net(image), rtol=0, atol=1e-4)


@pytest.mark.parametrize("step", [1, 6])
def test_a_real_clip_is_not_boring(net, real_data, step):
    """What the fixed point does not cover: the taps' mean blurs what moves."""
    frames = frames_of(real_data, step)
    with torch.no_grad():
        images = net(frames)
    video = frames.transpose(0, 1)[None]
    centre = per_frame(inflate(net, time_padding="zeros", taps="centre"), video)
    mean = per_frame(inflate(net), video)
    change = (mean - images).abs().amax(1)
    alike = torch.cosine_similarity(mean.mean(0), images.mean(0), dim=0)
    same = (mean.argmax(1) == images.argmax(1)).float().mean()
    best = images.amax(1)
    print(f"frames {step} apart, largest logits {best.min():.1f} to {best.max():.1f}")
    print(f"  centre tap: error {(centre - images).abs().max():.1e}")
    print(f"  mean taps: largest change {change.min():.2f} to {change.max():.2f},")
    print(f"  cosine of mean logits {alike:.3f}, same best class {same:.0%}")
    assert (centre - images).abs().max() <= 1e-4  # each frame is seen by itself
    assert change.min() > 0.1 and alike < 0.999


class Flow(NamedTuple):
    """How two flow fields agree where DeepMind's moves by more than half a pixel."""

    cosine: float  # mean over the moving pixels of the cosine between the two vectors
    horizontal: float  # correlation of the components
    vertical: float
    scale: float  # least-squares factor from ours to theirs
    error: float  # mean distance of the arrow heads, px


def gif(path: Path) -> np.ndarray:
    from PIL import Image, ImageSequence

    frames = ImageSequence.Iterator(Image.open(path))
    return np.stack([np.asarray(frame.convert("RGB")) for frame in frames])


def agreement(ours: np.ndarray, theirs: np.ndarray) -> Flow:
    moving = np.hypot(*theirs) > 0.5
    assert moving.mean() > 0.05
    a, b = ours[:, moving], theirs[:, moving]
    cosine = (a * b).sum(0) / (np.hypot(*a) * np.hypot(*b) + 1e-6)
    return Flow(
        float(cosine.mean()),
        float(np.corrcoef(a[0], b[0])[0, 1]),
        float(np.corrcoef(a[1], b[1])[0, 1]),
        float((a * b).sum() / (a * a).sum()),
        float(np.hypot(*(a - b)).mean()),
    )


@pytest.mark.slow
def test_our_flow_is_the_published_flow(real_data):
    """Frame k of the flow belongs to the pictures k and k + 1; red is x, green is y."""
    pytest.importorskip("cv2")
    rgb, flow = (
        gif(real_data / "clips" / f"v_CricketShot_g04_c01_{kind}.gif")
        for kind in ("rgb", "flow")
    )
    assert rgb.shape == flow.shape == (79, 224, 224, 3) and (flow[..., 2] == 127).all()
    # Written as floor((flow / 20 + 0.5) * 255); half a step up is each step's middle.
    theirs = (((flow[..., :2] + 0.5) / 255 - 0.5) * 20).transpose(0, 3, 1, 2)
    for k in (20, 52):
        pairs = tvl1_flow(rgb[k - 1 : k + 3]).transpose(1, 0, 2, 3)
        early, right, late = (agreement(pair, theirs[k]) for pair in pairs)
        for offset, found in zip((-1, 0, 1), (early, right, late), strict=True):
            rounded = {name: round(x, 3) for name, x in found._asdict().items()}
            print(f"flow {k}, pair {k + offset}: {rounded}")
        assert right.cosine > 0.9 and min(right.horizontal, right.vertical) > 0.8
        assert 0.85 < right.scale < 1.15 and right.error < 0.7
        assert right.cosine > 0.03 + max(early.cosine, late.cosine)
        assert agreement(pairs[1][::-1], theirs[k]).cosine < 0.5  # x and y swapped
