"""The knobs of the synthetic world: one frozen, checked table of settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace

from course.synthetic.actions import ACTIONS
from course.synthetic.scenes import SCENES

# Raise it whenever rendered pixels change: caches and records of older worlds go stale.
WORLD_VERSION = 1
DEFAULT_SCENES = tuple(name for name in SCENES if name != "texture")


def _doc(default, text: str):
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class Knobs:
    """Everything that shapes a world of clips, apart from seed, split and length."""

    frames: int = _doc(8, "frames of a clip, T")
    size: int | tuple[int, int] = _doc(32, "height (and width, or (H, W)) in pixels")
    frame_rate: float = _doc(5.0, "frames per second of world time")
    num_actions: int = _doc(8, "the first so many actions")
    num_scenes: int = _doc(8, "the first so many scenes")
    actions: tuple[str, ...] | None = _doc(None, "names, instead of num_actions")
    scenes: tuple[str, ...] | None = _doc(None, "names, instead of num_scenes")
    scene_correlation: float = _doc(
        0.9, "rho: own scene with this probability, else any"
    )
    actor_size: tuple[float, float] = _doc((0.7, 0.84), "body height in frame heights")
    actor_place: float = _doc(0.2, "largest distance from the middle, in frame heights")
    place_drift: float = _doc(0.0, "the same between clips of one video")
    outfits: int | None = _doc(
        None, "so many outfits in the world; None: one per video"
    )
    actor_texture: float = _doc(0.16, "strength of the stripes on clothes")
    background_texture: float = _doc(
        1.0, "contrast of the scenery around its mean colour"
    )
    colour_similarity: float = _doc(0.0, "1: the actor has the scenery's mean colour")
    action_speed: tuple[float, float] = _doc((0.85, 1.2), "tempo of the performance")
    camera_pan: float = _doc(0.01, "largest travel in a clip, in frame heights")
    camera_zoom: float = _doc(0.0, "largest change of magnification in a clip")
    camera_jitter: float = _doc(0.0, "shake per frame, in frame heights")
    background_motion: float = _doc(1.0, "speed of what moves in a scene; 0: frozen")
    noise: float = _doc(0.02, "standard deviation of pixel noise, 0..1 scale")
    occluder: float = _doc(0.0, "probability of a post standing in front of the actor")
    clips_per_video: int = _doc(
        1, "clips sharing action, outfit, size, place and scene"
    )

    def __post_init__(self):
        for name in ("actions", "scenes", "actor_size", "action_speed"):
            value = getattr(self, name)
            if isinstance(value, list):
                object.__setattr__(self, name, tuple(value))
        _check(self)

    @property
    def action_names(self) -> tuple[str, ...]:
        """Names of the classes, in label order."""
        return self.actions or tuple(ACTIONS)[: self.num_actions]

    @property
    def scene_names(self) -> tuple[str, ...]:
        """Names of the scenes, in label order."""
        return self.scenes or DEFAULT_SCENES[: self.num_scenes]

    @property
    def frame_size(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return self.size if isinstance(self.size, tuple) else (self.size, self.size)

    def as_dict(self) -> dict:
        """Plain values, for hashing and for records."""
        return asdict(self)


def make_knobs(base: Knobs | None = None, **changes) -> Knobs:
    """Knobs with some of them turned.

    Raises:
        ValueError: if a knob does not exist or its value is out of range.

    >>> make_knobs(scene_correlation=0.5).scene_correlation
    0.5
    """
    known = {f.name for f in fields(Knobs)}
    unknown = sorted(set(changes) - known)
    if unknown:
        raise ValueError(
            f"no knob named {', '.join(unknown)}; there are {', '.join(sorted(known))}"
        )
    return replace(base or Knobs(), **changes)


def _check(k: Knobs) -> None:
    h, w = k.frame_size
    _need(k.frames >= 1, f"frames must be at least 1, got {k.frames}")
    _need(min(h, w) >= 8, f"size must be at least 8 pixels, got {k.size}")
    _need(k.frame_rate > 0, f"frame_rate must be positive, got {k.frame_rate}")
    _need(
        k.clips_per_video >= 1, f"clips_per_video must be >= 1, got {k.clips_per_video}"
    )
    _need(k.outfits is None or k.outfits >= 1, f"outfits must be >= 1, got {k.outfits}")
    for name in ("scene_correlation", "occluder", "colour_similarity"):
        value = getattr(k, name)
        _need(0.0 <= value <= 1.0, f"{name} must be in [0, 1], got {value}")
    for name in ("actor_texture", "background_texture", "camera_pan", "camera_zoom",
                 "camera_jitter", "noise", "actor_place", "place_drift"):  # fmt: skip
        _need(
            getattr(k, name) >= 0,
            f"{name} must not be negative, got {getattr(k, name)}",
        )
    for name in ("actor_size", "action_speed"):
        value = getattr(k, name)
        good = len(value) == 2 and 0 < value[0] <= value[1]
        _need(good, f"{name} must be (low, high) with 0 < low <= high, got {value}")
    _names("actions", k.actions, ACTIONS, k.num_actions, len(ACTIONS))
    _names("scenes", k.scenes, SCENES, k.num_scenes, len(DEFAULT_SCENES))


def _names(
    what: str, chosen: Sequence[str] | None, known, number: int, most: int
) -> None:
    if chosen is None:
        _need(1 <= number <= most, f"num_{what} must be in 1..{most}, got {number}")
        return
    bad = [name for name in chosen if name not in known]
    _need(len(chosen) > 0, f"{what} must name at least one")
    _need(not bad, f"unknown {what}: {', '.join(bad)}; known: {', '.join(known)}")
    _need(len(set(chosen)) == len(chosen), f"{what} must not repeat: {chosen}")


def _need(good: bool, message: str) -> None:
    if not good:
        raise ValueError(message)
