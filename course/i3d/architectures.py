"""The five architectures that the paper compares (section 2, figure 2, table 1).

    lstm        a  2-D net on each frame, an LSTM on its features
    c3d         b  3-D convolutions from scratch, with three large linear layers
    two_stream  c  one 2-D net on a frame, one on a stack of optical flow
    fused       d  the maps of both streams at several moments, joined by a 3-D layer
    i3d         e  one inflated net on frames, one on flow

`build` makes them at the paper's size on Inception-v1 (table 1: 9, 79, 12, 39 and 25
million parameters); `build_from` makes the same five from a trained image network, the
small one of the cpu scale or Inception-v1.  All take clips in [-1, 1], flow with 20 px
of 224 at +-1.

Differences from the paper, which leaves them open: the LSTM's batch norm stands on the
gates' input; the fused net averages what its 3-D pool leaves.  Those readings are the
ones that give the printed numbers of parameters.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from course.backbones import I3D, InceptionV1, inflate_inception
from course.backbones.inception_layers import OffsetBatchNorm
from course.i3d.inflation import change_input_channels, inflate
from course.i3d.small_base import SmallNet

NAMES = ("lstm", "c3d", "two_stream", "fused", "i3d")
ImageNetwork = SmallNet | InceptionV1
C3D_CLIP = (16, 112, 112)  # the largest clip that `c3d` is given
MOST_FLOW = 10  # flow frames that a two-stream network stacks


def features_per_frame(
    net2d: nn.Module, frames: Float[Tensor, "b c t h w"]
) -> Float[Tensor, "b d t h2 w2"]:
    """The last map of an image network on every frame of a batch of clips."""
    maps = net2d.forward_features(rearrange(frames, "b c t h w -> (b t) c h w"))
    return rearrange(maps, "(b t) d h w -> b d t h w", b=len(frames))


def stack_flow(flow: Float[Tensor, "b 2 t h w"]) -> Float[Tensor, "b c h w"]:
    """Flow frames as channels (u1, v1, u2, v2, ...), as two-stream networks read them.

    >>> stack_flow(torch.rand(1, 2, 10, 8, 8)).shape
    torch.Size([1, 20, 8, 8])
    """
    if flow.ndim != 5 or flow.shape[1] != 2:
        raise ValueError(f"flow must be (B, 2, T, H, W), got {tuple(flow.shape)}")
    return rearrange(flow, "b c t h w -> b (t c) h w")


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
        net2d: nn.Module,
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


class ConvNet3D(nn.Module):
    """(b) C3D's plan: 3 x 3 x 3 convolutions, a max pool per stage, linear layers.

    Args:
        num_classes: number of logits.
        stages: for each stage, the channels of its convolutions.
        clip: (T, H, W) of the clips; the linear layers fix it.
        hidden: width of the two hidden linear layers.
        norm3d, norm1d: make the batch norms after every convolution and hidden layer.
    """

    def __init__(
        self,
        num_classes: int,
        stages: Sequence[Sequence[int]],
        clip: tuple[int, int, int],
        hidden: int,
        norm3d: Callable[[int], nn.Module] = nn.BatchNorm3d,
        norm1d: Callable[[int], nn.Module] = nn.BatchNorm1d,
    ):
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for stage in stages:
            for width in stage:
                conv = nn.Conv3d(channels, width, 3, padding=1, bias=False)
                layers += [conv, norm3d(width), nn.ReLU()]
                channels = width
            layers.append(nn.MaxPool3d(2, ceil_mode=True))
            clip = tuple((n + 1) // 2 for n in clip)  # type: ignore[assignment]
        self.features = nn.Sequential(*layers)
        sizes = (channels * clip[0] * clip[1] * clip[2], hidden, hidden)
        head: list[nn.Module] = []
        for wide, narrow in zip(sizes, sizes[1:], strict=False):
            head += [nn.Linear(wide, narrow, bias=False), norm1d(narrow), nn.ReLU()]
        self.head = nn.Sequential(*head)
        self.fc = nn.Linear(hidden, num_classes)

    def embed(self, clips: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b d"]:
        """What the last linear layer reads."""
        return self.head(self.features(clips).flatten(1))

    def forward(self, clips: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b k"]:
        """Class scores; clips must have the size given at the start."""
        return self.fc(self.embed(clips))


class FusedTwoStream(nn.Module):
    """(d) Both streams' maps at several moments, joined by a 3-D convolution.

    Args:
        rgb, flow: image networks with maps of `channels` channels; `flow` reads stacks.
        channels: of each stream's map.
        hidden: channels of the 3-D convolution.
        num_classes: number of logits.
    """

    def __init__(
        self,
        rgb: nn.Module,
        flow: nn.Module,
        channels: int,
        hidden: int,
        num_classes: int,
    ):
        super().__init__()
        self.rgb, self.flow = rgb, flow
        self.conv = nn.Conv3d(2 * channels, hidden, 3, padding=1, bias=False)
        self.pool = nn.MaxPool3d(3, stride=2, padding=1)
        self.fc = nn.Linear(hidden, num_classes, bias=False)

    def forward(
        self, rgb: Float[Tensor, "b 3 s h w"], flow: Float[Tensor, "b c s h w"]
    ) -> Float[Tensor, "b k"]:
        """Class scores from frames and the flow stacks around them, S moments each."""
        both = (features_per_frame(self.rgb, rgb), features_per_frame(self.flow, flow))
        maps = self.pool(self.conv(torch.cat(both, dim=1)))
        return self.fc(maps.mean((2, 3, 4)))


class TwoStreams(nn.Module):
    """(c, e) Two networks trained apart; at test their logits are added.

    Args:
        rgb, flow: networks with the same classes.

    The paper says the predictions are averaged; its released code adds logits.
    """

    def __init__(self, rgb: nn.Module, flow: nn.Module):
        super().__init__()
        self.rgb, self.flow = rgb, flow

    def forward(
        self, rgb: Float[Tensor, "b 3 ..."], flow: Float[Tensor, "b c ..."]
    ) -> Float[Tensor, "b k"]:
        """Sum of the two streams' class scores."""
        return self.rgb(rgb) + self.flow(flow)


# ------------------------------------------------------------------ the paper's sizes
C3D_STAGES = ((64,), (128,), (256, 256), (512, 512), (512, 512))


def build(name: str, num_classes: int = 400) -> nn.Module:
    """One of the five at the paper's size, on Inception-v1, with fresh weights.

    Args:
        name: one of `NAMES`.
        num_classes: number of logits.

    Returns:
        The network; under `torch.device("meta")` it costs no memory.

    Raises:
        ValueError: for another name.

    >>> with torch.device("meta"):
    ...     sum(p.numel() for p in build("i3d").parameters())
    25358016
    """
    if name == "lstm":
        return ConvNetLSTM(_trunk(3), 1024, 512, num_classes, OffsetBatchNorm)
    if name == "c3d":
        size = (16, 112, 112)
        return ConvNet3D(
            num_classes, C3D_STAGES, size, 4096, OffsetBatchNorm, OffsetBatchNorm
        )
    if name == "two_stream":
        return TwoStreams(InceptionV1(num_classes), InceptionV1(num_classes, 20))
    if name == "fused":
        return FusedTwoStream(_trunk(3), _trunk(20), 1024, 512, num_classes)
    if name == "i3d":
        return TwoStreams(I3D(num_classes), I3D(num_classes, 2))
    raise ValueError(f"architectures are {', '.join(NAMES)}; got {name!r}")


def _trunk(in_channels: int) -> nn.Module:
    """Inception-v1 without its classifier."""
    net = InceptionV1(1, in_channels)
    del net.Logits
    return net


# -------------------------------------------------- starting from an image network
def build_from(
    name: str,
    net2d: ImageNetwork,
    num_classes: int,
    clip: tuple[int, int, int],
    taps: str = "mean",
) -> nn.Module:
    """One of the five that starts from a trained image network.

    Args:
        name: one of `NAMES`.
        net2d: trained on pictures; all but `c3d` start from its weights.
        num_classes: number of logits.
        clip: (T, H, W) of the clips.
        taps: how `i3d` is inflated.

    Returns:
        The network: `c3d` and `lstm` take frames, the others frames and flow.

    Raises:
        ValueError: for another name.
    """
    width = net2d.fc.in_features
    if name == "lstm":
        return ConvNetLSTM(copy.deepcopy(net2d), width, width, num_classes)
    if name == "c3d":
        small = isinstance(net2d, SmallNet)
        stages = ((width // 4,), (width // 2,), (width, width))
        size = tuple(min(n, most) for n, most in zip(clip, C3D_CLIP, strict=True))
        return ConvNet3D(num_classes, stages if small else C3D_STAGES, size, 4 * width)
    if name == "two_stream":
        flow = make_stream(net2d, num_classes, channels=2 * min(clip[0] - 1, MOST_FLOW))
        return TwoStreams(make_stream(net2d, num_classes), flow)
    if name == "fused":
        rgb, flow = make_stream(net2d, 1), make_stream(net2d, 1, channels=6)
        return FusedTwoStream(rgb, flow, width, 2 * width, num_classes)
    if name == "i3d":
        rgb = make_stream(net2d, num_classes, taps=taps, video=True)
        return TwoStreams(rgb, make_stream(net2d, num_classes, 2, taps, video=True))
    raise ValueError(f"architectures are {', '.join(NAMES)}; got {name!r}")


def make_stream(
    net2d: ImageNetwork,
    num_classes: int,
    channels: int = 3,
    taps: str = "mean",
    video: bool = False,
    channel_rule: str = "mean",
) -> nn.Module:
    """A stream that starts from an image network's weights.

    Args:
        net2d: the image network; stays as it is.
        num_classes: of the new last layer.
        channels: of the input; other than 3, the first layer changes by `channel_rule`.
        taps: how kernels are inflated.
        video: inflate it, or leave it an image network.
        channel_rule: see `change_input_channels`.

    Returns:
        The stream, its last layer untrained.
    """
    if isinstance(net2d, InceptionV1):
        return _inception_stream(net2d, num_classes, channels, video, channel_rule)
    net = inflate(net2d, taps=taps) if video else copy.deepcopy(net2d)
    if channels != net2d.conv1.in_channels:
        net.conv1 = change_input_channels(net.conv1, channels, channel_rule)
    net.fc = nn.Linear(net2d.fc.in_features, num_classes)
    return net


def _inception_stream(
    net2d: InceptionV1, num_classes: int, channels: int, video: bool, rule: str
) -> nn.Module:
    """The same for Inception-v1, whose inflated copy is `I3D`, zero padding and all."""
    state = net2d.state_dict()
    state = inflate_inception(state) if video else state
    net: nn.Module = I3D(num_classes) if video else InceptionV1(num_classes)
    net.load_state_dict(
        {k: v for k, v in state.items() if not k.startswith("Logits")}, strict=False
    )
    if channels != 3:
        first = net.Conv3d_1a_7x7
        first.conv_3d = change_input_channels(first.conv_3d, channels, rule)
        net.in_channels = channels
    return net
