"""What the I3D room's networks see, how answers count, and what streams start from."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from course.backbones import I3D, InceptionV1
from course.i3d import streams
from course.i3d.architectures import FrameAverage, FusedTwoStream, make_stream
from course.i3d.heads import CourseClips, features_of, with_new_head
from course.i3d.scales import SETTINGS
from course.i3d.small_base import SmallNet
from course.i3d.streams import families, scores, twins
from course.i3d.thinning import THINNINGS, ThinnedNet, drifting_dots
from course.i3d.trainings import fresh_base, stills
from course.synthetic import ACTIONS, REVERSALS, SynthActions

NAMES = ("sit_down", "wave", "stand_up")  # a pair and a single one

# How many answers there are, and which of them are right


def test_every_pair_is_one_family_and_each_others_twins():
    names = tuple(ACTIONS)
    kinds, other = families(names), twins(names)
    assert int(kinds.max()) + 1 == len(names) - len(REVERSALS)
    for early, late in REVERSALS:
        a, b = names.index(early), names.index(late)
        assert kinds[a] == kinds[b] and other[a] == b and other[b] == a
    single = [n for n in names if n not in {x for pair in REVERSALS for x in pair}]
    assert all(other[names.index(name)] == -1 for name in single)


def test_half_a_pair_has_no_twin():
    assert twins(("sit_down", "wave")).tolist() == [-1, -1]
    assert families(("sit_down", "wave")).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("logits", "expected"),
    [
        # What happens is known, its direction is taken the wrong way round.
        ([[1.0, 0, 9], [0, 9, 0], [9, 0, 1]], (1 / 3, 1.0, 0.0)),
        # The direction is known, but both times the third action is ahead.
        ([[1.0, 9, 0], [0, 9, 0], [0, 9, 1]], (1 / 3, 1 / 3, 1.0)),
        ([[9.0, 0, 1], [0, 9, 0], [1, 0, 9]], (1.0, 1.0, 1.0)),
    ],
)
def test_family_and_order_are_two_halves(logits, expected):
    found = scores(torch.tensor(logits), torch.tensor([0, 1, 2]), NAMES)
    assert list(found) == ["accuracy", "family", "order"]
    assert tuple(found.values()) == pytest.approx(expected)


def test_a_family_is_the_sum_of_its_members_chances():
    """Each alone is less likely than `wave`; together they are ahead."""
    logits = torch.tensor([[0.4, 0.45, 0.3]]).log()
    found = scores(logits, torch.tensor([0]), NAMES)
    assert (found["accuracy"], found["family"]) == (0.0, 1.0)


def test_equal_scores_do_not_tell_the_order():
    found = scores(torch.zeros(4, 3), torch.tensor([0, 0, 2, 2]), NAMES)
    assert found["order"] == 0.0


def test_stills_do_not_tell_the_members_of_a_pair_apart():
    world = SynthActions("train", 64, frames=2, size=16, num_actions=16, num_scenes=8,
                         scene_correlation=0.0)  # fmt: skip
    data, labels = stills(world)
    frames, label = data["clip"], data["label"].view(64, 2)
    assert frames.shape == (128, 3, 1, 16, 16) and frames.dtype == torch.uint8
    assert torch.equal(label[:, 0], label[:, 1])
    truth = world.tensors(("clip", "action", "scene"))
    kinds = families(world.action_names)
    assert labels == (int(kinds.max()) + 1) * 8
    assert torch.equal(label[:, 0] // 8, kinds[truth["action"]])
    assert torch.equal(label[:, 0] % 8, truth["scene"])
    pair = kinds[world.action_names.index("sit_down")]
    assert pair == kinds[world.action_names.index("stand_up")]
    assert torch.equal(frames[3, :, 0], truth["clip"][1, :, 1])  # clip 1, its second


# What a network sees


def test_flow_is_clipped_at_20_of_224_px():
    bound = 32 * 20 / 224
    flow = torch.tensor([-100.0, -bound, -bound / 2, 0, bound / 4, bound, 100])
    seen = streams.to_flow(flow.view(1, 1, 1, 7, 1).expand(1, 2, 1, 7, 32))
    expected = torch.tensor([-1.0, -1, -0.5, 0, 0.25, 1, 1])
    assert torch.allclose(seen[0, 1, 0, :, 9], expected)


def test_bytes_and_shares_give_the_same_picture():
    shades = torch.arange(256, dtype=torch.uint8)
    assert torch.allclose(streams.to_rgb(shades), streams.to_rgb(shades / 255.0))
    assert streams.to_rgb(shades)[[0, 255]].tolist() == [-1.0, 1.0]


def test_a_pan_is_gone_exactly_and_the_actor_stays():
    draws = torch.Generator().manual_seed(0)
    pan = torch.randn(2, 2, 7, 1, 1, generator=draws)
    still = {"flow": pan.expand(-1, -1, -1, 32, 32)}
    assert streams.flow_stabilised(still)[0].abs().max() == 0
    moving = pan.expand(-1, -1, -1, 32, 32).clone()
    moving[..., 10:20, 10:20] += 1.0
    (seen,) = streams.flow_stabilised({"flow": moving})
    actor = seen[..., 10:20, 10:20]
    assert torch.allclose(actor, torch.tensor(224 / 20 / 32), atol=1e-6)
    assert seen.count_nonzero() == actor.numel()


# scale -> frames and side of rgb_sparse, of rgb_coarse; channels of flow_stack; moments
SEEN = {
    "cpu": ((8, 32), (8, 32), 14, 3),
    "gpu": ((16, 64), (16, 64), 20, 5),
    "full": ((16, 224), (16, 112), 20, 5),
}


@pytest.mark.parametrize("scale", SEEN)
def test_every_scale_s_clips_fit_every_network(scale):
    knobs = SETTINGS[scale].knobs
    (h, w), t = knobs.frame_size, knobs.frames
    batch = {"clip": torch.zeros(1, 3, t, h, w, dtype=torch.uint8),
             "flow": torch.zeros(1, 2, t - 1, h, w)}  # fmt: skip
    (sparse, side), (coarse, small), channels, moments = SEEN[scale]

    def shapes(inputs):
        return [tuple(x.shape) for x in inputs(batch)]

    assert shapes(streams.rgb_clip) == [(1, 3, t, h, w)]
    assert shapes(streams.rgb_sparse) == [(1, 3, sparse, side, side)]
    assert shapes(streams.rgb_coarse) == [(1, 3, coarse, small, small)]
    assert shapes(streams.rgb_frame) == [(1, 3, h, w)]
    assert shapes(streams.flow_clip) == [(1, 2, t - 1, h, w)]
    assert shapes(streams.flow_stack) == [(1, channels, h, w)]
    both = [(1, 3, moments, h, w), (1, 6, moments, h, w)]
    assert shapes(streams.frames_and_stacks) == both


def counting(frames):
    """Frame t shows t / 127.5 - 1; flow t is t hundredths of its bound."""
    step = torch.arange(frames, dtype=torch.uint8)
    clip = step.view(1, 1, frames, 1, 1).expand(1, 3, frames, 8, 224)
    flow = 0.2 * torch.arange(frames - 1.0).view(1, 1, -1, 1, 1)
    return {"clip": clip, "flow": flow.expand(1, 2, -1, 8, 224)}


@pytest.mark.parametrize(
    ("frames", "moments"),
    [(8, [1, 3, 5]), (16, [1, 4, 7, 10, 13]), (64, [1, 14, 27, 40, 53])],
)
def test_each_moment_brings_the_flow_around_it(frames, moments):
    clip, stacks = streams.frames_and_stacks(counting(frames))
    assert ((clip[0, 0, :, 0, 0] + 1) * 127.5).round().tolist() == moments
    around = (stacks[0, :, :, 0, 0] * 100).round().T.tolist()
    assert around == [[t + d for d in (-1, -1, 0, 0, 1, 1)] for t in moments]


def test_sparse_frames_and_stacks_are_spread_and_centred():
    (sparse,) = streams.rgb_sparse(counting(64))
    times = ((sparse[0, 0, :, 0, 0] + 1) * 127.5).round().tolist()
    assert times[0] == 0 and times[-1] == 63
    assert {b - a for a, b in zip(times, times[1:], strict=False)} == {4, 5}
    (stack,) = streams.flow_stack(counting(64))
    assert (stack[0, :, 0, 0] * 100).round().tolist()[::2] == list(range(26, 36))


def test_shuffling_keeps_every_clip_s_frames():
    clip = torch.arange(6 * 8).view(6, 1, 8, 1, 1).expand(6, 3, 8, 2, 2)
    batch = {"clip": clip, "action": torch.arange(6)}
    mixed = streams.shuffled(batch)
    assert torch.equal(mixed["clip"].sort(2).values, clip)
    assert torch.equal(mixed["action"], batch["action"])
    order = mixed["clip"][:, 0, :, 0, 0] % 8
    assert len({tuple(row.tolist()) for row in order}) == 6
    assert torch.equal(mixed["clip"], streams.shuffled(batch)["clip"])
    assert not torch.equal(mixed["clip"], streams.shuffled(batch, seed=1)["clip"])


# What streams start from


def test_a_stream_leaves_the_image_network_alone_and_starts_with_its_answer():
    torch.manual_seed(0)
    base = SmallNet(10).eval()
    for layer in base.modules():  # as after a training
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.running_mean, std=0.1)
            nn.init.uniform_(layer.running_var, 0.5, 2.0)
    before = {key: value.clone() for key, value in base.state_dict().items()}
    stream = make_stream(base, 5, video=True).eval()
    still = torch.rand(4, 3, 32, 32) * 2 - 1
    video = still[:, :, None].expand(-1, -1, 8, -1, -1)
    with torch.no_grad():
        expected = base.embed(still)
        assert torch.allclose(stream.embed(video), expected, atol=1e-5)
        assert torch.allclose(stream(video), stream.fc(expected), atol=1e-5)
        for parameter in stream.parameters():
            parameter.add_(1.0)
    after = base.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())


@pytest.mark.parametrize("taps", ["mean", "centre"])
def test_i3d_starts_with_all_weights_of_inception(taps):
    torch.manual_seed(0)
    base = InceptionV1(7)
    old = base.state_dict()
    new = make_stream(base, 5, taps=taps, video=True).state_dict()
    for key in (key for key in old if not key.startswith("Logits")):
        weight = new[key]
        if weight.ndim == 5:
            middle = weight[:, :, (weight.shape[2] - 1) // 2]
            weight = weight.sum(2) if taps == "mean" else middle
            if taps == "centre":
                assert new[key].count_nonzero() == middle.count_nonzero()
        assert torch.allclose(weight, old[key], atol=1e-6), key


def test_new_heads():
    torch.manual_seed(0)
    net = with_new_head(InceptionV1(7), 3)
    assert net.fc.out_features == 3
    assert with_new_head(I3D(7, 2), 3).fc.out_features == 3
    fused = with_new_head(FusedTwoStream(SmallNet(1), SmallNet(1, 6), 64, 8, 5), 2)
    assert fused.fc.bias is None and fused.fc.out_features == 2
    with pytest.raises(ValueError, match="FrameAverage has no last layer"):
        with_new_head(FrameAverage(SmallNet(2)), 3)


def test_features_are_what_the_last_layer_reads():
    torch.manual_seed(0)
    net = make_stream(SmallNet(4), 3, video=True).eval()
    data = {"clip": torch.rand(5, 3, 4, 16, 16), "action": torch.zeros(5)}
    features = features_of(net, data, streams.rgb_clip)
    logits = streams.logits_of(net, data, streams.rgb_clip, batch_size=2)
    with torch.no_grad():
        assert torch.allclose(net.fc(features), logits, atol=1e-5)
        ours = CourseClips(net)(data["clip"])
    assert torch.allclose(ours, logits, atol=1e-5)


def test_paths_in_a_batch_do_no_harm():
    data = {"clip": torch.rand(2, 3, 4, 16, 16), "action": torch.zeros(2),
            "path": ["a.mp4", "b.mp4"]}  # fmt: skip
    net = make_stream(SmallNet(4), 3, video=True)
    assert streams.logits_of(net, data, streams.rgb_clip).shape == (2, 3)


def test_image_networks_of_the_scales():
    small, large = fresh_base(SETTINGS["gpu"], 3, 0), fresh_base(SETTINGS["full"], 3, 0)
    assert isinstance(small, SmallNet) and small.fc.in_features == 256
    assert isinstance(large, InceptionV1) and large.fc.out_features == 3


# Time thinned out


@pytest.mark.parametrize("speed", [2, 6])
def test_dots_drift_by_exactly_so_many_pixels(speed):
    data = drifting_dots(20, speed, seed=3)
    clip, right = data["clip"], data["action"]
    assert clip.shape == (20, 1, 8, 24, 24) and 0 < right.sum() < 20
    for one, goes_right in zip(clip[:, 0], right, strict=True):
        later, earlier = (one[:-1], one[1:]) if goes_right else (one[1:], one[:-1])
        assert torch.equal(later[..., :-speed], earlier[..., speed:])


@pytest.mark.parametrize("kind", THINNINGS)
def test_thinned_nets_answer(kind):
    assert ThinnedNet(kind)(torch.zeros(2, 1, 8, 24, 24)).shape == (2, 2)


def test_other_thinnings_are_refused():
    with pytest.raises(ValueError, match="got 'x'"):
        ThinnedNet("x")
