"""Clips of real videos as a map-style data set that survives unreadable files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from course.video import VideoError, centre_crop, frame_times, probe, read_clip
from course.video import sampling as frames_of

from .beside import Beside, Seen
from .manifest import Manifest, Row, read_manifest

SAMPLINGS = ("random", "centre", "spread", "dense", "segments", "segment_centres")


class UnreadableVideos(RuntimeError):
    """So many videos are unreadable that training on the rest would mislead."""


class VideoClips:
    """One clip per manifest row, drawn anew in every epoch.

    A video that cannot be read does not stop the training: a row drawn from (seed, row)
    stands in, the item's `ok` is False, and the video is counted.  The counts live in
    shared memory, so `unreadable` and `report` in the main process also tell what the
    workers of a `DataLoader` met.  `check` finds such files before the training.

    Args:
        manifest: a `Manifest` or the path of one.
        split: its split, or None for all rows.
        sampling: "random" (one clip anywhere), "centre", "spread" (`clips` clips,
            evenly spread), "dense" (all of the video; batch size 1), "segments"
            (TSN, one random frame a part) or "segment_centres".
        frames: frames of a clip.
        stride: step between them in video frames (not for segments).
        size: a number cuts a centre square of this side (px) after scaling the short
            side to it; a pair (height, width) scales to exactly that.
        clips: clips per item for "spread".
        seed: of the draws; an item depends on (seed, epoch, row), not on workers.
        short: "hold" or "loop", how a short video fills a clip.
        max_unreadable: share of unreadable videos above which `UnreadableVideos` is
            raised (one is always allowed, all never).
        beside: readers of what scripts left beside the videos, such as `SceneLabels()`
            and `HumanMasks()` of `course.datasets.beside`; a file of theirs that is
            damaged makes its video an unreadable one.

    Raises:
        ValueError: an unknown sampling or split, or counts below 1; files beside the
            videos are missing (names the script that makes them).

    An item is a dict: `clip` float32 (3, T, H, W) in [0, 1], for "spread" and "dense"
    (clips, 3, T, H, W); `frames` int64 (T,) or (clips, T), their numbers in the video;
    `action` int (position in `classes`); `path` of the video that was read; `index` of
    the row asked for; `ok`, False if another row stands in; what `beside` reads.

    >>> videos = VideoClips(Manifest((Row("a.mp4", "bow"),), Path("nowhere")), "train")
    >>> len(videos), videos.classes, videos.report()
    (1, ('bow',), 'all videos that were asked for could be read')
    """

    def __init__(
        self,
        manifest: Manifest | str | os.PathLike,
        split: str | None = "train",
        sampling: str = "random",
        frames: int = 16,
        stride: int = 1,
        size: int | tuple[int, int] = 112,
        clips: int = 1,
        seed: int = 0,
        short: str = "hold",
        max_unreadable: float = 0.1,
        beside: Sequence[Beside] = (),
    ):
        if not isinstance(manifest, Manifest):
            manifest = read_manifest(manifest)
        if sampling not in SAMPLINGS:
            raise ValueError(f"sampling must be one of {SAMPLINGS}, got {sampling!r}")
        if min(frames, stride, clips) < 1:
            counts = f"frames {frames}, stride {stride}, clips {clips}"
            raise ValueError(f"counts must be at least 1, got {counts}")
        self.manifest, self.rows = manifest, manifest.select(split)
        self.classes = manifest.classes
        self.sampling, self.frames, self.stride = sampling, frames, stride
        self.size, self.clips, self.seed, self.short = size, clips, seed, short
        self.max_unreadable, self.beside = max_unreadable, tuple(beside)
        for reader in self.beside:
            reader.check(manifest, self.rows)
        # Shared with the workers, whether they are forked or started afresh.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()
        self._failed = torch.zeros(len(self.rows), dtype=torch.bool).share_memory_()
        self._causes: dict[int, VideoError] = {}

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose clips are drawn (also for running workers)."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict:
        return self.item_of_epoch(index, int(self._epoch))

    def item_of_epoch(self, index: int, epoch: int) -> dict:
        """An item of an epoch, whichever `set_epoch` chose: `fit` asks for it so."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        index = index % len(self)
        rng = np.random.default_rng([self.seed, epoch, index])
        found, used = self._read(index, rng), index
        # The stand-in is the same in every epoch: it depends on seed and row alone.
        others = np.random.default_rng([self.seed, index]).permutation(len(self))
        for used_instead in others if found is None else ():
            if not self._failed[used_instead]:
                found, used = self._read(int(used_instead), rng), int(used_instead)
            if found is not None:
                break
        if found is None:
            raise UnreadableVideos(f"no video can be read: {self.report()}")
        row = self.rows[used]
        return {
            **found,
            "action": self.classes.index(row.label),
            "path": str(self.manifest.file(row)),
            "index": index,
            "ok": used == index,
        }

    @property
    def unreadable(self) -> list[VideoError]:
        """The errors of all rows that could not be read so far, by all workers."""
        failed = torch.nonzero(self._failed)[:, 0].tolist()
        return [self._cause(index) for index in failed]

    def report(self) -> str:
        """Say how many videos were unreadable, which and why."""
        errors = self.unreadable
        if not errors:
            return "all videos that were asked for could be read"
        head = f"{len(errors)} of {len(self)} videos cannot be read:"
        lines = [f"  {error}" for error in errors[:20]]
        more = [f"  ... and {len(errors) - 20} more"] if len(errors) > 20 else []
        return "\n".join([head, *lines, *more])

    def _cause(self, index: int) -> VideoError:
        """A worker's error stayed in the worker: meet it again here."""
        if index not in self._causes:
            row = self.rows[index]
            try:
                self._seen(row, np.random.default_rng(0))
                cause = "could not be read in a worker, but can be now"
                self._causes[index] = VideoError(self.manifest.file(row), cause)
            except VideoError as error:
                self._causes[index] = error
        return self._causes[index]

    def _read(self, index: int, rng: np.random.Generator) -> dict | None:
        try:
            return self._seen(self.rows[index], rng)
        except VideoError as error:
            self._causes[index] = error
            self._failed[index] = True
        bad = int(self._failed.sum())
        if bad == len(self) or bad > max(1, self.max_unreadable * len(self)):
            raise UnreadableVideos(f"too many to go on: {self.report()}")
        return None

    def _seen(self, row: Row, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        """A clip of a row, its frames' numbers, and what lies beside the video."""
        file = self.manifest.file(row)
        first, count = _part(file, row)
        numbers = first + self._sample(count, rng)
        frames = read_clip(file, numbers.ravel(), self.size)
        clip = torch.from_numpy(frames).permute(3, 0, 1, 2)
        crop = self.size if isinstance(self.size, int) else None
        if crop is not None:
            clip = centre_crop(clip, crop)
        clip = clip.to(torch.float32).div_(255)
        if numbers.ndim == 2:
            clip = clip.unflatten(1, numbers.shape).transpose(0, 1)
        found = {"clip": clip.contiguous(), "frames": torch.from_numpy(numbers)}
        seen = Seen(file, numbers, frames.shape[1:3], crop)
        for reader in self.beside:
            found |= reader.read(seen)
        return found

    def _sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        clip = (count, self.frames, self.stride)
        if self.sampling == "random":
            return frames_of.random_clip(*clip, rng=rng, short=self.short)
        if self.sampling == "centre":
            return frames_of.centre_clip(*clip, short=self.short)
        if self.sampling == "spread":
            return frames_of.spread_clips(*clip, clips=self.clips, short=self.short)
        if self.sampling == "dense":
            return frames_of.dense_clips(*clip, short=self.short)
        draws = rng if self.sampling == "segments" else None
        return frames_of.segment_frames(count, self.frames, draws)


def check(manifest: Manifest, split: str | None = None) -> list[VideoError]:
    """Look at every video of a manifest before the training, without decoding it all.

    Args:
        manifest: the table.
        split: one split, or None for all.

    Returns:
        One `VideoError` per row whose file is missing, cut or no video, or whose start
        and end enclose no frame. Damage amid a video may stay unseen.

    >>> [error.cause for error in check(Manifest((Row("a.mp4", "bow"),), Path("no")))]
    ['no such file']
    """
    errors = []
    for row in manifest.select(split):
        try:
            probe(manifest.file(row))
            _part(manifest.file(row), row)
        except VideoError as error:
            errors.append(error)
    return errors


def _part(file: Path, row: Row) -> tuple[int, int]:
    """The first frame and the number of frames between the row's start and end."""
    times = frame_times(file)
    slack = 1e-6  # seconds: 1.0 and 0.9999999 are the same frame
    start = -slack if row.start is None else row.start - slack
    end = np.inf if row.end is None else row.end - slack
    first, last = np.searchsorted(times, [start, end]).tolist()
    if last <= first:
        span = f"{row.start or 0:g} s and {row.end or times[-1]:g} s"
        raise VideoError(file, f"no frame lies between {span}")
    return first, last - first
