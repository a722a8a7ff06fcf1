"""The scene-debiasing chapter's runs and what each of them must measure, for its tests.

Written out by hand where the room computes it, so that a lost number is noticed.
"""

from __future__ import annotations

from dataclasses import fields

from course.evaluation import ReportCard

PERCENTS = (0, 50, 80, 90, 95, 98, 100)  # rho
EXAMINED = {
    "in_distribution", "swapped", "uncorrelated", "static", "background_only",
    "background_action", "background_entropy", "leakage", "cam_energy", "actor_area",
    "cam_boxes", "centre_boxes",
}  # fmt: skip
ELSEWHERE = {
    "linear_biased", "linear_unbiased", "tuned_biased", "tuned_unbiased",
    "snippets", "map_30", "map_50",
}  # fmt: skip
TRAINED = EXAMINED | {"seconds"}
AGAINST_A_HEAD = TRAINED | {"head", "head_uncorrelated"}
CARD = {row.name for row in fields(ReportCard)}

METRICS: dict[str, set[str]] = {
    "bias": {"scenes", "erased"} | {
        f"{what}_{rho}" for what in ("bias", "repair", "accuracy", "true")
        for rho in PERCENTS
    },
    "labeller": {"frames", "hard", "soft", "agreement"},
    **dict.fromkeys(("baseline", "masks"), TRAINED | ELSEWHERE),
    **dict.fromkeys(("adversary", "both"), AGAINST_A_HEAD | ELSEWHERE),
    **{f"baseline_{rho}": TRAINED for rho in PERCENTS if rho != 95},
    **{f"adversary_{rho}": AGAINST_A_HEAD for rho in PERCENTS if rho != 95},
    **dict.fromkeys(("masks_100", "redraw_100", "r2plus1d_baseline",
                     "r2plus1d_seen_only", "r2plus1d_masks"), TRAINED),
    **dict.fromkeys(("seen_only", "released", "silhouette", "box", "missing",
                     "redraw"), TRAINED),
    **dict.fromkeys(("adversary_x0.3", "adversary_x1.5", "adversary_x2",
                     "adversary_x4", "adversary_seen", "conditional", "conditional_x2",
                     "conditional_x4", "fast", "r2plus1d_adversary"), AGAINST_A_HEAD),
    **{f"{form}_{kind}": AGAINST_A_HEAD for form in ("hard", "soft")
       for kind in ("uniform", "confusable", "merged", "labeller")},
    **dict.fromkeys(("card_untrained", "card_baseline", "card_adversary", "card_masks",
                     "card_both"), CARD),
    "debias_videos": {
        "baseline_accuracy", "baseline_swapped", "both_accuracy", "both_swapped",
        "clips_per_second", "gflops_per_clip", "steps", "planned_steps",
    },
    "tune_videos": {
        "baseline_accuracy", "baseline_swapped",
        "clips_per_second", "gflops_per_clip", "steps", "planned_steps",
    },
}  # fmt: skip
