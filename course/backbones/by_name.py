"""Networks on clips that a scale's settings can name."""

from __future__ import annotations

from typing import Literal, get_args

from course.backbones.resnet3d import ResNet3D, resnet3d18, small_resnet3d
from course.backbones.small import SmallR2Plus1D, small_r2plus1d

Backbone = Literal["small_r2plus1d", "small_resnet3d", "resnet3d18"]


def backbone_of(name: Backbone, classes: int) -> ResNet3D | SmallR2Plus1D:
    """The named network with random weights, drawn from torch's global generator.

    Args:
        name: of `Backbone`.
        classes: of the last layer.

    Raises:
        ValueError: there is no such network.

    >>> type(backbone_of("small_r2plus1d", 8)).__name__
    'SmallR2Plus1D'
    """
    match name:
        case "small_resnet3d":
            return small_resnet3d(classes)
        case "small_r2plus1d":
            return small_r2plus1d(classes)
        case "resnet3d18":
            return resnet3d18(classes)
    raise ValueError(f"backbones are {get_args(Backbone)}, got {name!r}")
