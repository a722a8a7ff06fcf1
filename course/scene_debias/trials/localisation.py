"""When does it happen?  A classifier of snippets on frozen features.

The paper takes its network to THUMOS-14.  Here: untrimmed videos of the source's
actions in scenes that the network has never seen and that tell nothing of the action.
A linear classifier names each snippet, or says that nothing happens; runs of snippets
above one of several thresholds are segments, those that overlap a better one go, and
what is left is scored by mAP.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import nn

from course.evaluation.inference import device_of, predict
from course.evaluation.localization import temporal_detection_map
from course.evaluation.segments import segments_from_scores, temporal_iou
from course.scene_debias.scales import TARGET, Settings
from course.synthetic import SynthUntrimmed, make_knobs

TIOU = (0.3, 0.5)
OVERLAP = 0.5  # temporal IoU of proposals above which the weaker one goes
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)  # all of them propose segments


def localise(net: nn.Module, settings: Settings, seed: int) -> dict[str, float]:
    """Mean average precision of segments, and accuracy of snippets.

    Args:
        net: has `embed`; stays as it is.
        settings: of the scale.
        seed: of the videos.

    Returns:
        `snippets`, the share named right; `map_30` and `map_50`, mean average precision
        of segments at temporal overlaps (IoU) of 0.3 and 0.5.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, test = (rendered(settings, split, seed) for split in ("train", "test"))
    learned = [snippets(net, video, settings) for video in train]
    head = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=5000, class_weight="balanced")
    )
    head.fit(*(np.concatenate(part) for part in zip(*learned, strict=True)))
    right, found, true = [], [], []
    for number, video in enumerate(test):
        features, labels = snippets(net, video, settings)
        scores = head.predict_proba(features)
        right.append(head.classes_[scores.argmax(axis=1)] == labels)
        found += proposals(scores, head.classes_, number, settings)
        true += [(number, s.action, s.start, s.end) for s in video["segments"]]
    scored = temporal_detection_map(found, true, TIOU)
    shares = {f"map_{100 * t:.0f}": m for t, m in zip(TIOU, scored.map, strict=True)}
    return {"snippets": float(np.concatenate(right).mean()), **_plain(shares)}


def videos(settings: Settings, split: str, seed: int) -> SynthUntrimmed:
    """Untrimmed videos of the source's actions in the target's scenes.

    Args:
        settings: of the scale.
        split: "train" or "test".
        seed: of the world.

    >>> from course.scene_debias.scales import SETTINGS
    >>> made = videos(SETTINGS["cpu"], "test", seed=3)
    >>> len(made), made.scene_names == TARGET["scenes"]
    (48, True)
    """
    knobs = make_knobs(settings.knobs, scenes=TARGET["scenes"], scene_correlation=0.0)
    return SynthUntrimmed(
        split, settings.videos, seed, settings.time_scale, knobs=knobs
    )


@lru_cache(maxsize=2)
def rendered(settings: Settings, split: str, seed: int) -> list[dict]:
    """The videos, with frames as uint8, kept for the seed's other networks.

    Arguments as `videos`; items as `SynthUntrimmed` has them.
    """
    found = []
    made = videos(settings, split, seed)
    for number in range(len(made)):
        video = made[number]
        found.append(video | {"clip": (255 * video["clip"]).round().byte()})
    return found


def snippets(
    net: nn.Module, video: dict, settings: Settings
) -> tuple[np.ndarray, np.ndarray]:
    """Features (S, D) of snippets and what happens in the middle of each (S,), or -1.

    A snippet has as many frames as a clip; they begin `stride` frames apart, and at
    both ends the video's last frame stands still, so that each stretch has one.

    Args:
        net: has `embed`.
        video: `clip` uint8 (3, T, H, W) and `frame_action` (T,).
        settings: of the scale.

    >>> from course.scene_debias.scales import SETTINGS
    >>> class Light(nn.Module):
    ...     def embed(self, clips):
    ...         return clips.mean((1, 3, 4))
    >>> video = {"clip": torch.zeros(3, 9, 4, 4, dtype=torch.uint8)}
    >>> video["frame_action"] = torch.arange(9)
    >>> features, action = snippets(Light(), video, SETTINGS["cpu"])  # stride 4
    >>> features.shape, action.tolist()
    ((2, 8), [2, 6])
    """
    frames, stride = settings.knobs.frames, settings.stride
    clip, action = video["clip"], video["frame_action"]
    count = max(1, clip.shape[1] // stride)
    middle = stride * torch.arange(count) + stride // 2
    offsets = torch.arange(frames) - frames // 2
    rows = (middle[:, None] + offsets).clamp(0, clip.shape[1] - 1)
    cut = clip[:, rows].transpose(0, 1)  # (S, 3, T, H, W)
    features = predict(net.embed, cut, device=device_of(net))  # type: ignore[arg-type]
    return features.numpy(), action[middle.clamp(max=len(action) - 1)].numpy()


def proposals(
    scores: np.ndarray, classes: np.ndarray, video: int, settings: Settings
) -> list[tuple]:
    """Segments of every class at all thresholds, without those a better one overlaps.

    Args:
        scores: of each snippet for each class (S, C).
        classes: their numbers (C,); below 0 is "nothing happens".
        video: its number.
        settings: of the scale.

    Returns:
        Rows (video, class, start, end, score), times in seconds.

    >>> from course.scene_debias.scales import SETTINGS
    >>> scores = np.array([[0.25, 0.75], [0.25, 0.75], [0.9, 0.0]])
    >>> proposals(scores, np.array([-1, 4]), 7, SETTINGS["cpu"])  # snippets of 0.8 s
    [(7, 4, 0.0, 1.6, 0.75)]
    """
    seconds = settings.stride / settings.knobs.frame_rate
    found = []
    for column, label in enumerate(classes):
        if label < 0:
            continue
        runs = [
            run
            for threshold in THRESHOLDS
            for run in segments_from_scores(scores[:, column], threshold, seconds)
        ]
        kept = without_overlaps(runs, OVERLAP)
        found += [(video, int(label), *run) for run in kept]
    return found


def without_overlaps(
    runs: list[tuple[float, float, float]], most: float
) -> list[tuple[float, float, float]]:
    """Non-maximum suppression: of segments that overlap the one with the best score.

    Args:
        runs: (start, end, score) of one class in one video.
        most: temporal IoU with a better segment above which a segment goes.

    >>> without_overlaps([(0.0, 2.0, 0.5), (0.0, 3.0, 0.9), (5.0, 6.0, 0.1)], 0.5)
    [(0.0, 3.0, 0.9), (5.0, 6.0, 0.1)]
    """
    kept: list[tuple[float, float, float]] = []
    for run in sorted(runs, key=lambda run: -run[2]):
        spans = np.array([other[:2] for other in kept]).reshape(-1, 2)
        if not kept or temporal_iou(np.array([run[:2]]), spans).max() <= most:
            kept.append(run)
    return kept


def _plain(numbers: dict) -> dict[str, float]:
    return {name: float(value) for name, value in numbers.items()}
