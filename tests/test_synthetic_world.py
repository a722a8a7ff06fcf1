"""SynthActions: splits, knobs, exact truth, determinism, cache."""

import numpy as np
import pytest
import torch

from course.evaluation import warp
from course.synthetic import ACTIONS, REVERSALS, SCENES, SynthActions, SynthUntrimmed
from course.synthetic.actions import Tempo
from course.synthetic.actors import PARTS
from course.synthetic.knobs import DEFAULT_SCENES, make_knobs

STILL = {"noise": 0.0, "camera_pan": 0.0, "background_motion": 0.0}
SMALL = {"frames": 4, "size": 24}


def clips(split="test", keys=("clip",), count=16, **knobs):
    world = SynthActions(split, count, **{**SMALL, **knobs})
    return world, world.render(range(count), keys)


# ------------------------------------------------------------------ contract of an item
def test_an_item_has_the_contracts_shapes_and_types():
    world = SynthActions("train", 3, frames=5, size=(20, 28))
    item = world[1]
    assert item["clip"].shape == (3, 5, 20, 28) and item["clip"].dtype == torch.float32
    assert 0 <= item["clip"].min() and item["clip"].max() <= 1
    assert item["mask"].shape == (5, 20, 28) and item["mask"].dtype == torch.bool
    assert item["flow"].shape == (2, 4, 20, 28) and item["flow"].is_floating_point()
    assert item["flow_valid"].shape == (4, 20, 28)
    assert item["flow_valid"].dtype == torch.bool
    assert isinstance(item["action"], int) and isinstance(item["scene"], int)
    assert len(world) == 3 and torch.equal(world[-2]["clip"], item["clip"])
    with pytest.raises(IndexError, match="item 3"):
        world[3]


def test_a_single_frame_has_no_flow():
    item = SynthActions("train", 1, frames=1, size=16)[0]
    assert item["flow"].shape == (2, 0, 16, 16)


# ---------------------------------------------------------------------- same draws
# always
def test_an_item_does_not_depend_on_its_batch():
    keys = ("clip", "mask", "flow", "flow_valid")
    world, batch = clips(keys=keys, count=12, camera_jitter=0.01, occluder=0.5)
    for i in (0, 7, 11):
        alone = world.render([i], keys)
        assert torch.equal(alone["mask"][0], batch["mask"][i])
        difference = alone["clip"][0].int() - batch["clip"][i].int()
        assert difference.abs().max() <= 1
        assert torch.allclose(alone["flow"][0], batch["flow"][i], atol=1e-3)


def test_one_knob_leaves_every_other_draw_alone():
    _, a = clips(keys=("mask", "action"))
    _, b = clips(keys=("mask", "action"), scene_correlation=0.1, noise=0.2)
    assert torch.equal(a["mask"], b["mask"]) and torch.equal(a["action"], b["action"])


def test_seeds_and_splits_are_different_worlds():
    masks = [clips(s, ("mask",), seed=seed)[1]["mask"] for s in ("train", "val", "test")
             for seed in (0, 1)]  # fmt: skip
    for i, a in enumerate(masks):
        assert not any(torch.equal(a, b) for b in masks[i + 1 :])
    pairings = {tuple(SynthActions("train", 1, seed=s).own_scene) for s in range(8)}
    assert len(pairings) > 1


def test_pictures_are_those_of_this_world_version():
    """A change of pixels must come with a new WORLD_VERSION (and new numbers here)."""
    world = SynthActions("train", 32, seed=5, num_actions=16, num_scenes=16)
    batch = world.render(range(32), ("clip", "mask"))
    means = batch["clip"].float().mean(dim=(0, 2, 3, 4)).numpy()
    share = batch["mask"].float().mean().item()
    assert np.allclose(means, GOLDEN_MEANS, atol=0.05), means.tolist()
    assert share == pytest.approx(GOLDEN_SHARE, abs=1e-4), share


GOLDEN_MEANS = (154.73300170898438, 150.2480010986328, 140.76300048828125)
GOLDEN_SHARE = 0.177528


# ------------------------------------------------------------------------------- splits
def test_scene_correlation_is_the_probability_of_the_own_scene():
    for rho in (0.0, 0.5, 0.9, 1.0):
        world = SynthActions("train", 4000, scene_correlation=rho)
        home = (world.scenes == world.own_scene[world.actions]).mean()
        assert home == pytest.approx(rho + (1 - rho) / 8, abs=0.03)


def test_swapped_scenes_belong_to_another_action():
    world = SynthActions("swapped", 2000)
    assert not (world.scenes == world.own_scene[world.actions]).any()
    assert set(world.scenes) == set(world.own_scene)


def test_test_splits_differ_only_in_scenery():
    _, test = clips("test", ("mask", "action"))
    for split in ("swapped", "uncorrelated", "actor_only"):
        _, other = clips(split, ("mask", "action"))
        assert torch.equal(test["mask"], other["mask"])
        assert torch.equal(test["action"], other["action"])


def test_background_only_is_the_test_split_without_actor():
    world, gone = clips("background_only", ("clip", "mask"), noise=0.0)
    _, test = clips("test", ("background", "mask", "clip"), noise=0.0)
    assert not gone["mask"].any()
    assert torch.equal(gone["clip"], test["background"])
    outside = ~test["mask"][:, None].expand_as(test["clip"])
    same = (test["clip"] == test["background"])[outside].float().mean()
    assert same > 0.9 and (test["clip"] != test["background"]).any()


def test_actor_only_has_no_scenery():
    _, only = clips("actor_only", ("clip", "mask"), noise=0.0)
    grey = (only["clip"].float() - 128).abs().amax(1) <= 1
    assert grey[~only["mask"]].float().mean() > 0.85
    assert grey[only["mask"]].float().mean() < 0.1


def test_static_repeats_the_middle_frame():
    _, still = clips("static", ("clip", "mask", "flow"), noise=0.05)
    _, test = clips("test", ("clip", "mask"), noise=0.05)
    assert torch.equal(still["clip"][:, :, 0], still["clip"][:, :, 3])
    assert torch.equal(still["clip"][:, :, 1], test["clip"][:, :, 2])
    assert torch.equal(still["mask"][:, 3], test["mask"][:, 2])
    assert not still["flow"].any()


# --------------------------------------------------------------------- time reversal
@pytest.mark.parametrize(("first", "second"), REVERSALS)
def test_reversals_show_the_same_frames_backwards(first, second):
    a = SynthActions("train", 6, actions=(first,), **SMALL, **STILL)
    b = SynthActions("train", 6, actions=(second,), **SMALL, **STILL)
    x, y = a.render(range(6), ("clip",))["clip"], b.render(range(6), ("clip",))["clip"]
    assert (x.flip(2).int() - y.int()).abs().max() <= 1
    assert (x.int() - y.int()).abs().max() > 50  # and order does show


def test_a_per_frame_oracle_is_at_chance_within_a_pair():
    """Even an oracle that has seen every frame cannot name the member of a pair."""
    worlds = [
        SynthActions("train", 8, actions=(name,), **SMALL, **STILL)
        for name in REVERSALS[0]
    ]
    frames = [
        w.render(range(8), ("clip",))["clip"].transpose(1, 2).flatten(0, 1).flatten(1)
        for w in worlds
    ]
    distance = torch.cdist(frames[0].float(), frames[1].float())
    # Every frame of one member occurs among the other's: the likelihoods are equal.
    assert distance.min(1).values.max() < 40 and distance.min(0).values.max() < 40
    apart = torch.cdist(frames[0].float(), frames[0].float())
    assert apart.max() > 1000


def test_actions_look_different():
    tempo = Tempo(*(np.full((1, 1), v) for v in (1.0, 0.0, 0.3, 1.0)), 1.6)
    time = np.linspace(-0.8, 0.8, 8)[None]
    poses = {name: np.stack([np.broadcast_to(np.asarray(v, float), (1, 8)) for v in
             (*act(time, tempo).arms, *act(time, tempo).legs)]) for name, act in
             ACTIONS.items()}  # fmt: skip
    names = list(poses)
    assert len(names) >= 12
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            assert np.abs(poses[a] - poses[b]).max() > 3.0, (a, b)


# ------------------------------------------------------------------------ optical flow
def warp_error(world, count):
    batch = world.render(range(count), ("clip", "flow", "flow_valid"))
    clip = batch["clip"].float() / 255
    guess = warp(clip[:, :, 1:], batch["flow"])
    valid = batch["flow_valid"][:, None].expand_as(guess)
    error = (guess - clip[:, :, :-1]).abs()
    plain = (clip[:, :, 1:] - clip[:, :, :-1]).abs()
    return error, plain, valid


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"camera_pan": 0.1, "camera_zoom": 0.2, "camera_jitter": 0.01},
        {"occluder": 1.0, "actor_texture": 0.5},
    ],
    ids=["plain", "camera", "occluder"],
)
def test_warping_by_the_flow_gives_back_the_frame(knobs):
    world = SynthActions("uncorrelated", 32, frames=4, size=64, frame_rate=10.0,
                         num_actions=16, num_scenes=16, noise=0.0, **knobs)  # fmt: skip
    error, plain, valid = warp_error(world, 32)
    assert valid.float().mean() > 0.5
    assert error[valid].mean() < 0.012
    assert torch.quantile(error[valid][::37], 0.99) < 0.15
    moved = valid & (plain > 0.15)
    assert moved.sum() > 500
    assert error[moved].mean() < 0.35 * plain[moved].mean()


def test_a_wrong_flow_would_be_noticed():
    world = SynthActions("test", 8, frames=4, size=64, noise=0.0, camera_pan=0.2)
    batch = world.render(range(8), ("clip", "flow", "flow_valid"))
    clip = batch["clip"].float() / 255
    valid = batch["flow_valid"][:, None].expand_as(clip[:, :, 1:])
    right, wrong = (
        (warp(clip[:, :, 1:], f) - clip[:, :, :-1]).abs()[valid].mean()
        for f in (batch["flow"], -batch["flow"])
    )
    assert wrong > 3 * right


def test_a_panning_camera_moves_a_still_scene_one_way():
    world = SynthActions("actor_only", 1, frames=3, size=32, camera_pan=0.2)
    flow = world[0]["flow"]
    away = ~world[0]["mask"][:-1]
    for axis in range(2):
        assert flow[axis][away].std() < 1e-3
    expected = -world._stage(np.array([0])).camera.centre[0] * 16
    assert flow[0][away].mean() == pytest.approx(np.diff(expected[:, 0])[0], abs=1e-3)


# ------------------------------------------------------------------------------- knobs
def test_every_knob_does_what_its_name_says():
    _, base = clips(keys=("clip", "background", "mask"), noise=0.0)
    _, big = clips(keys=("mask",), actor_size=(0.95, 0.95))
    assert big["mask"].float().mean() > 1.3 * base["mask"].float().mean()
    _, flat = clips(keys=("background",), noise=0.0, background_texture=0.0)
    assert flat["background"].float().std(dim=(2, 3, 4)).max() < 1.0
    _, noisy = clips(keys=("clip",), noise=0.1)
    spread = (noisy["clip"].float() - base["clip"].float()).div(255)
    middle = (base["clip"] > 80) & (base["clip"] < 175)
    assert spread[middle].std() == pytest.approx(0.1, rel=0.1)
    _, hidden = clips(keys=("mask",), occluder=1.0)
    assert hidden["mask"].float().mean() < 0.97 * base["mask"].float().mean()


def test_colour_similarity_hides_the_actor():
    def contrast(similarity):
        _, b = clips(keys=("clip", "background", "mask"), noise=0.0,
                     background_texture=0.0, colour_similarity=similarity)  # fmt: skip
        mask = b["mask"][:, None].expand_as(b["clip"])
        return (b["clip"].float() - b["background"].float())[mask].abs().mean()

    assert contrast(1.0) < 0.5 * contrast(0.0)


def test_outfits_bound_the_wardrobe():
    def colours(outfits, split="train"):
        world = SynthActions(split, 24, frames=1, size=32, outfits=outfits, noise=0.0)
        stage = world._stage(np.arange(24))
        parts = stage._parts(torch.zeros(3, 24, 1, 2, 2))
        shirts = parts["colour"][:, PARTS.index("torso")].numpy().round(4)
        return {tuple(shirt) for shirt in shirts}

    assert len(colours(2)) == 2 and len(colours(None)) == 24
    assert colours(2, "test") == colours(2)  # one wardrobe for the whole world


def test_clips_of_one_video_share_what_a_video_shares():
    world = SynthActions("train", 8, clips_per_video=2, place_drift=0.05)
    stage = world._stage(np.arange(8))
    assert (world.actions[::2] == world.actions[1::2]).all()
    assert (world.scenes[::2] == world.scenes[1::2]).all()
    assert world.video.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    height = stage.cast["height"]
    assert (height[::2] == height[1::2]).all() and len(set(height)) == 4
    parts = stage._parts(torch.zeros(3, 8, 1, 2, 2))
    assert torch.equal(parts["colour"][::2], parts["colour"][1::2])
    assert not np.allclose(stage.cast["angle"][::2], stage.cast["angle"][1::2])


def test_subsets_of_names_make_transfer_sets():
    names = DEFAULT_SCENES[10:13]
    world = SynthActions("train", 9, actions=("kick", "wave", "dance"), scenes=names)
    assert world.action_names == ("kick", "wave", "dance")
    assert world.scene_names == names and set(world.actions) == {0, 1, 2}


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"scene_correlation": 1.2}, "scene_correlation must be in"),
        ({"colour": 1}, "no knob named colour"),
        ({"actions": ("fly",)}, "unknown actions: fly"),
        ({"scenes": ("moon",)}, "unknown scenes: moon"),
        ({"actions": ("kick", "kick")}, "must not repeat"),
        ({"num_actions": 40}, "num_actions must be in 1..16, got 40"),
        ({"size": 4}, "at least 8 pixels, got 4"),
        ({"frames": 0}, "frames must be at least 1, got 0"),
        ({"actor_size": (0.5, 0.4)}, "actor_size must be"),
        ({"noise": -0.1}, "noise must not be negative"),
        ({"split": "dev"}, "split must be one of"),
        ({"num_clips": 0}, "num_clips must be at least 1"),
        ({"frame_rate": 0.0}, "frame_rate must be positive"),
    ],
)
def test_bad_settings_are_named(knobs, message):
    with pytest.raises(ValueError, match=message):
        SynthActions(**knobs)


def test_unknown_keys_are_named():
    with pytest.raises(ValueError, match="depth"):
        SynthActions("train", 1).render([0], ("depth",))


# ------------------------------------------------------------------------------- cache
def test_tensors_are_rendered_once(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    keys = ("clip", "mask", "flow", "action")
    first = SynthActions("train", 6, **SMALL).tensors(keys)
    files = sorted(tmp_path.rglob("*.pt"))
    assert len(files) == 3 and not list(tmp_path.rglob("*.tmp"))
    world = SynthActions("train", 6, **SMALL)
    monkeypatch.setattr(world, "_render_all", lambda *_: pytest.fail("rendered again"))
    again = world.tensors(keys)
    assert all(torch.equal(first[k], again[k]) for k in keys)
    fresh = SynthActions("train", 6, **SMALL).tensors(keys, cache=False)
    assert all(torch.equal(first[k], fresh[k]) for k in keys)
    SynthActions("train", 6, noise=0.5, **SMALL).tensors(("clip",))
    assert len(list(tmp_path.rglob("*.pt"))) == 4


def test_tensors_agree_with_items(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    world = SynthActions("train", 5, **SMALL)
    tensors = world.tensors(("clip", "action", "scene"))
    for i in range(5):
        item = world[i]
        assert (tensors["clip"][i] / 255 - item["clip"]).abs().max() <= 1.01 / 255
        assert tensors["action"][i] == item["action"]
        assert tensors["scene"][i] == item["scene"]


# --------------------------------------------------------------------------- untrimmed
def test_untrimmed_timelines_follow_thumos14():
    """Sampled laws against the data set's printed statistics (200 training videos)."""
    lines = SynthUntrimmed(num_videos=600).timelines
    lengths = np.array([line.seconds for line in lines])
    shares = np.array(
        [sum(s.end - s.start for s in line.segments) / line.seconds for line in lines]
    )
    instances = np.array([s.end - s.start for line in lines for s in line.segments])
    assert np.median(lengths) == pytest.approx(150, rel=0.12)
    assert lengths.mean() == pytest.approx(209, rel=0.12)
    assert np.median(shares) == pytest.approx(0.22, abs=0.03)
    assert shares.mean() == pytest.approx(0.29, abs=0.03)
    assert np.percentile(shares, [10, 90]) == pytest.approx([0.08, 0.58], abs=0.06)
    assert np.median(instances) == pytest.approx(2.9, rel=0.1)
    assert (instances < 1.28).mean() == pytest.approx(0.184, abs=0.03)
    assert np.mean([len(line.segments) for line in lines]) == pytest.approx(15, rel=0.2)
    two = np.mean([len(line.labels()) > 1 for line in lines])
    assert two == pytest.approx(0.135, abs=0.05)


def test_untrimmed_segments_are_in_order_and_inside():
    for line in SynthUntrimmed("test", num_videos=50).timelines:
        edges = [t for s in line.segments for t in (s.start, s.end)]
        assert edges == sorted(edges) and edges[0] >= 0
        assert edges[-1] <= line.seconds + 1e-9


def test_an_untrimmed_video_shows_what_its_segments_say():
    videos = SynthUntrimmed(num_videos=2, time_scale=0.15, size=16, noise=0.0)
    item = videos[0]
    frames = item["clip"].shape[1]
    assert frames == len(item["frame_action"]) == len(videos.frame_times(0))
    times = videos.frame_times(0)
    for s in item["segments"]:
        inside = (times >= s.start) & (times < s.end)
        assert (item["frame_action"].numpy()[inside] == s.action).all()
    idle = item["frame_action"] < 0
    assert idle.any() and (~idle).any()
    assert item["labels"] == sorted({s.action for s in item["segments"]})


def test_stretches_of_an_untrimmed_video_fit_together():
    videos = SynthUntrimmed(num_videos=1, time_scale=0.2, size=16, noise=0.0,
                            camera_pan=0.0)  # fmt: skip
    times = videos.frame_times(0)
    whole, part = videos._render(0, times), videos._render(0, times[10:20])
    assert (whole[:, 10:20].int() - part.int()).abs().max() <= 1


def test_knobs_are_listed_with_help():
    from dataclasses import fields

    assert all(f.metadata.get("help") for f in fields(type(make_knobs())))
    assert len(DEFAULT_SCENES) >= 12 and len(SCENES) == len(DEFAULT_SCENES) + 1
