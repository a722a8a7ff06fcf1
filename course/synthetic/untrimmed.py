"""SynthUntrimmed: long videos in which actions begin and end.

The timelines are *sampled*, none is copied: video length, share of time that is action,
length of an instance and the rate of videos with two classes follow the statistics of
THUMOS14's training set (200 videos), which this table holds.

    video length     median 150 s, mean 209 s, longest 1409 s
    action share     median 22 %, mean 29 %, 10th to 90th percentile 8 .. 58 %
    instance length  median 2.9 s, 18 % shorter than two snippets (1.28 s)
    two classes      27 of 200 videos

Known difference: THUMOS14's two-class videos are mostly one event with two names
(CliffDiving is also Diving); here the two classes take turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log
from typing import NamedTuple

import numpy as np
import torch

from course.draws import Draws
from course.synthetic.actions import ACTIONS, Tempo, idle
from course.synthetic.actors import build_parts
from course.synthetic.clips import pairing
from course.synthetic.knobs import Knobs, make_knobs
from course.synthetic.stage import Stage, tempo_of

# Log-normal laws: median and the standard deviation of the logarithm.
VIDEO_SECONDS = (150.0, 0.81)
ACTION_SHARE = (0.22, 0.757)
INSTANCE_SECONDS = (2.9, 0.909)
TWO_CLASSES = 27 / 200
SHORTEST, LONGEST = 20.0, 1409.0


class Segment(NamedTuple):
    """One instance of an action: start and end in seconds, action as a label."""

    start: float
    end: float
    action: int


@dataclass(frozen=True)
class Timeline:
    """When what happens in a video of `seconds` seconds."""

    seconds: float
    segments: tuple[Segment, ...]

    def labels(self) -> list[int]:
        """The actions that occur, sorted: all that weak supervision knows."""
        return sorted({s.action for s in self.segments})

    def at(self, times: np.ndarray) -> np.ndarray:
        """The action at each time, -1 for none."""
        out = np.full(len(times), -1, np.int64)
        for s in self.segments:
            out[(times >= s.start) & (times < s.end)] = s.action
        return out


class SynthUntrimmed(torch.utils.data.Dataset):
    """Map-style data set of untrimmed videos.

    Args:
        split: train or test.
        num_videos: how many.
        seed: the world's seed.
        time_scale: all times of the statistics are multiplied by it (0.2 for a quick
        look;
            instances then hold fewer frames unless `frame_rate` rises).
        device: where pixels are computed.
        knobs, **changes: as for `SynthActions`; `frames` is ignored.

    Item i is a dict: `clip` float (3, T, H, W), `segments` (list of `Segment`),
    `labels`, `frame_action` int (T,) with -1 for none, `scene` int, `frame_rate`,
    `seconds`.
    `timelines` holds every video's `Timeline` without rendering anything.

    Raises:
        ValueError: for an unknown split or knob or a value out of range.

    >>> videos = SynthUntrimmed(num_videos=3, time_scale=0.1, size=16)
    >>> item = videos[0]
    >>> item["clip"].shape[1] == len(item["frame_action"])
    True
    """

    def __init__(
        self, split: str = "train", num_videos: int = 200, seed: int = 0,
        time_scale: float = 1.0, device: torch.device | str = "cpu",
        knobs: Knobs | None = None, **changes,
    ):  # fmt: skip
        if split not in ("train", "test"):
            raise ValueError(f"split must be train or test, got {split!r}")
        if num_videos < 1 or time_scale <= 0:
            raise ValueError(
                f"needs videos and time, got {num_videos} and {time_scale}"
            )
        self.knobs, self.device = make_knobs(knobs, **changes), torch.device(device)
        if self.knobs.clips_per_video != 1:
            raise ValueError(
                "an untrimmed video is one clip: clips_per_video must be 1"
            )
        self.split, self.seed, self.time_scale = split, seed, time_scale
        self.action_names, self.scene_names = (
            self.knobs.action_names,
            self.knobs.scene_names,
        )
        self._draws = Draws(seed, np.arange(num_videos), f"untrimmed/{split}/")
        classes = len(self.action_names)
        self.own_scene = pairing(seed, classes, len(self.scene_names))
        self.timelines = [
            sample_timeline(self._one(i), i % classes, classes, time_scale)
            for i in range(num_videos)
        ]
        home = self._draws.bernoulli("at_home", self.knobs.scene_correlation)
        anywhere = self._draws.integer("anywhere", len(self.scene_names))
        own = self.own_scene[np.arange(num_videos) % classes]
        self.scenes = np.where(home, own, anywhere)

    def _one(self, index: int) -> Draws:
        return Draws(self.seed, [index], self._draws.scope)

    def __len__(self) -> int:
        return len(self.timelines)

    def __getitem__(self, index: int) -> dict:
        index = int(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"video {index} of a data set of {len(self)} videos")
        index %= len(self)
        line = self.timelines[index]
        times = self.frame_times(index)
        clip = torch.cat([self._render(index, part) for part in _chunks(times, 256)], 1)
        return {
            "clip": clip.float() / 255.0, "segments": list(line.segments),
            "labels": line.labels(), "frame_action": torch.as_tensor(line.at(times)),
            "scene": int(self.scenes[index]), "frame_rate": self.knobs.frame_rate,
            "seconds": line.seconds,
        }  # fmt: skip

    def frame_times(self, index: int) -> np.ndarray:
        """Seconds of each frame's middle, (T,)."""
        count = max(1, ceil(self.timelines[index].seconds * self.knobs.frame_rate))
        return (np.arange(count) + 0.5) / self.knobs.frame_rate

    def _render(self, index: int, times: np.ndarray) -> torch.Tensor:
        """Frames (3, T, H, W) uint8 of a stretch of one video."""
        draws = self._one(index)
        poses = self._perform(index, times, draws)
        scene = np.asarray([self.scene_names[self.scenes[index]]])
        # The scene's clock and the sensor's noise go on from stretch to stretch.
        stage = Stage(
            self.knobs, draws, poses, scene, device=self.device, begin=times[0]
        )
        return stage.render({"clip"})["clip"][0]

    def _perform(self, index: int, times: np.ndarray, draws: Draws) -> dict:
        shape = (1, len(times))
        tempo = tempo_of(self.knobs, draws)
        parts = build_parts(idle(times[None], tempo), shape)
        for segment in self.timelines[index].segments:
            now = (times >= segment.start) & (times < segment.end)
            if not now.any():
                continue
            action = ACTIONS[self.action_names[segment.action]]
            length = segment.end - segment.start
            middle = times[now][None] - 0.5 * (segment.start + segment.end)
            own = Tempo(
                tempo.speed, 0.0 * tempo.offset, tempo.phase, tempo.vigour, length
            )
            acted = build_parts(action(middle, own), middle.shape)
            for key in ("centre", "angle", "shown", "front", "prop"):
                parts[key][:, now] = acted[key]
            shown = acted["shown"].any((0, 1))
            for key in ("half", "corner"):
                parts[key][:, shown] = acted[key][:, shown]
        return parts


def sample_timeline(
    draws: Draws, main: int, classes: int, scale: float = 1.0
) -> Timeline:
    """A timeline for one video: length, share of action, instances, gaps.

    Args:
        draws: of a single item.
        main: the video's action label.
        classes: number of actions to draw a second one from.
        scale: factor on all times.
    """
    seconds = float(
        np.clip(_log_normal(draws, "seconds", VIDEO_SECONDS), SHORTEST, LONGEST)
    )
    share = min(0.9, _log_normal(draws, "share", ACTION_SHARE))
    lengths: list[float] = []
    while sum(lengths) < share * seconds and len(lengths) < 400:
        lengths.append(_log_normal(draws, f"length.{len(lengths)}", INSTANCE_SECONDS))
    lengths = _trim(lengths, share * seconds)
    gaps = [
        -log(1.0 - float(draws.uniform(f"gap.{i}")[0])) for i in range(len(lengths) + 1)
    ]
    idle_time = seconds - sum(lengths)
    gaps = [g * idle_time / sum(gaps) for g in gaps]
    other = (main + 1 + int(draws.integer("second", max(classes - 1, 1))[0])) % classes
    two = bool(draws.bernoulli("two_classes", TWO_CLASSES)[0]) and classes > 1
    segments, now = [], 0.0
    for i, (gap, length) in enumerate(zip(gaps[:-1], lengths, strict=True)):
        now += gap
        action = other if two and (i % 2 == 1 or len(lengths) == 1) else main
        segments.append(Segment(scale * now, scale * (now + length), action))
        now += length
    return Timeline(scale * seconds, tuple(segments))


def _trim(lengths: list[float], total: float) -> list[float]:
    """Shorten the last instance so that the share is met, to half a second at most."""
    over = sum(lengths) - total
    return [*lengths[:-1], max(0.5, lengths[-1] - over)]


def _log_normal(draws: Draws, name: str, law: tuple[float, float]) -> float:
    median, spread = law
    return float(median * np.exp(spread * draws.normal(name)[0]))


def _chunks(times: np.ndarray, size: int) -> list[np.ndarray]:
    return [times[i : i + size] for i in range(0, len(times), size)]
