"""Which runs and numbers stand in the chapter's figures, and what they are called.

A table is run -> words, or metric -> words; `course.scene_debias.results` draws them.
"""

from __future__ import annotations

from course.evaluation import Recorded
from course.scene_debias.experiment import (
    CORRELATIONS,
    STRENGTHS,
    TOLD_STRENGTHS,
    at,
    times,
)
from course.scene_debias.scales import Settings

LOSSES = {
    "baseline": "cross-entropy alone",
    "seen_only": "masked clips seen, no loss",
    "masks": "mask confusion",
    "adversary": "adversary",
    "adversary_seen": "adversary, masked clips seen",
    "both": "both losses",
}
MASKS = {
    "seen_only": "erased, no loss",
    "masks": "erased",
    "missing": "erased, frames missed",
    "silhouette": "silhouette, mean colour",
    "box": "box, mean colour",
    "released": "erased, released wiring",
}
LABELS = {
    "baseline": "no labels",
    "adversary": "exact",
    "hard_uniform": "any scene, hard",
    "soft_uniform": "any scene, soft",
    "hard_confusable": "partner scene, hard",
    "soft_confusable": "partner scene, soft",
    "hard_merged": "pairs merged, hard",
    "soft_merged": "pairs merged, soft",
    "hard_labeller": "weak labeller, hard",
    "soft_labeller": "weak labeller, soft",
}
REDRAW = {
    "baseline": "cross-entropy alone",
    "both": "both losses",
    "redraw": "background re-drawn",
}
WINDOW = (
    "baseline", "adversary", *(times("adversary", s) for s in STRENGTHS),
    "conditional", *(times("conditional", s) for s in TOLD_STRENGTHS),
)  # fmt: skip
USE = {
    "swapped": "right, scenes swapped",
    "background_action": "background's action",
    "leakage": "scene leakage",
}
SCENE = {
    "head": "its head, scenes as in training",
    "head_uncorrelated": "its head, any scene",
    "leakage": "fresh probe, any scene",
    "background_action": "use: background's action",
}
TRANSFER = {
    "tuned_unbiased": "fine-tuned, scenes tell nothing",
    "tuned_biased": "fine-tuned, scenes tell",
    "linear_unbiased": "linear, scenes tell nothing",
    "linear_biased": "linear, scenes tell",
}
TRAVELLERS = {
    "baseline": "baseline",
    "adversary": "adversary",
    "masks": "mask confusion",
    "both": "both losses",
}
NETWORKS = {
    f"r2plus1d_{name}": name for name in ("baseline", "adversary", "seen_only", "masks")
}
CARDS = {
    "card_untrained": "untrained",
    "card_baseline": "baseline",
    "card_adversary": "adversary",
    "card_masks": "masks",
    "card_both": "both",
}


def over_correlation(
    rec: Recorded, settings: Settings, name: str, metric: str
) -> dict[float, list[float]]:
    """A number of a method at every correlation.

    Args:
        rec: the records.
        settings: of their scale, whose own correlation the method's plain run has.
        name: of the method.
        metric: of the run.

    Returns:
        rho -> one value a seed, none where the run is missing.

    >>> from course.scene_debias.scales import SETTINGS
    >>> list(over_correlation(Recorded({}, {}), SETTINGS["cpu"], "baseline", "swapped"))
    [0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 1.0]
    """
    runs = {rho: at(name, rho) for rho in CORRELATIONS} | {settings.correlation: name}
    return {rho: rec.values(f"{runs[rho]}:{metric}") for rho in sorted(runs)}
