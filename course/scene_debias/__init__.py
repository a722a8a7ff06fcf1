"""Scene debiasing: "Why Can't I Dance in the Mall? Learning to Mitigate Scene Bias in
Action Recognition" (Choi, Gao, Messou, Huang, NeurIPS 2019), called SDN.

The room in the paper's order:

    scene_labels       where scene labels come from, hard or soft; how they go wrong
    human_masks        the actor covered up, by silhouette or box; imperfect masks
    gradient_reversal  identity forward, minus the gradient backward; how strong, when
    adversary          the scene head, plain or told the action
    losses             the adversary's loss; entropy for clips without their human
    debiasing          both losses as one training step; the paper's wiring, the code's
"""

from course.scene_debias.adversary import ConditionalSceneHead, SceneHead
from course.scene_debias.debiasing import Debiasing
from course.scene_debias.gradient_reversal import (
    after_warmup,
    constant,
    dann_ramp,
    linear_ramp,
    reverse_gradient,
)
from course.scene_debias.human_masks import box_of, degrade, mask_clip
from course.scene_debias.losses import (
    entropy,
    human_mask_confusion_loss,
    scene_adversarial_loss,
)
from course.scene_debias.scene_labels import hard_label, soft_label

__all__ = [
    "ConditionalSceneHead",
    "Debiasing",
    "SceneHead",
    "after_warmup",
    "box_of",
    "constant",
    "dann_ramp",
    "degrade",
    "entropy",
    "hard_label",
    "human_mask_confusion_loss",
    "linear_ramp",
    "mask_clip",
    "reverse_gradient",
    "scene_adversarial_loss",
    "soft_label",
]
