"""Claims about the two losses, what they need, and another network."""

from __future__ import annotations

from course.evaluation.claim_wording import DIRECTION, OURS, UNSTATED
from course.scene_debias.claims.rules import RHO, above, equal, greater
from course.scene_debias.experiment import at, times

_LOSSES = "ablation of the losses"
_LABELS = "ablation of the labels"
ADVERSARY = [
    greater(
        "adversary",
        f"At rho {RHO} the adversary helps with scenes swapped, by more than 5 points",
        "adversary", "baseline", "its experiments", DIRECTION, least=0.05,
    ),
    greater(
        "no-cost",
        "The adversary costs no more than 3 points in distribution",
        "adversary:in_distribution", "baseline:in_distribution", least=-0.03,
    ),
    *(
        greater(
            f"adversary-{100 * rho:.0f}", f"At rho {rho} the adversary helps",
            at("adversary", rho), at("baseline", rho),
        )
        for rho in (0.8, 0.9, 0.98)
    ),
    *(
        equal(
            f"adversary-{100 * rho:.0f}",
            f"At rho {rho:g} the adversary changes little, within 5 points",
            0.05, at("adversary", rho), at("baseline", rho),
        )
        for rho in (0.0, 0.5)
    ),
    greater(
        "too-weak",
        "A strength of 0.3 does less than 1",
        "adversary", times("adversary", 0.3),
    ),
    greater(
        "edge",
        "At strength 2, beyond the simple account's edge, more than 10 points are lost "
        "in distribution against strength 1",
        "adversary:in_distribution", times("adversary", 2.0) + ":in_distribution",
        least=0.1,
    ),
    greater(
        "near-edge",
        "At strength 1.5, a little beyond that edge, the adversary does worse than "
        "at 1",
        "adversary", times("adversary", 1.5),
    ),
    greater(
        "too-strong",
        "A strength of 4 is worse than 1 by more than 10 points",
        "adversary", times("adversary", 4.0), least=0.1,
    ),
    greater(
        "conditional-window",
        "At strength 4 a head that is told the action beats a plain one by more than "
        "10 points",
        times("conditional", 4.0), times("adversary", 4.0), least=0.1,
    ),
    greater(
        "conditional-two",
        "At strength 2, too, it beats a plain one by more than 10 points",
        times("conditional", 2.0), times("adversary", 2.0), least=0.1,
    ),
    equal(
        "conditional-peak",
        "At strength 1 both heads do the same, within 5 points",
        0.05, "conditional", "adversary",
    ),
    greater(
        "fast-ramp",
        "DANN's ramp from the first step, without a warm-up, is worse than the late "
        "one by more than 10 points",
        "adversary", "fast", least=0.1,
    ),
]  # fmt: skip
MASKS = [
    greater(
        "masks",
        "Mask confusion on erased clips helps with scenes swapped",
        "masks", "baseline", _LOSSES, DIRECTION,
    ),
    greater(
        "only-seen",
        "With the loss's weight at 0, masked clips only seen, accuracy with scenes "
        "swapped is lower than with the loss",
        "masks", "seen_only",
    ),
    greater(
        "seen-helps",
        "To see erased clips, without any loss on them, helps already",
        "seen_only", "baseline",
    ),
    greater(
        "masks-ahead",
        "The adversary is worth more than mask confusion (perfectly erased clips; the "
        "paper's were a detector's)",
        "adversary", "masks", _LOSSES, DIRECTION,
    ),
    greater(
        "both",
        "Mask confusion adds to the adversary: both losses beat the adversary with "
        "masked clips only seen",
        "both", "adversary_seen", _LOSSES, DIRECTION,
    ),
    above(
        "masks-unsure",
        "Where nobody is, mask confusion leaves more than 90 % of the largest entropy",
        "masks:background_entropy", 0.9,
    ),
    greater(
        "box",
        "Mask confusion does better on erased clips than on boxes of mean colour, as "
        "released",
        "masks", "box", "released code",
    ),
    greater(
        "silhouette",
        "It does better on erased clips than on silhouettes of mean colour",
        "masks", "silhouette",
    ),
    greater(
        "missing",
        "A detector that misses the human in 3 of 10 frames costs mask confusion less "
        "than 5 points",
        "missing", "masks", least=-0.05,
    ),
    greater(
        "released-wiring",
        "Mask confusion alone, on erased clips in one step, does better in the paper's "
        "wiring than in the released code's",
        "masks", "released", "paper and released code",
    ),
]  # fmt: skip
LABELS = [
    greater(
        "labels-uniform",
        "Names drawn anew from all scenes for 4 of 10 clips make the adversary worth "
        "less",
        "adversary", "hard_uniform", "a reader's question",
    ),
    greater(
        "labels-confusable",
        "Names of a partner scene for 4 of 10 clips cost less than 5 points",
        "hard_confusable", "adversary", least=-0.05,
    ),
    greater(
        "labels-merged",
        "One name for every two scenes costs less than 5 points",
        "hard_merged", "adversary", least=-0.05,
    ),
    greater(
        "labels-labeller",
        "A weak labeller's hard names, voted frame by frame, cost less than 5 points",
        "hard_labeller", "adversary", least=-0.05,
    ),
    greater(
        "labeller-sure",
        "Its frames agree more than its names are right: agreement does not tell how "
        "right a labeller is",
        "labeller:agreement",
        "labeller:hard",
        "a reader's question",
        least=0.05,
    ),
    *(
        greater(
            f"soft-{kind}", f"Soft labels beat hard ones {where}",
            f"soft_{kind}", f"hard_{kind}", source, paper,
        )
        for kind, where, source, paper in (
            ("labeller", "of a weak labeller that looks at each frame", _LABELS,
             DIRECTION),
            ("uniform", "where names are drawn anew from all scenes", OURS, UNSTATED),
            ("confusable", "where scenes are taken for their partner", OURS, UNSTATED),
            ("merged", "where two scenes share a name", OURS, UNSTATED),
        )
    ),
]  # fmt: skip
NETWORK = [
    greater(
        "network",
        "On the same clips the small R(2+1)D names swapped clips as the background's "
        "action more often than the 3-D ResNet, by more than 20 points",
        "r2plus1d_baseline:background_action", "baseline:background_action", least=0.2,
    ),
    greater(
        "r2plus1d-order",
        "On R(2+1)D mask confusion is worth more than the adversary",
        "r2plus1d_masks", "r2plus1d_adversary",
    ),
    greater(
        "r2plus1d-masks",
        "On R(2+1)D mask confusion beats masked clips only seen by more than 10 points",
        "r2plus1d_masks", "r2plus1d_seen_only", least=0.1,
    ),
    greater(
        "r2plus1d-cam",
        "On R(2+1)D mask confusion raises the share of evidence on the actor by more "
        "than 1 point",
        "r2plus1d_masks:cam_energy", "r2plus1d_baseline:cam_energy", least=0.01,
    ),
]  # fmt: skip
GROUPS = {
    "The adversary": ADVERSARY,
    "The masks": MASKS,
    "Scene labels": LABELS,
    "Another network": NETWORK,
}
