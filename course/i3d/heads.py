"""Trained networks put to another use: a new last layer, features, other clips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course.backbones import I3D, InceptionV1
from course.evaluation.order import Inputs, logits_of
from course.i3d.architectures import StreamNetwork

Net = TypeVar("Net", bound=nn.Module)


class Embeds(Protocol):
    """Any network that offers what its last layer reads."""

    def embed(self, *given: Tensor) -> Tensor: ...


def with_new_head(net: Net, classes: int) -> Net:
    """The network with a new, untrained last layer; changes it in place.

    Args:
        net: one whose last layer is `fc`, or Inception-v1, or I3D.
        classes: of the new layer.

    Returns:
        The same network.

    Raises:
        ValueError: for a network without such a layer.

    >>> from course.i3d.small_base import SmallNet
    >>> with_new_head(SmallNet(8), 3).fc
    Linear(in_features=64, out_features=3, bias=True)
    """
    if isinstance(net, (I3D, InceptionV1)):
        net.Logits = type(net)(classes, net.in_channels).Logits
        return net
    old = dict(net.named_children()).get("fc")
    if not isinstance(old, nn.Linear):
        raise ValueError(f"{type(net).__name__} has no last layer `fc`")
    net.fc = nn.Linear(old.in_features, classes, old.bias is not None)
    return net


@torch.no_grad()
def features_of(
    net: nn.Module, data: Mapping[str, Tensor], inputs: Inputs
) -> Float[Tensor, "N D"]:
    """What a network's last layer reads, for a whole data set, on the CPU."""
    return logits_of(_Embedding(net), data, inputs)


class _Embedding(nn.Module):
    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, *given: Tensor) -> Tensor:
        return cast(Embeds, self.net).embed(*given)


class CourseClips(nn.Module):
    """A network for [-1, 1] as a recogniser of the course's clips in [0, 1].

    Args:
        net: of frames.

    >>> from course.i3d.small_base import SmallNet
    >>> tuple(CourseClips(SmallNet(8)).embed(torch.rand(2, 3, 16, 16)).shape)
    (2, 64)
    """

    def __init__(self, net: StreamNetwork):
        super().__init__()
        self.net, self.fc = net, net.fc

    def forward_features(self, clips: Tensor) -> Tensor:
        """The last map."""
        return self.net.forward_features(2.0 * clips - 1.0)

    def embed(self, clips: Tensor) -> Tensor:
        """Its mean over all places and times."""
        return self.net.embed(2.0 * clips - 1.0)

    def forward(self, clips: Tensor) -> Tensor:
        """Class scores."""
        return self.net(2.0 * clips - 1.0)
