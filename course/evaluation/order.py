"""What a network answers, and how much of it is right: what happens, and which way.

An action and its reversal (sitting down, standing up) look alike in every still.  So an
accuracy has two halves here: is the *family* right, the pair counted as one answer; and
of the two, is it the right one (*order*), which only the order of time can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from course.evaluation.classification import accuracy
from course.synthetic import REVERSALS

# Makes the arguments of a network from a batch.
Inputs = Callable[[Mapping[str, Tensor]], tuple[Tensor, ...]]


def families(action_names: tuple[str, ...]) -> Int[Tensor, " K"]:
    """A number for each action, the same for the two members of a reversal pair.

    >>> families(("sit_down", "wave", "stand_up")).tolist()
    [0, 1, 0]
    """
    first = {late: early for early, late in REVERSALS}
    keys = [first.get(name, name) for name in action_names]
    known = list(dict.fromkeys(keys))
    return torch.tensor([known.index(key) for key in keys])


def twins(action_names: tuple[str, ...]) -> Int[Tensor, " K"]:
    """For each action the index of its reversal, or -1 where there is none.

    >>> twins(("sit_down", "wave", "stand_up")).tolist()
    [2, -1, 0]
    """
    other = dict(REVERSALS) | {b: a for a, b in REVERSALS}
    places = {name: i for i, name in enumerate(action_names)}
    return torch.tensor([places.get(other.get(name, ""), -1) for name in action_names])


@torch.no_grad()
def logits_of(
    model: nn.Module, data: Mapping[str, Tensor], inputs: Inputs, batch_size: int = 64
) -> Float[Tensor, "N K"]:
    """A network's class scores for a whole data set, on the CPU.

    Args:
        model: left in eval mode.
        data: `action` (N,) and what `inputs` reads; what is no tensor (paths) is
            passed over.
        inputs: makes the network's arguments of a batch.
        batch_size: clips at a time.

    Returns:
        Class scores (N, K), float32, in the order of the clips.

    Raises:
        ValueError: for data without a clip, or no clips at a time.

    >>> data = {"clip": torch.eye(3), "action": torch.tensor([0, 1, 1])}
    >>> logits_of(nn.PReLU(), data, lambda batch: (2 * batch["clip"],), batch_size=2)
    tensor([[2., 0., 0.],
            [0., 2., 0.],
            [0., 0., 2.]])
    """
    if batch_size < 1 or not len(data["action"]):
        counts = f"{len(data['action'])} clips, {batch_size} at a time"
        raise ValueError(f"needs clips, and some at a time; got {counts}")
    device, out = next(model.parameters()).device, []
    model.eval()
    for start in range(0, len(data["action"]), batch_size):
        stop = start + batch_size
        tensors = ((k, v) for k, v in data.items() if isinstance(v, Tensor))
        part = {key: value[start:stop].to(device) for key, value in tensors}
        out.append(model(*inputs(part)).float().cpu())
    return torch.cat(out)


def accuracy_on(
    model: nn.Module, clips: Dataset, inputs: Inputs, batch_size: int = 4
) -> float:
    """Share of right answers on clips that are too large to be held together.

    Args:
        model: left in eval mode.
        clips: a data set of dicts with `action` and what `inputs` reads.
        inputs: makes the network's arguments of a batch.
        batch_size: clips at a time.

    Returns:
        The share.

    >>> net = nn.PReLU()
    >>> clips = [{"clip": torch.eye(3)[i], "action": i // 2} for i in (0, 1, 2)]
    >>> round(accuracy_on(net, clips, lambda batch: (batch["clip"],)), 3)
    0.333
    """
    right, count = 0, 0
    for batch in DataLoader(clips, batch_size=batch_size):
        answers = logits_of(model, batch, inputs).argmax(1)
        right += int((answers == batch["action"]).sum())
        count += len(answers)
    return right / count


def order_scores(
    logits: Float[Tensor, "N K"],
    labels: Int[Tensor, " N"],
    action_names: tuple[str, ...],
) -> dict[str, float]:
    """Accuracy, and its two halves: what happens, and in which direction of time.

    Args:
        logits: class scores.
        labels: actions.
        action_names: of the classes.

    Returns:
        `accuracy`; `family`: reversal pairs counted as one answer; `order`: among clips
        of reversal pairs, how often the true member scores above its twin.

    >>> logits = torch.tensor([[2.0, 0.0, 3.0], [0.0, 4.0, 1.0]])
    >>> order_scores(logits, torch.tensor([0, 1]), ("sit_down", "wave", "stand_up"))
    {'accuracy': 0.5, 'family': 1.0, 'order': 0.0}
    """
    kind, twin = families(action_names), twins(action_names)
    summed = torch.zeros(len(labels), int(kind.max()) + 1)
    summed.index_add_(1, kind, logits.softmax(1))
    paired = twin[labels] >= 0
    own = logits[paired].gather(1, labels[paired, None])
    other = logits[paired].gather(1, twin[labels[paired]][:, None])
    return {
        "accuracy": accuracy(logits, labels),
        "family": accuracy(summed, kind[labels]),
        "order": float((own > other).float().mean()),
    }
