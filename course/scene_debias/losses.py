"""The losses of scene debiasing: the adversary's, and the one for masked clips.

Source: SDN (Choi et al., NeurIPS 2019), its method section.  With action head f_A,
scene head f_S, features G(x) and a scene target p over M scenes:

    L_Adv = - E [ sum_m p_m log f_S(G(x))_m ]        the scene head's own cross-entropy
    L_Ent = - E [ sum_n f_A(G(x))_n log f_A(G(x))_n ]    entropy, on human-masked clips

The head descends L_Adv and the features climb it (`gradient_reversal`).  L_Ent is to
grow: without the human the network should not know the action, so what is minimised is
its negative, `human_mask_confusion_loss`.

Known differences from the official code: none in these two functions.  Which head's
entropy it is, and with which sign it reaches the features, differs: see `debiasing`.

Everywhere: logits are (B, K); half precision is taken to float32; the values of targets
are checked on the CPU only, since reading them would make a GPU wait.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def scene_adversarial_loss(
    logits: Float[Tensor, "b m"], target: Int[Tensor, " b"] | Float[Tensor, "b m"]
) -> Float[Tensor, ""]:
    """The scene head's cross-entropy against scene labels, hard or soft.

    Args:
        logits: the head's scores, (B, M).
        target: scene indices (B,), or a distribution over scenes for each clip (B, M),
            not negative and with sum 1.

    Returns:
        The batch's mean in nats.  Its least value for soft labels is their entropy.

    Raises:
        ValueError: for shapes, types or values that do not fit.

    Source: SDN's L_Adv.

    >>> logits = torch.zeros(2, 4)
    >>> round(scene_adversarial_loss(logits, torch.tensor([0, 3])).item(), 4)  # ln 4
    1.3863
    """
    logits = _checked(logits)
    if target.ndim == 1:
        _check_indices(target, logits)
        return F.cross_entropy(logits, target.long())
    _check_distributions(target, logits)
    # In the logits' own type: a float64 target would silently double the work.
    return F.cross_entropy(logits, target.to(logits.dtype))


def human_mask_confusion_loss(logits: Float[Tensor, "b n"]) -> Float[Tensor, ""]:
    """Minus the mean entropy of the action scores, for clips without their human.

    Its gradient fades where the network is sure: one with nearly all probability on
    one action is hardly moved (`entropy` has the formula).

    Args:
        logits: action scores of masked clips, (B, N).

    Returns:
        Minus the batch's mean entropy in nats: from -ln N, knowing nothing, to 0.

    Raises:
        ValueError: for scores of another shape.

    Source: SDN's L_Ent, negated so that an optimiser can descend it.

    >>> round(human_mask_confusion_loss(torch.zeros(3, 8)).item(), 4)  # -ln 8
    -2.0794
    """
    return -entropy(logits).mean()


def entropy(logits: Float[Tensor, "b k"]) -> Float[Tensor, " b"]:
    """How undecided each row of scores is: H = -sum p log p of its softmax.

    The gradient towards score k is -p_k (log p_k + H): zero for the uniform
    distribution, and close to zero for a sure one.

    Args:
        logits: (B, K), finite, or -inf for classes that are ruled out.

    Returns:
        (B,) in nats, from 0 to ln K.

    Raises:
        ValueError: for scores of another shape.

    >>> entropy(torch.tensor([[0.0, 0.0], [0.0, 200.0]]))  # ln 2 and nothing
    tensor([0.6931, 0.0000])
    """
    log_p = _checked(logits).log_softmax(dim=1)
    # 0 log 0 is 0 here, as in torch.distributions.
    log_p = log_p.clamp(min=torch.finfo(log_p.dtype).min)
    return (log_p.exp() * -log_p).sum(dim=1)


def _checked(logits: Tensor) -> Tensor:
    """Scores of at least float32 and of the right shape."""
    if logits.ndim != 2 or 0 in logits.shape or not logits.is_floating_point():
        shape = tuple(logits.shape)
        raise ValueError(f"logits must be float (B, K), got {shape} {logits.dtype}")
    return logits.double() if logits.dtype == torch.float64 else logits.float()


def _check_indices(target: Tensor, logits: Tensor) -> None:
    if target.is_floating_point() or target.dtype == torch.bool:
        raise ValueError(f"scene indices must be whole numbers, got {target.dtype}")
    if len(target) != len(logits):
        shape = tuple(logits.shape)
        raise ValueError(f"{len(target)} scene indices for logits of shape {shape}")
    if target.device.type == "cpu":
        low, high = target.min().item(), target.max().item()
        if low < 0 or high >= logits.shape[1]:
            last = logits.shape[1] - 1
            raise ValueError(f"scene indices are 0 .. {last}, got {low} .. {high}")


def _check_distributions(target: Tensor, logits: Tensor) -> None:
    if target.shape != logits.shape or not target.is_floating_point():
        raise ValueError(
            f"a scene target is indices (B,) or a float distribution "
            f"{tuple(logits.shape)}, got {tuple(target.shape)} {target.dtype}"
        )
    if target.device.type == "cpu":
        sums = target.detach().float().sum(1)
        if target.min() < 0 or not torch.allclose(sums, torch.ones(()), atol=1e-2):
            raise ValueError(
                "a distribution is not negative and sums to 1, got values from "
                f"{target.min():.3g} and sums {sums.min():.3g} .. {sums.max():.3g}"
            )
