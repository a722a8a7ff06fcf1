"""Networks that several chapters share, with the field's parameter names."""

from course.backbones.by_name import Backbone, backbone_of
from course.backbones.googlenet import GoogLeNet
from course.backbones.inception import (
    I3D,
    I3D_ENDPOINTS,
    InceptionV1,
    inflate_inception,
)
from course.backbones.pretrained import load_into, load_state
from course.backbones.recogniser import I3DRecogniser
from course.backbones.resnet import ResNet, resnet18, resnet50
from course.backbones.resnet3d import ResNet3D, resnet3d18, small_resnet3d
from course.backbones.small import SmallR2Plus1D, small_r2plus1d
from course.backbones.tsm import ShiftedConv2d, add_temporal_shift, temporal_shift

__all__ = [
    "Backbone",
    "GoogLeNet",
    "I3D",
    "I3D_ENDPOINTS",
    "I3DRecogniser",
    "InceptionV1",
    "ResNet",
    "ResNet3D",
    "ShiftedConv2d",
    "SmallR2Plus1D",
    "add_temporal_shift",
    "backbone_of",
    "inflate_inception",
    "load_into",
    "load_state",
    "resnet18",
    "resnet3d18",
    "resnet50",
    "small_r2plus1d",
    "small_resnet3d",
    "temporal_shift",
]
