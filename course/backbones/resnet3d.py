"""3-D ResNet-18: a ResNet-18 whose 3 x 3 convolutions are 3 x 3 x 3.

Hara, Kataoka and Satoh, "Can Spatiotemporal 3D CNNs Retrace the History of 2D CNNs and
ImageNet?", CVPR 2018.  It is the video network of "Why Can't I Dance in the Mall?"
(Choi et al., NeurIPS 2019).  Parameters have the names of 3D-ResNets-PyTorch, in which
the released weights are stored: `conv1`, `bn1`, `layer1.0.conv1`, `layer2.0.downsample`
and `fc`; its clips, too, are 255 times RGB minus ActivityNet's mean.  Differences:

- Type "A" shortcuts let the gradient through.  That code rebuilds them from `.data`, so
  none passes the three that lead from stage to stage: "A detached" does the same.
- The last map is averaged whatever its size; there the window is fixed by the clip's.
- Clips come in [0, 1]; the scaling is part of the network.

torchvision's `r3d_18` has type "B" shortcuts and a stem of 3 x 7 x 7 without pooling.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

SHORTCUTS = ("A", "B", "A detached")
# RGB of ActivityNet's videos on average, 0 .. 255, as the published networks expect.
ACTIVITYNET_MEAN = (114.77, 107.74, 99.48)


class ZeroPadded(nn.Module):
    """Shortcut of type A: every so many cells, and channels of zeros behind the others.

    Args:
        new_channels: channels of zeros.
        stride: of the cells, along every axis.
        detached: stop the gradient, as the released code does.
    """

    def __init__(self, new_channels: int, stride: int, detached: bool = False):
        super().__init__()
        self.new_channels, self.stride, self.detached = new_channels, stride, detached

    def forward(self, x: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b d t2 h2 w2"]:
        step = self.stride
        kept = x[:, :, ::step, ::step, ::step]
        kept = kept.detach() if self.detached else kept
        return F.pad(kept, (0, 0, 0, 0, 0, 0, 0, self.new_channels))


class BasicBlock3d(nn.Module):
    """Two 3 x 3 x 3 convolutions and a shortcut around them.

    Args:
        in_channels: of the map that comes in.
        width: channels of the map that goes out.
        stride: of the first convolution and the shortcut, along every axis.
        shortcut: one of `SHORTCUTS`, used where the map changes its size.
    """

    def __init__(self, in_channels: int, width: int, stride: int, shortcut: str):
        super().__init__()
        self.conv1 = nn.Conv3d(in_channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = nn.Conv3d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm3d(width)
        self.downsample = _shortcut(in_channels, width, stride, shortcut)

    def forward(self, x: Float[Tensor, "b c t h w"]) -> Float[Tensor, "b d t2 h2 w2"]:
        out = torch.relu(self.bn1(_convolved(self.conv1, x)))
        out = self.bn2(_convolved(self.conv2, out))
        return torch.relu(out + self.downsample(x))


class ResNet3D(nn.Module):
    """A residual network over space and time; see `resnet3d18`, `small_resnet3d`.

    Args:
        num_classes: number of logits.
        widths: channels of each stage.
        strides: of each stage's first block, over time, height and width.
        depth: blocks in a stage.
        shortcut: one of `SHORTCUTS`.
        kernel: side of the first convolution, odd; it halves height and width, and the
            max-pool behind it halves time, height and width.
    """

    def __init__(
        self,
        num_classes: int,
        widths: tuple[int, ...] = (64, 128, 256, 512),
        strides: tuple[int, ...] = (1, 2, 2, 2),
        depth: int = 2,
        shortcut: str = "A",
        kernel: int = 7,
    ):
        super().__init__()
        _check_options(num_classes, widths, shortcut)
        self.conv1 = nn.Conv3d(3, widths[0], kernel, (1, 2, 2), kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm3d(widths[0])
        self.maxpool = nn.MaxPool3d(3, 2, 1)
        self.stages = [f"layer{number}" for number in range(1, len(widths) + 1)]
        channels = widths[0]
        for name, width, stride in zip(self.stages, widths, strides, strict=True):
            blocks = [BasicBlock3d(channels, width, stride, shortcut)]
            blocks += [
                BasicBlock3d(width, width, 1, shortcut) for _ in range(depth - 1)
            ]
            self.add_module(name, nn.Sequential(*blocks))
            channels = width
        self.fc = nn.Linear(channels, num_classes)
        mean = torch.tensor(ACTIVITYNET_MEAN).view(3, 1, 1, 1)
        self.mean: Tensor
        self.register_buffer("mean", mean, persistent=False)
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward_features(
        self, clips: Float[Tensor, "b 3 t h w"]
    ) -> Float[Tensor, "b d t2 h2 w2"]:
        """The last feature map, before pooling; clips are in [0, 1]."""
        if clips.ndim != 5 or clips.shape[1] != 3:
            raise ValueError(f"clips must be (B, 3, T, H, W), got {tuple(clips.shape)}")
        x = _convolved(self.conv1, 255.0 * clips - self.mean)
        x = self.maxpool(torch.relu(self.bn1(x)))
        for name in self.stages:
            x = self.get_submodule(name)(x)
        return x

    def embed(self, clips: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b d"]:
        """The feature map's mean over time and space."""
        return self.forward_features(clips).mean(dim=(2, 3, 4))

    def forward(self, clips: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b k"]:
        """Class scores (logits)."""
        return self.fc(self.embed(clips))


def resnet3d18(num_classes: int = 400, shortcut: str = "A") -> ResNet3D:
    """3-D ResNet-18 as scene debiasing trains it, for clips of 16 frames at 112 px.

    Without `fc` it has 33,030,080 parameters with type "A", 33,203,904 with "B".

    Args:
        num_classes: number of logits.
        shortcut: where a stage changes the map's size: "A" pads with zero channels, "B"
            is a 1 x 1 x 1 convolution with batch norm, "A detached" is "A" without a
            gradient, as the released code computes it.

    Returns:
        Module from clips (B, 3, T, H, W) in [0, 1] to logits (B, num_classes), newly
        initialised; `embed` gives 512 features, `forward_features` (B, 512, T/16, H/32,
        W/32), rounded up.

    Raises:
        ValueError: for an unknown shortcut, or clips of another shape.

    Source: Hara et al., CVPR 2018, Table 1; the settings are those of Choi et al.

    >>> net = resnet3d18(8)
    >>> tuple(net.forward_features(torch.rand(1, 3, 16, 64, 64)).shape)
    (1, 512, 1, 2, 2)
    """
    return ResNet3D(num_classes, shortcut=shortcut)


def small_resnet3d(
    num_classes: int, widths: tuple[int, ...] = (16, 32, 64), shortcut: str = "A"
) -> ResNet3D:
    """The same idea at cpu scale, for clips of about 8 frames at 32 px.

    One block a stage, a first convolution of 3 x 3 x 3, and a last stage that keeps the
    size, so that the last map still shows where something is.

    Args:
        num_classes: number of logits.
        widths: channels of each stage.
        shortcut: as in `resnet3d18`.

    Returns:
        Module from clips (B, 3, T, H, W) in [0, 1] to logits (B, num_classes).

    Raises:
        ValueError: as `resnet3d18`, and without classes or widths, or for widths that
            shrink under type "A".

    >>> net = small_resnet3d(8)
    >>> tuple(net.forward_features(torch.rand(2, 3, 8, 32, 32)).shape)
    (2, 64, 2, 4, 4)
    """
    strides = (1, *[2] * (len(widths) - 2), 1)[: len(widths)]
    return ResNet3D(num_classes, widths, strides, 1, shortcut, kernel=3)


def _shortcut(in_channels: int, width: int, stride: int, kind: str) -> nn.Module:
    if stride == 1 and in_channels == width:
        return nn.Sequential()  # passes its input on and has no parameters
    if kind != "B":
        return ZeroPadded(width - in_channels, stride, kind == "A detached")
    return nn.Sequential(
        nn.Conv3d(in_channels, width, 1, stride, bias=False), nn.BatchNorm3d(width)
    )


def _convolved(conv: nn.Conv3d, x: Tensor) -> Tensor:
    # torch 2.13 computes the weight's bfloat16 gradient wrongly on CPUs, or writes
    # outside its memory, where a clip has fewer frames than the kernel: use float32.
    if x.device.type == "cpu" and x.shape[2] < conv.kernel_size[0]:
        with torch.autocast("cpu", enabled=False):
            return conv(x.to(conv.weight.dtype))
    return conv(x)


def _check_options(num_classes: int, widths: tuple[int, ...], shortcut: str) -> None:
    if num_classes < 1 or not widths:
        raise ValueError(f"needs classes and widths, got {num_classes} and {widths}")
    if shortcut not in SHORTCUTS:
        raise ValueError(f"shortcut must be one of {SHORTCUTS}, got {shortcut!r}")
    if shortcut != "B" and any(a > b for a, b in zip(widths, widths[1:], strict=False)):
        raise ValueError(
            f"type {shortcut!r} can only add channels, got widths {widths}"
        )
