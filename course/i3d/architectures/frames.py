"""Image networks frame by frame, and what is made of the frames' features in time.

Source: section 2.1, "ConvNet+LSTM" (a of figure 2).  `FrameAverage` is ours: the same
image network with no order at all, to compare with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from course.backbones import I3D, InceptionV1
from course.i3d.small_base import SmallNet

ImageNetwork = SmallNet | InceptionV1
StreamNetwork = ImageNetwork | I3D  # a `SmallNet` may be inflated


class FeatureMaps(Protocol):
    """Any network that offers its last feature map."""

    def forward_features(self, x: Tensor, /) -> Tensor: ...


def features_per_frame(
    net2d: FeatureMaps, frames: Float[Tensor, "b c t h w"]
) -> Float[Tensor, "b d t h2 w2"]:
    """The last map of an image network on every frame of a batch of clips."""
    maps = net2d.forward_features(rearrange(frames, "b c t h w -> (b t) c h w"))
    return rearrange(maps, "(b t) d h w -> b d t h w", b=len(frames))


class FrameAverage(nn.Module):
    """An image network on every frame; the answers are averaged (no order at all).

    Args:
        net2d: gives the class scores of pictures.
    """

    def __init__(self, net2d: nn.Module):
        super().__init__()
        self.net2d = net2d

    def forward(self, clips: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b k"]:
        """Class scores: the mean over all frames."""
        logits = self.net2d(clips.transpose(1, 2).flatten(0, 1))
        return logits.unflatten(0, (len(clips), -1)).mean(1)


class ConvNetLSTM(nn.Module):
    """(a) An LSTM over the pooled features of an image network.

    Args:
        net2d: gives maps of `channels` channels.
        channels, hidden: width of its features and of the LSTM.
        num_classes: number of logits.
        norm: makes the batch norm of the gates.

    Trained with a loss at every step; at test only the last step's answer counts.
    """

    def __init__(
        self,
        net2d: ImageNetwork,
        channels: int,
        hidden: int,
        num_classes: int,
        norm: Callable[[int], nn.Module] = nn.BatchNorm1d,
    ):
        super().__init__()
        self.net2d, self.hidden = net2d, hidden
        self.from_input = nn.Linear(channels, 4 * hidden, bias=False)
        self.norm = norm(4 * hidden)
        self.from_state = nn.Linear(hidden, 4 * hidden, bias=False)
        self.fc = nn.Linear(hidden, num_classes)

    def logits_per_step(
        self, clips: Float[Tensor, "b 3 t h w"]
    ) -> Float[Tensor, "b k t"]:
        """An answer after each frame."""
        features = features_per_frame(self.net2d, clips).mean((3, 4))
        gates = self.from_input(rearrange(features, "b d t -> b t d"))
        gates = rearrange(
            self.norm(gates.flatten(0, 1)), "(b t) g -> t b g", b=len(clips)
        )
        state = memory = gates.new_zeros(len(clips), self.hidden)
        states = []
        for step in gates:
            enter, forget, out, new = (step + self.from_state(state)).chunk(4, dim=1)
            memory = forget.sigmoid() * memory + enter.sigmoid() * new.tanh()
            state = out.sigmoid() * memory.tanh()
            states.append(state)
        return rearrange(self.fc(torch.stack(states)), "t b k -> b k t")

    def forward(self, clips: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b k"]:
        """The answer after the last frame."""
        return self.logits_per_step(clips)[:, :, -1]
