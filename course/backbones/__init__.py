"""Networks that several chapters share, with the field's parameter names."""

from course.backbones.inception import (
    I3D,
    I3D_ENDPOINTS,
    InceptionV1,
    inflate_inception,
)
from course.backbones.recogniser import I3DRecogniser
from course.backbones.small import SmallR2Plus1D, small_r2plus1d

__all__ = [
    "I3D",
    "I3D_ENDPOINTS",
    "I3DRecogniser",
    "InceptionV1",
    "SmallR2Plus1D",
    "inflate_inception",
    "small_r2plus1d",
]
