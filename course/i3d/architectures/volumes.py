"""C3D's plan: convolutions over space and time from the first layer on.

Source: section 2.2, "3D ConvNets" (b of figure 2), after Tran et al., 2015.  As in the
paper there is batch norm after every convolution and hidden linear layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jaxtyping import Float
from torch import Tensor, nn

# The channels of the convolutions of each stage, and (T, H, W) of the largest clip.
C3D_STAGES = ((64,), (128,), (256, 256), (512, 512), (512, 512))
C3D_CLIP = (16, 112, 112)


class ConvNet3D(nn.Module):
    """(b) C3D's plan: 3 x 3 x 3 convolutions, a max pool per stage, linear layers.

    Args:
        num_classes: number of logits.
        stages: for each stage, the channels of its convolutions.
        clip: (T, H, W) of the clips; the linear layers fix it.
        hidden: width of the two hidden linear layers.
        norm3d, norm1d: make the batch norms after every convolution and hidden layer.
        average: give the linear layers the last map's mean instead of all its places
            and moments (not C3D's plan; to find out what knowing them is worth).
    """

    def __init__(
        self,
        num_classes: int,
        stages: Sequence[Sequence[int]],
        clip: tuple[int, int, int],
        hidden: int,
        norm3d: Callable[[int], nn.Module] = nn.BatchNorm3d,
        norm1d: Callable[[int], nn.Module] = nn.BatchNorm1d,
        average: bool = False,
    ):
        super().__init__()
        layers: list[nn.Module] = []
        channels, (t, h, w) = 3, clip
        for stage in stages:
            for width in stage:
                conv = nn.Conv3d(channels, width, 3, padding=1, bias=False)
                layers += [conv, norm3d(width), nn.ReLU()]
                channels = width
            layers.append(nn.MaxPool3d(2, ceil_mode=True))
            t, h, w = ((n + 1) // 2 for n in (t, h, w))
        self.features = nn.Sequential(*layers)
        self.average = average
        places = 1 if average else t * h * w
        sizes = (channels * places, hidden, hidden)
        head: list[nn.Module] = []
        for wide, narrow in zip(sizes, sizes[1:], strict=False):
            head += [nn.Linear(wide, narrow, bias=False), norm1d(narrow), nn.ReLU()]
        self.head = nn.Sequential(*head)
        self.fc = nn.Linear(hidden, num_classes)

    def embed(self, clips: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b d"]:
        """What the last linear layer reads."""
        maps = self.features(clips)
        return self.head(maps.mean((2, 3, 4)) if self.average else maps.flatten(1))

    def forward(self, clips: Float[Tensor, "b 3 t h w"]) -> Float[Tensor, "b k"]:
        """Class scores; clips must have the size given at the start."""
        return self.fc(self.embed(clips))
