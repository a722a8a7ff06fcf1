"""Claims about other tasks, worlds without a way out, and data instead of losses."""

from __future__ import annotations

from course.evaluation.claim_wording import DIRECTION
from course.scene_debias.claims.rules import RHO, above, equal, greater
from course.scene_debias.experiment import at

TRANSFER = [
    greater(
        "transfer",
        "Both losses help on new actions in scenes that tell nothing, fine-tuned",
        "both:tuned_unbiased", "baseline:tuned_unbiased", "transfer", DIRECTION,
    ),
    greater(
        "transfer-frozen",
        "Both losses help on these with a linear classifier on frozen features",
        "both:linear_unbiased", "baseline:linear_unbiased", "transfer", DIRECTION,
    ),
    equal(
        "transfer-biased",
        "Where scenes tell as much as at home both losses change nothing, fine-tuned, "
        "within 3 points",
        0.03, "both:tuned_biased", "baseline:tuned_biased", source="transfer",
        paper="gains, smaller ones",
    ),
    greater(
        "transfer-where",
        "Frozen, both losses gain more where scenes tell nothing than where they tell",
        "both:linear_unbiased", "baseline:linear_unbiased", "transfer", DIRECTION,
        c="both:linear_biased", d="baseline:linear_biased",
    ),
    greater(
        "localisation",
        "Both losses help to find actions in untrimmed videos (mAP at tIoU 0.3)",
        "both:map_30", "baseline:map_30", "transfer to THUMOS-14", DIRECTION,
    ),
    greater(
        "snippets",
        "Both losses help to name the snippets of untrimmed videos",
        "both:snippets", "baseline:snippets", "transfer to THUMOS-14", DIRECTION,
    ),
    greater(
        "cam",
        "Both losses raise the share of the true action's positive evidence that lies "
        "on the actor by more than 1 point (swapped clips)",
        "both:cam_energy", "baseline:cam_energy", "figure of activation maps",
        DIRECTION, least=0.01,
    ),
    greater(
        "boxes",
        "Boxes around the evidence find the actor more often with both losses (a proxy "
        "for detection)",
        "both:cam_boxes", "baseline:cam_boxes", "transfer to detection", DIRECTION,
    ),
    greater(
        "boxes-blind",
        "Such boxes find the actor more often than one fixed box in the middle",
        "both:cam_boxes", "both:centre_boxes",
    ),
]  # fmt: skip
ONE = [
    equal(
        "rho-one-adversary",
        "Where every action is in its own scene the adversary changes nothing, within "
        "5 points",
        0.05, at("adversary", 1.0), at("baseline", 1.0),
    ),
    above(
        "rho-one-masks",
        "Where every action is in its own scene mask confusion names more swapped "
        "clips right than guessing",
        at("masks", 1.0), 1 / 8,
    ),
    above(
        "rho-one-redraw",
        "Where every action is in its own scene re-drawn backgrounds leave more than 8 "
        "of 10 swapped clips right",
        at("redraw", 1.0), 0.8,
    ),
]  # fmt: skip
REDRAW = [
    greater(
        "redraw",
        f"At rho {RHO} re-drawn backgrounds beat both losses by more than 10 points",
        "redraw", "both", least=0.1,
    ),
    greater(
        "redraw-leakage",
        "From features learned on re-drawn backgrounds a fresh probe names fewer "
        "scenes than after both losses",
        "both:leakage", "redraw:leakage",
    ),
    greater(
        "redraw-no-cost",
        "Re-drawn backgrounds cost no more than 3 points in distribution",
        "redraw:in_distribution", "baseline:in_distribution", least=-0.03,
    ),
]  # fmt: skip
CARDS = [
    greater(
        "card-swapped",
        "In the report card's world both losses help with scenes swapped",
        "card_both", "card_baseline",
    ),
    greater(
        "card-adversary",
        "In the report card's world the adversary helps with scenes swapped",
        "card_adversary", "card_baseline",
    ),
    greater(
        "card-masks",
        "In the report card's world mask confusion helps with scenes swapped",
        "card_masks", "card_baseline",
    ),
    above(
        "card-untrained",
        "A fresh probe names more than a third of the scenes from the features of a "
        "network that was never trained",
        "card_untrained:scene_leakage", 1 / 3,
    ),
    greater(
        "card-leakage",
        "In the report card's world both losses leave less of the scene in the "
        "features",
        "card_baseline:scene_leakage", "card_both:scene_leakage",
    ),
]  # fmt: skip
GROUPS = {
    "Elsewhere": TRANSFER,
    "Every action in its own scene": ONE,
    "Re-drawn backgrounds": REDRAW,
    "Report card": CARDS,
}
