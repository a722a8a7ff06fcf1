"""SynthActions: short clips of actors in scenes, with the whole truth in every item.

One knob, `scene_correlation`, decides how often an action happens in its *own* scene.
The test splits share their actors, item by item, and differ only in the scenery:

    test             as in training        background_only  the actor is erased
    swapped          another action's      actor_only       the scenery is erased (grey)
    uncorrelated     any scene             static           one frame, repeated
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course.draws import Draws
from course.scale import cache_dir
from course.synthetic.knobs import WORLD_VERSION, Knobs, make_knobs
from course.synthetic.stage import Stage, perform

SPLITS = (
    "train", "val", "test", "swapped", "uncorrelated",
    "background_only", "actor_only", "static",
)  # fmt: skip
ITEM_KEYS = ("clip", "action", "scene", "mask", "flow", "flow_valid")
TENSOR_KEYS = (*ITEM_KEYS, "background", "video")
_LABELS = ("action", "scene", "video")


class SynthActions(torch.utils.data.Dataset):
    """Map-style data set of rendered clips.

    Args:
        split: one of `SPLITS`.
        num_clips: how many clips it has.
        seed: the world's seed: other actors, clothes, scenes and pairing.
        device: where pixels are computed.
        knobs: a `Knobs` table to start from.
        **changes: knobs to turn, such as `scene_correlation=0.5` (see `Knobs`).

    Item i is a dict: `clip` float (3, T, H, W) in [0, 1]; `action`, `scene` int; `mask`
    bool (T, H, W), the actor and what it holds; `flow` float (2, T-1, H, W) px (dx,
    dy); `flow_valid` bool (T-1, H, W).

    Raises:
        ValueError: for an unknown split or knob, or a value out of range.
        IndexError: for an item outside the data set.

    >>> world = SynthActions("test", num_clips=4, frames=3, size=16)
    >>> item = world[0]
    >>> tuple(item["clip"].shape), tuple(item["flow"].shape)
    ((3, 3, 16, 16), (2, 2, 16, 16))
    """

    def __init__(
        self, split: str = "train", num_clips: int = 1024, seed: int = 0,
        device: torch.device | str = "cpu", knobs: Knobs | None = None, **changes,
    ):  # fmt: skip
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}; got {split!r}")
        if num_clips < 1:
            raise ValueError(f"num_clips must be at least 1, got {num_clips}")
        self.split, self.num_clips, self.seed = split, num_clips, seed
        self.knobs, self.device = make_knobs(knobs, **changes), torch.device(device)
        self.action_names = self.knobs.action_names
        self.scene_names = self.knobs.scene_names
        if (
            split == "swapped"
            and min(len(self.action_names), len(self.scene_names)) < 2
        ):
            raise ValueError(
                "the swapped split needs two actions and two scenes or more"
            )
        part = split if split in ("train", "val") else "test"
        self._draws = Draws(seed, np.arange(num_clips), f"{part}/")
        self.own_scene = pairing(seed, len(self.action_names), len(self.scene_names))
        videos = self._draws.grouped(self.knobs.clips_per_video)
        self.video = videos.indices.astype(np.int64)
        self.actions = self.video % len(self.action_names)
        self.scenes = self._cast_scenes(videos.child("casting"))

    def _cast_scenes(self, draws: Draws) -> np.ndarray:
        own = self.own_scene[self.actions]
        anywhere = draws.integer("anywhere", len(self.scene_names))
        if self.split == "uncorrelated":
            return anywhere
        if self.split == "swapped":
            return self._another_scene(draws)
        at_home = draws.bernoulli("at_home", self.knobs.scene_correlation)
        return np.where(at_home, own, anywhere)

    def _another_scene(self, draws: Draws) -> np.ndarray:
        """The own scene of some other action, never one's own."""
        out = np.zeros(self.num_clips, np.int64)
        for action in range(len(self.action_names)):
            others = self.own_scene[self.own_scene != self.own_scene[action]]
            rows = self.actions == action
            out[rows] = draws.choice("other", others)[rows]
        return out

    def __len__(self) -> int:
        return self.num_clips

    def __getitem__(self, index: int) -> dict:
        index = int(index)
        if not -self.num_clips <= index < self.num_clips:
            raise IndexError(f"item {index} of a data set of {self.num_clips} clips")
        batch = self.render([index % self.num_clips], ITEM_KEYS)
        item = {key: value[0] for key, value in batch.items()}
        item["clip"] = item["clip"].float() / 255.0
        return {k: int(v) if k in _LABELS else v for k, v in item.items()}

    def render(
        self, indices: Sequence[int] | np.ndarray, keys: Sequence[str] = ITEM_KEYS
    ) -> dict:
        """Render some items as a batch.

        Args:
            indices: item numbers.
            keys: any of `TENSOR_KEYS`.

        Returns:
            dict of tensors on the data set's device: `clip`, `background` (the clip
            without its actor) uint8 (N, 3, T, H, W); `mask` (N, T, H, W) bool; `flow`
            (N, 2, T-1, H, W); `flow_valid` (N, T-1, H, W); `action`, `scene`, `video`
            (N,).
        """
        unknown = set(keys) - set(TENSOR_KEYS)
        if unknown:
            raise ValueError(f"unknown keys {sorted(unknown)}; known: {TENSOR_KEYS}")
        rows = np.asarray(indices, np.int64)
        labels = {"action": self.actions, "scene": self.scenes, "video": self.video}
        out = {k: torch.as_tensor(labels[k][rows], device=self.device) for k in _LABELS}
        wanted = set(keys) - set(_LABELS)
        if wanted:
            out.update(self._stage(rows).render(wanted))
        if self.split == "static":
            out = {key: _freeze(key, value) for key, value in out.items()}
        return {key: out[key] for key in keys}

    def _stage(self, rows: np.ndarray) -> Stage:
        clips = Draws(self.seed, self._draws.indices[rows], self._draws.scope)
        names = np.asarray(self.action_names)[self.actions[rows]]
        return Stage(
            self.knobs, clips, perform(self.knobs, clips, names),
            np.asarray(self.scene_names)[self.scenes[rows]],
            actor=self.split != "background_only",
            scenery=self.split != "actor_only", device=self.device,
        )  # fmt: skip

    def tensors(
        self, keys: Sequence[str] = ("clip", "action", "scene"), cache: bool = True,
        progress: bool = False,
    ) -> dict[str, Tensor]:  # fmt: skip
        """The whole data set as tensors, rendered once and kept on disk.

        Args:
            keys: any of `TENSOR_KEYS`.
            cache: keep and reuse the rendered arrays under `course.scale.cache_dir()`.
            progress: show a bar on stdout.

        Returns:
            As `render`, on the CPU; `flow` is float16 to save space.
        """
        labels = [k for k in keys if k in _LABELS]
        out = self.render(range(self.num_clips), labels) if labels else {}
        out = {key: value.cpu() for key, value in out.items()}
        pictures = [key for key in keys if key not in _LABELS]
        missing = [k for k in pictures if not (cache and self._cached(k).exists())]
        fresh = self._render_all(missing, progress) if missing else {}
        for key in pictures:
            if key in fresh:
                out[key] = fresh[key]
                if cache:
                    _save(fresh[key], self._cached(key))
            else:
                out[key] = torch.load(self._cached(key), weights_only=True, mmap=True)
        return {key: out[key] for key in keys}

    def _render_all(self, keys: Sequence[str], progress: bool) -> dict[str, Tensor]:
        h, w = self.knobs.frame_size
        pixels = self.knobs.frames * h * w
        most = 2**18 if self.device.type == "cpu" else 2**23
        chunk = max(1, most // pixels)
        # Sorted by scene, so that a scene is painted for many clips at once.
        order = np.argsort(self.scenes, kind="stable")
        bar = _bar(len(order), progress)
        out: dict[str, Tensor] = {}
        for start in range(0, len(order), chunk):
            rows = order[start : start + chunk]
            for key, value in self.render(rows, keys).items():
                value = value.half() if key == "flow" else value
                if key not in out:
                    shape = (self.num_clips, *value.shape[1:])
                    out[key] = torch.empty(shape, dtype=value.dtype)
                out[key][torch.as_tensor(rows)] = value.cpu()
            bar.update(len(rows))
        bar.close()
        return out

    def settings(self) -> dict:
        """Everything the pixels depend on, for cache keys and records."""
        return {
            "world_version": WORLD_VERSION, "split": self.split, "seed": self.seed,
            "num_clips": self.num_clips, **self.knobs.as_dict(),
        }  # fmt: skip

    def _cached(self, key: str) -> Path:
        text = json.dumps(self.settings(), sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()[:20]
        return cache_dir() / "synthetic" / f"{name}-{key}.pt"


def pairing(seed: int, num_actions: int, num_scenes: int) -> np.ndarray:
    """Each action's own scene: a permutation that the seed draws."""
    order = np.argsort(Draws(seed, np.arange(num_scenes), "pairing/").uniform("order"))
    return order[np.arange(num_actions) % num_scenes]


def _freeze(key: str, value: Tensor) -> Tensor:
    """Repeat the middle frame; nothing moves any more."""
    if key in ("clip", "background"):
        middle = value[:, :, value.shape[2] // 2, None]
        return middle.expand_as(value).contiguous()
    if key == "mask":
        return value[:, value.shape[1] // 2, None].expand_as(value).contiguous()
    if key == "flow":
        return torch.zeros_like(value)
    return torch.ones_like(value) if key == "flow_valid" else value


def _save(value: Tensor, path: Path) -> None:
    """Write under a temporary name, then rename: a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        torch.save(value.contiguous(), scratch)
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def _bar(total: int, show: bool):
    import sys

    from tqdm import tqdm

    return tqdm(
        total=total, disable=not show, file=sys.stdout, desc="rendering",
        bar_format="{desc}: {n_fmt}/{total_fmt} clips",
    )  # fmt: skip
