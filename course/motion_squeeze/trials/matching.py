"""The estimators on features whose motion is known: no training, other draws each seed.

Source: equations 2 to 5; the scenes are in `course.motion_squeeze.flow_bench`.
"""

from __future__ import annotations

import torch

from course.motion_squeeze.flow_bench import (
    confidence_auc,
    errors,
    estimate,
    moved_texture,
    scene,
)
from course.motion_squeeze.scales import Settings

NOISE = 1.0  # as strong as the features themselves
OUTLIER_SCENES = ("occlusion", "out_of_range", "flat")


def matching(settings: Settings, seed: int, device: torch.device) -> dict[str, float]:
    """End-point errors of the estimators and what each doubt knows of outliers.

    Returns:
        `error_argmax`, `error_soft`, `error_kernel`, `error_1d`, `error_2d`: cells,
        noisy features moved by a whole number of cells; `half_argmax`, `half_soft`,
        `half_kernel`: moved by half a cell, no noise; `auc_SCENE_INDICATOR`: how well
        (minus) an indicator tells the outliers of a scene.
    """
    noisy = moved_texture((3, -2), noise=NOISE, seed=seed)
    half = moved_texture((0.5, 0.0), seed=seed)
    found = {}
    for name in ("argmax", "soft", "kernel"):
        found[f"error_{name}"] = _error(noisy, estimator=name)
        found[f"half_{name}"] = _error(half, estimator=name)
    for normaliser in ("1d", "2d"):
        found[f"error_{normaliser}"] = _error(noisy, normaliser=normaliser)
    for name in OUTLIER_SCENES:
        for indicator, value in confidence_auc(scene(name, seed=seed)).items():
            found[f"auc_{name}_{indicator}"] = value
    return found


def _error(pair, **options) -> float:
    found = estimate(pair, **options)
    return errors(found.displacement, pair.truth, pair.visible).mean
