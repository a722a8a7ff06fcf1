"""The layers that inflation leaves alone, and those it gives a time axis beside the
convolutions: pooling, batch norm and dropout.

Source: Carreira & Zisserman, CVPR 2017, section 2.4: kernels of pooling layers get a
time axis as well, and any pooling over time keeps a constant sequence constant.
"""

from __future__ import annotations

from typing import TypeVar

from torch import nn

Layer = TypeVar("Layer", bound=nn.Module)
# Layers of torch.nn, beside activations and containers, to which the number of axes
# behind the channels does not matter.
AXIS_FREE = {
    *("Dropout", "AlphaDropout", "Identity", "Flatten", "Linear"),
    *("GroupNorm", "SyncBatchNorm", "LocalResponseNorm"),
}
FLAT_ACTIVATIONS = {"MultiheadAttention", "Softmax2d"}


def keeps_any_axes(layer: nn.Module) -> bool:
    """Whether a module works on (B, C, T, H, W) as it does on (B, C, H, W).

    A module that torch.nn does not have is taken at its word: unless it is named 2d and
    has no layers inside, it counts as one that does not look at the number of axes.

    >>> keeps_any_axes(nn.ReLU()), keeps_any_axes(nn.Upsample(scale_factor=2))
    (True, False)
    """
    kind = type(layer)
    if not kind.__module__.startswith("torch."):
        # A convolution with a `forward` of its own would lose it by conversion, and
        # a layer that calls itself 2d looks at the axes (FrozenBatchNorm2d).
        leaf = next(layer.children(), None) is None
        return not isinstance(layer, nn.Conv2d) and not (leaf and "2d" in kind.__name__)
    if kind.__module__ == "torch.nn.modules.activation":
        return kind.__name__ not in FLAT_ACTIVATIONS
    containers = ("torch.nn.modules.container", "torch.nn.modules.module")
    return kind.__module__ in containers or kind.__name__ in AXIS_FREE


def inflate_layer(layer: nn.Module, time_pool: tuple[int, int] = (1, 1)) -> nn.Module:
    """The 3-D layer for a 2-D pooling, batch norm or dropout layer.

    Args:
        layer: may share its tensors with the result.
        time_pool: (kernel, stride) in time of a max or average pool.

    Returns:
        The layer for (B, C, T, H, W).  `AdaptiveAvgPool2d(1)` becomes the mean over
        space and time; another output size leaves time alone.

    Raises:
        ValueError: no inflation of this kind of layer is known.

    >>> inflate_layer(nn.AvgPool2d(2), (3, 1)).kernel_size
    (3, 2, 2)
    """
    if type(layer).__module__.startswith("torch.nn."):
        if isinstance(layer, (nn.MaxPool2d, nn.AvgPool2d)):
            return same_mode(_pool(layer, *time_pool), layer)
        if isinstance(layer, (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)):
            return same_mode(_adaptive_pool(layer), layer)
        if isinstance(layer, nn.Dropout2d):
            return same_mode(nn.Dropout3d(layer.p, layer.inplace), layer)
        if type(layer) is nn.BatchNorm2d:  # not a lazy or parametrised one
            return same_mode(_batch_norm(layer), layer)
    raise ValueError(f"no inflation is known for {layer}")


def same_mode(new: Layer, old: nn.Module) -> Layer:
    """Give a layer another's training mode and frozen parameters.

    >>> same_mode(nn.ReLU(), nn.ReLU().eval()).training
    False
    """
    frozen = {name for name, value in old.named_parameters() if not value.requires_grad}
    for name, value in new.named_parameters():
        value.requires_grad_(name not in frozen)
    return new.train(old.training)


def zeros_around(conv: nn.Conv2d) -> tuple[tuple[int, ...], tuple[int, int]]:
    """Zeros on both sides of (height, width), and more of them (right, below).

    >>> zeros_around(nn.Conv2d(1, 1, 4, padding="same"))
    ((1, 1), (1, 1))
    """
    if isinstance(conv.padding, tuple):
        return conv.padding, (0, 0)
    if conv.padding == "valid":
        return (0, 0), (0, 0)
    steps = zip(conv.kernel_size, conv.dilation, strict=True)
    rows, columns = (dilation * (kernel - 1) for kernel, dilation in steps)
    return (rows // 2, columns // 2), (columns % 2, rows % 2)


def _pool(layer, kernel: int, stride: int) -> nn.Module:
    if kernel < 1 or stride < 1:
        raise ValueError(f"a pool's kernel and stride are >= 1: {kernel}, {stride}")
    size = (kernel, *_pair(layer.kernel_size))
    step = (stride, *_pair(layer.stride))
    if isinstance(layer, nn.AvgPool2d):
        divisor = layer.divisor_override
        return nn.AvgPool3d(
            size,
            step,
            (0, *_pair(layer.padding)),
            layer.ceil_mode,
            layer.count_include_pad,
            divisor * kernel if divisor else None,
        )
    if layer.return_indices:
        raise ValueError("a pool that returns indices counts them in two dimensions")
    return nn.MaxPool3d(
        size,
        step,
        ((kernel - 1) // 2, *_pair(layer.padding)),
        (1, *_pair(layer.dilation)),
        ceil_mode=layer.ceil_mode,
    )


def _adaptive_pool(layer) -> nn.Module:
    pair = _pair(layer.output_size)
    size = 1 if pair == (1, 1) else (None, *pair)
    if isinstance(layer, nn.AdaptiveAvgPool2d):
        return nn.AdaptiveAvgPool3d(size)
    if layer.return_indices:
        raise ValueError("a pool that returns indices counts them in two dimensions")
    return nn.AdaptiveMaxPool3d(size)


def _batch_norm(layer: nn.BatchNorm2d) -> nn.BatchNorm3d:
    norm = nn.BatchNorm3d(
        layer.num_features,
        layer.eps,
        layer.momentum,
        layer.affine,
        layer.track_running_stats,
    )
    norm.load_state_dict(layer.state_dict(), assign=True)
    return norm


def _pair(value) -> tuple:
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)
