"""What temporal convolutions do with time: average it, or look at its changes?

FAME (Ding et al., CVPR 2022), its bias analysis, plots the weights of R(2+1)D's
temporal convolutions (3 x 1 x 1) and reads a wide spread as flexible temporal
modelling.  A raw spread cannot show that: a batch norm follows each convolution, so a
kernel's scale is free and ends where weight decay leaves it.  Free of scale is the
share of a kernel's energy that is not its average over the taps,

    R = mean_oi Var_tap(w_oi) / mean_oi,tap(w_oi ^ 2)   in [0, 1].

0 means that the taps are equal: time is averaged, a reversed or shuffled clip gives the
same.  1 means that they sum to zero: only change is seen, a still clip gives nothing.
Taps drawn independently have (K - 1) / K on average, 2/3 for three; training lowers or
raises it *from there*, so always show the untrained network beside the trained one.

Known difference from the paper: its word "variance" is not defined, R is ours.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn


def non_dc_share(weight: Float[Tensor, "o i taps *space"]) -> float:
    """The share of a kernel's energy that answers to change in time.

    "DC" is what signal processing calls the part that a constant input passes through:
    here the mean of a kernel's taps.

    Args:
        weight: of a convolution, time on the third axis; a kernel over space as well
            is taken place by place.

    Returns:
        R in [0, 1]; nan if all weights are zero.

    Raises:
        ValueError: for a weight without an axis of at least two taps.

    Source: see the head of this file; variance over taps with 1 / K.

    >>> import torch
    >>> taps = torch.tensor([[[1.0, 2.0, 3.0]]])  # variance 2/3, mean square 14/3
    >>> round(non_dc_share(taps), 4)
    0.1429
    """
    if weight.ndim < 3 or weight.shape[2] < 2:
        shape = tuple(weight.shape)
        raise ValueError(f"weight must be (out, in, taps > 1, ...), got {shape}")
    exact = weight.detach().double()
    varying = exact.var(dim=2, correction=0).mean()
    return (varying / exact.square().mean()).item()


def temporal_convolutions(net: nn.Module) -> dict[str, nn.Conv3d | nn.Conv1d]:
    """The convolutions of a network that see time alone, in the network's order.

    Args:
        net: any network; R(2+1)D's have such layers, a 3-D ResNet has none.

    Returns:
        Name -> `nn.Conv3d` with a kernel (K, 1, 1), K > 1, or `nn.Conv1d` with K > 1.

    >>> from course.backbones import small_r2plus1d
    >>> list(temporal_convolutions(small_r2plus1d(8)))
    ['blocks.0.conv_time', 'blocks.1.conv_time', 'blocks.2.conv_time']
    """
    return {
        name: module
        for name, module in net.named_modules()
        if isinstance(module, (nn.Conv3d, nn.Conv1d))
        and module.kernel_size[0] > 1
        and all(side == 1 for side in module.kernel_size[1:])
    }


def temporal_shares(net: nn.Module) -> dict[str, float]:
    """R of every temporal convolution of a network.

    Args:
        net: see `temporal_convolutions`.

    Returns:
        Name of the layer -> R.

    Raises:
        ValueError: for a network without a temporal convolution.

    >>> from course.backbones import small_r2plus1d
    >>> shares = temporal_shares(small_r2plus1d(8))
    >>> all(0.6 < share < 0.73 for share in shares.values())  # untrained: about 2/3
    True
    """
    layers = temporal_convolutions(net)
    if not layers:
        raise ValueError(f"{type(net).__name__} has no convolution over time alone")
    return {name: non_dc_share(layer.weight) for name, layer in layers.items()}


def raw_spread(weight: Float[Tensor, "o i taps *space"]) -> float:
    """The plain standard deviation of all weights of a layer, which depends on scale.

    It is here to be compared with `non_dc_share`: half the weights, half the spread,
    while behind a batch norm the network's answers stay what they were.

    Args:
        weight: of a convolution.

    Returns:
        The deviation around the mean of all weights, with 1 / N.

    >>> import torch
    >>> raw_spread(torch.tensor([[[-2.0, 2.0]]]))
    2.0
    """
    return weight.detach().double().std(correction=0).item()
