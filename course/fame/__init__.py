"""FAME: "Motion-aware Contrastive Video Representation Learning via Foreground-
Background Merging" (Ding, Li, Yang, Qian, Xu, Chen, Wang, Xiong, CVPR 2022).

The room in the paper's order:

    seed                how much each pixel changes, equation 1
    ranking, colours    the two samples, equation 2, and the colours they are counted in
    foreground          likelihoods, posterior, mask, equations 3 to 6
    recipes             the equations' settings, and what the released code adds
    mask_variants       plainer masks: Gauss, Seed, Grid, and a blob as a control
    merging             a clip's foreground in front of another clip, equation 7
    background_erasing  the baseline: a still frame of the clip added to all its frames
    augmentations       what happens to a clip before the mask, and after
    contrast            InfoNCE, and contrast inside the batch
    momentum_contrast   a queue of keys from an encoder that follows slowly (key_queue)
    views, pretraining  two views of a batch by a method, and learning from them
    temporal_kernels    how much of a convolution over time is not averaging
    activation_share    how much of an activation map lies on the actor
"""

from course.fame.augmentations import Augmentation
from course.fame.background_erasing import (
    add_still,
    background_erasing_loss,
    erase_background,
)
from course.fame.contrast import (
    in_batch_contrast,
    in_batch_scores,
    info_nce,
    projection_head,
)
from course.fame.foreground import Posterior, foreground_mask, foreground_posterior
from course.fame.mask_variants import (
    gauss_mask,
    grid_mask,
    random_blob_mask,
    seed_mask,
)
from course.fame.merging import (
    cyclic_partners,
    derangement,
    merge_background,
    merge_some,
    random_partners,
)
from course.fame.momentum_contrast import MomentumContrast
from course.fame.recipes import Recipe
from course.fame.seed import motion_seed
from course.fame.temporal_kernels import non_dc_share, temporal_shares

__all__ = [
    "Augmentation",
    "MomentumContrast",
    "Posterior",
    "Recipe",
    "add_still",
    "background_erasing_loss",
    "cyclic_partners",
    "derangement",
    "erase_background",
    "foreground_mask",
    "foreground_posterior",
    "gauss_mask",
    "grid_mask",
    "in_batch_contrast",
    "in_batch_scores",
    "info_nce",
    "merge_background",
    "merge_some",
    "motion_seed",
    "non_dc_share",
    "projection_head",
    "random_blob_mask",
    "random_partners",
    "seed_mask",
    "temporal_shares",
]
