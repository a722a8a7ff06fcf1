"""The run that measures times: who takes turns with whom, and what it adds up."""

from __future__ import annotations

import builtins
import math
import sys
from dataclasses import replace

import pytest
import torch

from course.motion_squeeze import trainings
from course.motion_squeeze.networks import FrameNetwork
from course.motion_squeeze.scales import SETTINGS
from course.motion_squeeze.trials import speed as timing
from course.motion_squeeze.trials.speed import STREAMS, one_thread, quickest, speed

CPU = torch.device("cpu")
KNOBS = replace(SETTINGS["cpu"].knobs, size=32)
RECIPE = replace(SETTINGS["cpu"].recipe, batch_size=4)
TINY = replace(
    SETTINGS["cpu"], knobs=KNOBS, recipe=RECIPE, clips=40, test_clips=10
)  # 10 steps an epoch, 12 epochs


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(timing, "ROUNDS", 1)
    monkeypatch.setattr(timing, "TESTED", 3)
    monkeypatch.setattr(timing, "EXTRACTED", 1)


def promised(*more):
    names = [f"{what}_{name}" for what in ("train_seconds", "clips_per_second")
             for name in STREAMS]  # fmt: skip
    return {*names, *more}


def test_the_run_gives_what_it_promises():
    found = speed(TINY, 3, CPU)
    assert set(found) == promised("tvl1_clips_per_second", "extraction_seconds")
    assert all(math.isfinite(value) and value > 0 for value in found.values())
    total = 50 / found["tvl1_clips_per_second"]
    assert found["extraction_seconds"] == pytest.approx(total)


@pytest.mark.parametrize("absent", ["cv2", "its contrib modules"])
def test_without_opencv_the_flow_s_times_are_left_out(absent, monkeypatch):
    cv2 = pytest.importorskip("cv2")
    if absent == "cv2":
        usual = builtins.__import__
        monkeypatch.delitem(sys.modules, "cv2")

        def no_cv2(name, *given, **named):
            if name == "cv2":
                raise ImportError(name)
            return usual(name, *given, **named)

        monkeypatch.setattr(builtins, "__import__", no_cv2)
    else:
        monkeypatch.delattr(cv2, "optflow")
    assert set(speed(TINY, 3, CPU)) == promised()


def test_numbers_are_made_of_the_quickest_rounds():
    seconds = {f"train_{name}": 0.5 + i for i, name in enumerate(STREAMS)}
    seconds |= {f"test_{name}": 0.25 + i for i, name in enumerate(STREAMS)}
    found = timing._found({**seconds, "tvl1_0": 1.0, "tvl1_1": 4.0}, TINY)
    assert found["train_seconds_tsn"] == 0.5 * 120  # 40 clips / 4, 12 times
    assert found["train_seconds_five_flows"] == 4.5 * 120
    assert found["clips_per_second_tsm"] == 3 / 1.25
    assert found["tvl1_clips_per_second"] == 1 / 2.5
    assert found["extraction_seconds"] == 2.5 * (40 + 10)


def test_all_take_turns_and_the_first_round_does_not_count():
    order = []

    def watch(name, shown):
        def read():
            order.append(name)
            return times.pop(0)

        times = list(shown)
        return read

    watches = {
        "a": watch("a", [0.1, 5.0, 4.0, 6.0]),
        "b": watch("b", [9.0, 2.0, 3.0, 2.5]),
        "c": watch("c", [0.0, 7.0, 7.0, 1.0]),
    }
    assert quickest(watches, 3) == {"a": 4.0, "b": 2.0, "c": 1.0}
    assert "".join(order) == "abcbcacababc"
    with pytest.raises(ValueError, match="one round must count, got 0"):
        quickest(watches, 0)


def test_a_step_is_one_of_the_recipe_s_and_a_test_one_batch(monkeypatch):
    seen = []
    usual = FrameNetwork.forward

    def noted(net, clips):
        seen.append((net.training, tuple(clips.shape), torch.get_num_threads()))
        return usual(net, clips)

    monkeypatch.setattr(FrameNetwork, "forward", noted)
    monkeypatch.setattr(timing, "_extractions", lambda *_: {})
    speed(TINY, 3, CPU)
    shapes = {(s.channels, 5, 32, 32) for s in STREAMS.values()}
    steps = {(True, (4, *shape), 1) for shape in shapes}
    tests = {(False, (3, *shape), 1) for shape in shapes}
    assert set(seen) == steps | tests
    assert len(seen) == len(STREAMS) * 2 * (2 + 1)  # rounds x (two steps and a test)


def test_a_step_changes_the_weights():
    net = trainings.network("tsn", TINY, 3)
    weight = next(net.parameters())
    before = weight.detach().clone()
    data = timing._noise(TINY, 3, 4)
    given = {key: data[key] for key in ("action", "clip")}
    taken = timing._step_seconds(net, given, STREAMS["tsn"].inputs, RECIPE)
    assert 0 < taken < 60 and not torch.equal(weight, before)


def test_noise_has_the_world_s_shapes_and_types():
    few = replace(TINY, test_clips=2)
    world = trainings.tested_on(few, 3)
    world["dense_flow"] = trainings.dense_flow(few, "test", 3, 2)
    noise = timing._noise(few, 3, 2)
    for key, values in world.items():
        assert noise[key].shape == values.shape and noise[key].dtype == values.dtype


def test_the_number_of_threads_comes_back():
    cv2 = pytest.importorskip("cv2")
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(RuntimeError, match="inside"), one_thread():
            assert (torch.get_num_threads(), cv2.getNumThreads()) == (1, 1)
            raise RuntimeError("inside")
        assert torch.get_num_threads() == 2 and cv2.getNumThreads() == before[1]
    finally:
        torch.set_num_threads(before[0])


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["gpu", "full"])
def test_large_scales_are_timed_on_a_cpu(scale, monkeypatch):
    """So that no scale rots: two clips a batch, frames of 64 px."""
    full = SETTINGS[scale]
    knobs, recipe = replace(full.knobs, size=64), replace(full.recipe, batch_size=2)
    monkeypatch.setattr(timing, "TESTED", 2)
    found = speed(replace(full, knobs=knobs, recipe=recipe, clips=4), 3, CPU)
    assert promised() <= set(found) and all(map(math.isfinite, found.values()))
