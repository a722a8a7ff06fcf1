"""The motion inside a network: look at it, or put given motion in its place.

`motion_of` tells what a network's module finds in clips.  Within `giving(net, maps)`
every MotionSqueeze module skips its matching and feeds these maps to its transform;
losses, gradients and all other layers stay: what would the true flow be worth?
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jaxtyping import Float
from torch import Tensor, nn

from course.evaluation.inference import evaluating
from course.motion_squeeze.module import MotionSqueeze


def motion_of(
    net: nn.Module, clips: Float[Tensor, "b c t height width"]
) -> tuple[Float[Tensor, "b 2 pairs h w"], Float[Tensor, "b pairs h w"]]:
    """What a network's first MotionSqueeze module finds in clips, in eval mode.

    Args:
        net: a network with such a module.
        clips: as the network takes them.

    Returns:
        displacement (dx, dy) in cells and confidence; see `MotionSqueeze.motion`.

    Raises:
        ValueError: without a module.

    >>> import torch
    >>> from course.motion_squeeze.networks import msnet
    >>> displacement, _ = motion_of(msnet("small", 8), torch.rand(1, 3, 8, 32, 32))
    >>> tuple(displacement.shape)
    (1, 2, 7, 16, 16)
    """
    seen: list[Tensor] = []
    module = motion_modules(net)[0]
    hook = module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        with evaluating(net):
            net(clips)
            return module.motion(seen[0])
    finally:
        hook.remove()


def motion_modules(net: nn.Module) -> list[MotionSqueeze]:
    """A network's MotionSqueeze modules, in their order.

    Raises:
        ValueError: if there is none.

    >>> len(motion_modules(nn.Sequential(MotionSqueeze(8), MotionSqueeze(16))))
    2
    """
    modules = [each for each in net.modules() if isinstance(each, MotionSqueeze)]
    if not modules:
        raise ValueError(f"{type(net).__name__} has no MotionSqueeze module")
    return modules


@contextmanager
def giving(net: nn.Module, maps: Float[Tensor, "b channels pairs h w"]) -> Iterator:
    """Feed given motion to every MotionSqueeze module inside the block.

    Args:
        net: a network with at least one such module.
        maps: (B, 2, T - 1, H, W), displacement (dx, dy) in cells of the module's map,
            and, as a third channel if there is one, the confidence (else it is 1).

    Raises:
        ValueError: without a module; in `forward`, for maps of another size.

    Source: ours, to tell the matching apart from what is made of it.

    >>> import torch
    >>> module = MotionSqueeze(8, max_displacement=2)
    >>> with giving(module, torch.ones(1, 2, 3, 5, 5)):
    ...     module.motion(torch.rand(1, 8, 4, 5, 5))[0].unique()
    tensor([1.])
    """
    modules = motion_modules(net)
    before = [module.given for module in modules]
    for module in modules:
        module.given = maps
    try:
        yield
    finally:
        for module, old in zip(modules, before, strict=True):
            module.given = old
