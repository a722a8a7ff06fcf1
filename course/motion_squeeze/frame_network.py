"""An image network that looks at a few frames of a clip, and an ensemble of such.

Source: the official code of Kwon et al., ECCV 2020: the frames' scores are averaged, as
in Wang et al., "Temporal Segment Networks", ECCV 2016; the paper's ensemble "EN" is the
mean of two networks, for 8 and for 16 frames.

Known difference from the official code: its last layer is a 1 x 1 `Conv1d`, here a
`Linear` with the same arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn


class FrameNetwork(nn.Module):
    """An image network on every frame of a clip; the frames' scores are averaged.

    Args:
        net2d: gives `forward_features` of frames (B*T, C, H, W), a clip's frames one
            after another, and has a linear layer `fc`.
        num_frames: T.
        mean, std: of the network's inputs, one number or one per channel; the clips'
            values become (value - mean) / std.
        dropout: share of a frame's features that is left out before `fc`.

    Takes clips (B, C, T, H, W) in [0, 1] and gives logits (B, num_classes).

    Raises:
        ValueError: for clips with another number of axes or frames.

    >>> from course.motion_squeeze.small_base import SmallResNet
    >>> net = FrameNetwork(SmallResNet(8), num_frames=4)
    >>> tuple(net(torch.rand(2, 3, 4, 32, 32)).shape)
    (2, 8)
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        net2d: nn.Module,
        num_frames: int,
        mean: Sequence[float] = (0.5,),
        std: Sequence[float] = (0.5,),
        dropout: float = 0.0,
    ):
        super().__init__()
        self.net2d, self.num_frames = net2d, num_frames
        self.dropout = nn.Dropout(dropout)
        for name, numbers in (("mean", mean), ("std", std)):
            values = torch.tensor(numbers).view(-1, 1, 1)
            self.register_buffer(name, values, persistent=False)

    @property
    def fc(self) -> nn.Linear:
        """The class-score layer, the image network's own."""
        layer = self.net2d.fc
        assert isinstance(layer, nn.Linear)
        return layer

    def forward_features(
        self, clips: Float[Tensor, "b c t h w"]
    ) -> Float[Tensor, "b d t h2 w2"]:
        """The last feature map of every frame."""
        if clips.ndim != 5 or clips.shape[2] != self.num_frames:
            expected = f"(B, C, {self.num_frames}, H, W)"
            raise ValueError(f"clips must be {expected}, got {tuple(clips.shape)}")
        frames = clips.transpose(1, 2).flatten(0, 1)
        maps = self.net2d.forward_features((frames - self.mean) / self.std)  # type: ignore[operator]
        return maps.unflatten(0, (len(clips), -1)).transpose(1, 2)

    def embed(self, clips: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b d"]:
        """The feature maps' mean over time and space."""
        return self.forward_features(clips).mean(dim=(2, 3, 4))

    def forward(self, clips: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b k"]:
        """Class scores (logits), the mean of the frames'."""
        per_frame = self.forward_features(clips).mean(dim=(3, 4)).transpose(1, 2)
        return self.fc(self.dropout(per_frame)).mean(dim=1)


class Ensemble(nn.Module):
    """Several networks for different numbers of frames; their logits are averaged.

    Args:
        nets: `FrameNetwork`s; each gets as many frames as it takes, evenly spaced: the
            clip is cut into so many parts and the middle frame of each is taken.

    Raises:
        ValueError: without networks, or for clips shorter than one of them needs.

    Source: the paper's ensemble "EN" of networks for 8 and 16 frames.

    >>> from course.motion_squeeze.small_base import SmallResNet
    >>> nets = [FrameNetwork(SmallResNet(5), num_frames=n) for n in (4, 8)]
    >>> tuple(Ensemble(nets)(torch.rand(2, 3, 8, 32, 32)).shape)
    (2, 5)
    """

    def __init__(self, nets: Sequence[FrameNetwork]):
        super().__init__()
        if not nets:
            raise ValueError("an ensemble needs at least one network, got none")
        self.nets = nn.ModuleList(nets)
        self.frames = [net.num_frames for net in nets]

    def forward(self, clips: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b k"]:
        """Class scores: the mean of all networks'."""
        pairs = zip(self.nets, self.frames, strict=True)
        logits = [net(evenly_spaced(clips, frames)) for net, frames in pairs]
        return torch.stack(logits).mean(dim=0)


def evenly_spaced(
    clips: Float[Tensor, "b c t h w"], num_frames: int
) -> Float[Tensor, "b c frames h w"]:
    """The middle frames of so many equal parts of a clip.

    Args:
        clips: (B, C, T, H, W).
        num_frames: at most T.

    Returns:
        (B, C, num_frames, H, W).

    Raises:
        ValueError: for clips with fewer frames.

    Source: the centre frame of every segment, as at test time in the official code.

    >>> evenly_spaced(torch.arange(8.0).view(1, 1, 8, 1, 1), 4).flatten()
    tensor([1., 3., 5., 7.])
    """
    frames = clips.shape[2]
    if not 1 <= num_frames <= frames:
        raise ValueError(f"cannot take {num_frames} of {frames} frames")
    places = [(2 * i + 1) * frames // (2 * num_frames) for i in range(num_frames)]
    return clips[:, :, places]
