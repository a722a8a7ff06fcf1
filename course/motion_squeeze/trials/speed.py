"""How long things take: a training step, a test, and the extraction of TV-L1 flow.

Times that are noted beside a training depend on what else the machine does meanwhile.
Here all networks take turns in one process, round after round, on one thread, and of
each thing's rounds the quickest counts, since nothing makes a computer quicker than it
is.

Source: the paper's comparison of MSNet with two-stream networks; the times are ours.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course.evaluation.order import Inputs, logits_of
from course.motion_squeeze.inputs import STACK, five_flows, flow_to_next, frames
from course.motion_squeeze.scales import Settings
from course.motion_squeeze.trainings import make_world, network
from course.motion_squeeze.trials.two_streams import extract
from course.scale import seed_everything
from course.training import TrainSettings, fit
from course.training.classify import classify

ROUNDS = 5  # after one that warms up
TESTED = 64  # clips at a time, as at every test
EXTRACTED = 3  # clips whose flow is computed in each round


class Stream(NamedTuple):
    """A network by name and what it is given: `key` of a batch, made `channels`."""

    network: str
    channels: int
    inputs: Inputs
    key: str


STREAMS = {
    "tsn": Stream("tsn", 3, frames, "clip"),
    "tsm": Stream("tsm", 3, frames, "clip"),
    "msnet": Stream("msnet", 3, frames, "clip"),
    "flow": Stream("tsn", 2, flow_to_next, "flow"),
    "five_flows": Stream("tsn", 2 * STACK, five_flows, "dense_flow"),
}


def speed(settings: Settings, seed: int, device: torch.device) -> dict[str, float]:
    """Training time and throughput of each network, and what TV-L1 flow takes.

    Args:
        settings: of the scale.
        seed: of the weights and of the clips whose flow is computed.
        device: of the networks; flow is computed on the CPU.

    Returns:
        `train_seconds_NAME`: a step's time as often as the recipe has steps;
        `clips_per_second_NAME` at the test; NAME as in `STREAMS`.  With OpenCV also
        `tvl1_clips_per_second` and `extraction_seconds`, of all clips for training and
        test together.
    """
    clips = max(TESTED, settings.recipe.batch_size)
    data = _noise(settings, seed, clips)
    watches = _extractions(settings, seed)
    for name, stream in STREAMS.items():
        net = network(stream.network, settings, seed, stream.channels).to(device)
        given = {"action": data["action"], stream.key: data[stream.key]}
        todo = net, given, stream.inputs
        watches[f"train_{name}"] = partial(_step_seconds, *todo, settings.recipe)
        watches[f"test_{name}"] = partial(_test_seconds, *todo)
    with one_thread():
        return _found(quickest(watches, ROUNDS), settings)


def quickest(
    watches: Mapping[str, Callable[[], float]], rounds: int
) -> dict[str, float]:
    """The least that each watch shows, over rounds in which all take turns.

    Args:
        watches: name -> does its work once and says how many seconds it took.
        rounds: that count, after one that does not; each begins with the next watch.

    Returns:
        name -> seconds.

    Raises:
        ValueError: if no round counts.

    >>> shown = iter([0.1, 3.0, 2.0])
    >>> quickest({"a": lambda: next(shown)}, rounds=2)
    {'a': 2.0}
    """
    if rounds < 1:
        raise ValueError(f"at least one round must count, got {rounds}")
    names, best = list(watches), dict.fromkeys(watches, math.inf)
    for done in range(rounds + 1):
        first = done % len(names)
        for name in names[first:] + names[:first]:
            seconds = watches[name]()
            if done:
                best[name] = min(best[name], seconds)
    return best


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch and, if it is there, OpenCV compute on one thread inside the block.

    >>> with one_thread():
    ...     torch.get_num_threads()
    1
    """
    threads: list[tuple[Callable, int]] = [
        (torch.set_num_threads, torch.get_num_threads())
    ]
    with suppress(ImportError):
        import cv2

        threads.append((cv2.setNumThreads, cv2.getNumThreads()))
    try:
        for set_to, _ in threads:
            set_to(1)
        yield
    finally:
        for set_to, before in threads:
            set_to(before)


def _found(quickest: Mapping[str, float], settings: Settings) -> dict[str, float]:
    """What the run reports of each watch's quickest time."""
    found: dict[str, float] = {}
    steps = settings.recipe.planned_steps(settings.clips)
    for name in STREAMS:
        found[f"train_seconds_{name}"] = steps * quickest[f"train_{name}"]
        found[f"clips_per_second_{name}"] = TESTED / quickest[f"test_{name}"]
    flows = [seconds for name, seconds in quickest.items() if name.startswith("tvl1")]
    if flows:
        each = sum(flows) / len(flows)
        found["tvl1_clips_per_second"] = 1.0 / each
        found["extraction_seconds"] = each * (settings.clips + settings.test_clips)
    return found


def _noise(settings: Settings, seed: int, clips: int) -> dict[str, Tensor]:
    """Random clips and flow, of the world's shapes and types.

    A network's time does not depend on what it sees.  TV-L1's does, which goes on until
    its estimate is good enough; that has clips of the world (`_extractions`).
    """
    seed_everything(seed)
    knobs = settings.knobs
    (height, width), times = knobs.frame_size, knobs.frames
    levels = torch.randint(256, (clips, 3, times, height, width), dtype=torch.uint8)
    flow = torch.rand(clips, 2, STACK * times - 1, height, width).half()
    return {
        "action": torch.randint(len(knobs.action_names), (clips,)),
        "clip": levels,
        "flow": flow[:, :, : times - 1].contiguous(),
        "dense_flow": flow,
    }


def _step_seconds(
    net: nn.Module, data: dict[str, Tensor], inputs: Inputs, recipe: TrainSettings
) -> float:
    """A step of the course's training loop: the second of two, as the first sets up."""
    device, ends = next(net.parameters()).device, []

    def note(*_) -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        ends.append(time.perf_counter())

    two = replace(recipe, epochs=None, steps=2)
    fit(net, data, classify(inputs), two, device=device, on_step=note, progress=False)
    return ends[1] - ends[0]


def _test_seconds(net: nn.Module, data: dict[str, Tensor], inputs: Inputs) -> float:
    """One batch at the test, up to its class scores on the CPU."""
    batch = {key: value[:TESTED] for key, value in data.items()}
    begun = time.perf_counter()
    logits_of(net, batch, inputs, TESTED)
    return time.perf_counter() - begun


def _extractions(settings: Settings, seed: int) -> dict[str, Callable[[], float]]:
    """A watch for the flow of each of a few clips; none where OpenCV is absent."""
    clips = make_world(settings, "test", seed, EXTRACTED).tensors(("clip",))["clip"]
    try:
        extract(clips[:1])
    except ImportError:
        return {}
    return {
        f"tvl1_{number}": partial(_extraction_seconds, clip[None])
        for number, clip in enumerate(clips)
    }


def _extraction_seconds(clip: Tensor) -> float:
    begun = time.perf_counter()
    extract(clip)
    return time.perf_counter() - begun
