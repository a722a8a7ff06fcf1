"""Networks that several chapters share, with the field's parameter names."""

from course.backbones.small import SmallR2Plus1D, small_r2plus1d

__all__ = ["SmallR2Plus1D", "small_r2plus1d"]
