"""Inception-v1 with batch norm and its inflated form, I3D.

Source: Carreira & Zisserman, CVPR 2017 (arXiv 1705.07750).  All names are those of the
published network (google-deepmind/kinetics-i3d): `RGB/inception_i3d/Mixed_3b/Branch_0`
is `Mixed_3b.Branch_0` here, with the typing slip `Mixed_5b.Branch_2.Conv3d_0a_3x3`.
`state_dict()` has the published checkpoint's 230 tensors and nothing else.  Input lies
in [-1, 1]; logits are averaged over time.

Known differences: the last average pool covers whatever height and width the map has
(7 x 7 at 224 px, the only size the published code takes), so other sizes run as well.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from course.backbones.inception_layers import (
    LAYERS,
    Triple,
    add_trunk,
    convolution,
    run_trunk,
)

SMALLEST_TIME = 9  # with fewer frames one step is left for the pool over two
SMALLEST_SPACE = 32  # with fewer pixels the last map's one cell sees mostly padding
FEATURES = 1024

# (name, kernel, stride) of the whole network at 224 px, for receptive fields.
I3D_ENDPOINTS: list[tuple[str, Triple, Triple]] = [
    *((layer.name, layer.kernel, layer.stride) for layer in LAYERS),
    ("AvgPool3d_6a_7x7", (2, 7, 7), (1, 1, 1)),
    ("Conv3d_0c_1x1", (1, 1, 1), (1, 1, 1)),
]


class InceptionV1(nn.Module):
    """The picture network that I3D inflates: same table, same names, no time axis.

    Args:
        num_classes: number of logits.
        in_channels: 3 for colours; 20 for a stack of ten flow frames.

    Takes pictures (B, C, H, W) in [-1, 1] of at least 32 x 32 px; made for 224 x 224.

    Raises:
        ValueError: for a picture of another kind.

    >>> import torch
    >>> tuple(InceptionV1(num_classes=5).eval()(torch.zeros(1, 3, 64, 64)).shape)
    (1, 5)
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3):
        super().__init__()
        _check_counts(num_classes, in_channels)
        self.in_channels = in_channels
        add_trunk(self, 2, in_channels)
        self.dropout = nn.Dropout(0.5)
        self.Logits = _logits(2, num_classes)

    def forward_features(
        self, x: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b 1024 h2 w2"]:
        """The last map, 32 times smaller than the picture (rounded up)."""
        _check_input(x, "pictures (B, C, H, W)", 4, self.in_channels)
        return run_trunk(self, x)

    def embed(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1024"]:
        """The last map's mean over all places."""
        return self.forward_features(x).mean(dim=(2, 3))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """Class scores (logits) of pictures in [-1, 1]."""
        return self.Logits(self.dropout(self.embed(x))[:, :, None, None]).flatten(1)

    @property
    def fc(self) -> nn.Linear:
        """The class-score layer as a linear layer on embeddings; see `I3D.fc`."""
        return _linear_view(self.Logits)


class I3D(nn.Module):
    """The inflated network: every kernel and every pool has a time axis.

    Args:
        num_classes: number of logits.
        in_channels: 3 for colours; 2 for optical flow, one field per frame.

    Takes clips (B, C, T, H, W) in [-1, 1] with at least 9 frames of 32 x 32 px; the
    published weights know 224 x 224 px at 25 frames per second.

    Raises:
        ValueError: for a clip of another kind.

    Source: "Two-Stream Inflated 3D ConvNets", Fig. 3; layers in `LAYERS`.

    >>> import torch
    >>> net = I3D(num_classes=5).eval()
    >>> clip = torch.zeros(1, 3, 16, 32, 32)
    >>> tuple(net(clip).shape), len(net.state_dict())
    ((1, 5), 230)
    """

    def __init__(self, num_classes: int = 400, in_channels: int = 3):
        super().__init__()
        _check_counts(num_classes, in_channels)
        self.in_channels = in_channels
        add_trunk(self, 3, in_channels)
        self.dropout = nn.Dropout(0.5)
        self.Logits = _logits(3, num_classes)

    def forward_features(
        self, x: Float[Tensor, "b c t h w"]
    ) -> Float[Tensor, "b 1024 t2 h2 w2"]:
        """The last map: 8 times fewer frames, 32 times smaller (rounded up)."""
        _check_input(x, "clips (B, C, T, H, W)", 5, self.in_channels)
        if x.shape[2] < SMALLEST_TIME:
            raise ValueError(
                f"I3D needs {SMALLEST_TIME} frames or more, got {tuple(x.shape)}"
            )
        return run_trunk(self, x)

    def pooled_per_step(
        self, x: Float[Tensor, "b c t h w"]
    ) -> Float[Tensor, "b 1024 steps 1 1"]:
        """Means over two neighbouring time steps and over all places of the last map.

        One step less than the map has: for T frames ceil(T / 8) - 1.
        """
        features = self.forward_features(x)
        return F.avg_pool3d(features, (2, *features.shape[3:]), stride=1)

    def logits_per_step(
        self, x: Float[Tensor, "b c t h w"]
    ) -> Float[Tensor, "b k steps"]:
        """Class scores (logits) before their mean over time."""
        return self.Logits(self.dropout(self.pooled_per_step(x))).flatten(2)

    def embed(self, x: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b 1024"]:
        """What the logits are linear in: the pooled map's mean over its time steps.

        The map's first and last step count half, as only one of the pool's windows
        covers them.
        """
        return self.pooled_per_step(x).mean(dim=(2, 3, 4))

    def forward(self, x: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b k"]:
        """Class scores (logits), averaged over time."""
        return self.logits_per_step(x).mean(dim=2)

    @property
    def fc(self) -> nn.Linear:
        """The class-score layer as a linear layer on embeddings, for maps and probes.

        It shares the weights' memory but not their gradient: train `Logits` instead.
        """
        return _linear_view(self.Logits)


def inflate_inception(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of `InceptionV1` as weights of `I3D`.

    Every n x n kernel is repeated n times over time and divided by n; batch norm and
    bias are copied.

    Args:
        state: an `InceptionV1`'s `state_dict()`.

    Returns:
        An `I3D`'s, with as many classes and input channels.

    Source: "Bootstrapping 3D filters from 2D Filters".

    >>> import torch
    >>> weights = {"a.weight": torch.ones(1, 1, 3, 3), "a.bias": torch.ones(1)}
    >>> inflated = inflate_inception(weights)
    >>> tuple(inflated["a.weight"].shape), inflated["a.weight"].sum().item()
    ((1, 1, 3, 3, 3), 9.0)
    """
    inflated = dict(state)
    for name, kernel in state.items():
        if kernel.ndim == 4:
            n = kernel.shape[-1]
            inflated[name] = kernel[:, :, None].repeat(1, 1, n, 1, 1) / n
    return inflated


def _logits(axes: int, num_classes: int) -> nn.Sequential:
    """The class-score layer: a 1 x 1 convolution with bias, named as published."""
    unit = nn.Sequential()
    unit.conv_3d = convolution(axes)(FEATURES, num_classes, 1)
    logits = nn.Sequential()
    logits.Conv3d_0c_1x1 = unit
    return logits


def _linear_view(logits: nn.Module) -> nn.Linear:
    weight, bias = (p.detach() for p in logits.parameters())
    linear = nn.Linear(FEATURES, len(bias), device="meta")
    linear.weight = nn.Parameter(weight.flatten(1), requires_grad=False)
    linear.bias = nn.Parameter(bias, requires_grad=False)
    return linear


def _check_counts(num_classes: int, in_channels: int) -> None:
    if min(num_classes, in_channels) < 1:
        raise ValueError(f"needs classes and channels: {num_classes}, {in_channels}")


def _check_input(x: Tensor, what: str, ndim: int, channels: int) -> None:
    if x.ndim != ndim or x.shape[1] != channels:
        raise ValueError(f"expected {what}, C = {channels}; got {tuple(x.shape)}")
    if min(x.shape[-2:]) < SMALLEST_SPACE:
        raise ValueError(
            f"height and width must be >= {SMALLEST_SPACE} px, got {tuple(x.shape)}"
        )
