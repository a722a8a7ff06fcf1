"""A published-style network as one of the course's recognisers.

The course's clips lie in [0, 1], and its report card asks every recogniser for
`forward`, `forward_features`, `embed` and a linear `fc`.  `I3D` takes [-1, 1], needs
nine frames, and pools two neighbouring time steps before its scores.
"""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from course.backbones.inception import I3D


class I3DRecogniser(nn.Module):
    """`I3D` for clips in [0, 1] of any length and size.

    Args:
        net: an `I3D` for three channels.
        size: (T, H, W) that every clip is brought to: frames are repeated (or left
            out), pictures enlarged bilinearly.  None leaves clips as they are.

    Raises:
        ValueError: for clips that `net` cannot take.

    >>> import torch
    >>> model = I3DRecogniser(I3D(8), size=(16, 64, 64)).eval()
    >>> clips = torch.rand(1, 3, 8, 32, 32)
    >>> tuple(model(clips).shape), tuple(model.forward_features(clips).shape)
    ((1, 8), (1, 1024, 1, 2, 2))
    """

    def __init__(self, net: I3D, size: tuple[int, int, int] | None = None):
        super().__init__()
        self.net, self.size = net, size

    def prepare(self, clips: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b 3 *size"]:
        """Clips in [-1, 1] at the network's size."""
        if clips.ndim != 5:
            raise ValueError(f"clips must be (B, C, T, H, W), got {tuple(clips.shape)}")
        if self.size is not None:
            frames, *space = self.size
            clips = F.interpolate(clips, (frames, *clips.shape[3:]))
            clips = F.interpolate(clips, (frames, *space), mode="trilinear")
        return 2.0 * clips - 1.0

    def forward_features(
        self, clips: Float[Tensor, "b 3 t h w"]
    ) -> Float[Tensor, "b 1024 t2 h2 w2"]:
        """The last map, two neighbouring time steps averaged.

        Its plain mean is the embedding, so class activation maps account exactly.
        """
        features = self.net.forward_features(self.prepare(clips))
        return F.avg_pool3d(features, (2, 1, 1), stride=1)

    def embed(self, clips: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b 1024"]:
        """What the logits are linear in."""
        return self.net.embed(self.prepare(clips))

    def forward(self, clips: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b k"]:
        """Class scores (logits)."""
        return self.net(self.prepare(clips))

    @property
    def fc(self) -> nn.Linear:
        """The class-score layer; see `I3D.fc`."""
        return self.net.fc
