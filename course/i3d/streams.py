"""What the experiments share: stills for the image network, streams, accuracies.

"ImageNet" at cpu scale are still frames of other actors in other clips of the same
world, labelled with their scene and with what the actor does, *without* its direction
in time: sitting down and standing up are one label, since a still cannot tell them
apart.  So whatever the image network brings along, it cannot bring the order of time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from course.backbones import I3D
from course.evaluation import accuracy
from course.i3d.architectures import C3D_CLIP, MOST_FLOW, stack_flow
from course.synthetic import REVERSALS, SynthActions

STILLS_SEED = 5000  # added to a world's seed: the stills show other actors
FLOW_BOUND = 20.0 / 224.0  # the published clip, 20 px, as a share of the frame's width
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
    """For each action the index of its reversal, or -1 where there is none."""
    other = dict(REVERSALS) | {b: a for a, b in REVERSALS}
    places = {name: i for i, name in enumerate(action_names)}
    return torch.tensor([places.get(other.get(name, ""), -1) for name in action_names])


def stills(world: SynthActions) -> tuple[dict[str, Tensor], int]:
    """The frames of a world, labelled family x scene, and the number of labels."""
    data = world.tensors(("clip", "action", "scene"))
    kinds = families(world.action_names)
    count = len(world.scene_names)
    label = kinds[data["action"]] * count + data["scene"]
    frames = data["clip"].transpose(1, 2).flatten(0, 1)
    label = label.repeat_interleave(world.knobs.frames)
    # Five axes, so that the loop takes them for pictures and scales them.
    return {"clip": frames[:, :, None], "label": label}, count * int(kinds.max() + 1)


# ------------------------------------------------------------- inputs of each network
def to_rgb(clip: Tensor) -> Tensor:
    """Clips in [0, 1] or uint8 to [-1, 1]."""
    return (clip.float() / 127.5 if clip.dtype == torch.uint8 else 2.0 * clip) - 1.0


def to_flow(flow: Float[Tensor, "b 2 t h w"]) -> Float[Tensor, "b 2 t h w"]:
    """Flow in px, clipped at 20 px of 224 (2.9 px of 32) and scaled to [-1, 1].

    >>> to_flow(torch.full((1, 2, 1, 4, 224), 10.0)).max().item()
    0.5
    """
    bound = FLOW_BOUND * flow.shape[-1]
    return flow.float().clamp(-bound, bound) / bound


def rgb_clip(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """All frames: what the RGB stream of `i3d` sees."""
    return (to_rgb(batch["clip"]),)


def rgb_sparse(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """At most 16 frames, evenly spaced: what `lstm` sees."""
    return (to_rgb(_spaced(batch["clip"], 16)),)


def rgb_coarse(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """At most 16 frames of at most 112 x 112 px: what `c3d` sees."""
    clip = to_rgb(_spaced(batch["clip"], C3D_CLIP[0]))
    size = (clip.shape[2], *(min(n, C3D_CLIP[1]) for n in clip.shape[3:]))
    return (clip if size == clip.shape[2:] else F.interpolate(clip, size, mode="area"),)


def _spaced(clip: Tensor, most: int) -> Tensor:
    """At most so many frames of (B, C, T, H, W), evenly spaced."""
    frames = clip.shape[2]
    if frames <= most:
        return clip
    places = torch.linspace(0, frames - 1, most, device=clip.device)
    return clip[:, :, places.round().long()]


def rgb_frame(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """The middle frame: the RGB stream of `two_stream`."""
    clip = batch["clip"]
    return (to_rgb(clip[:, :, clip.shape[2] // 2]),)


def flow_clip(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """All flow frames in time: the flow stream of `i3d`."""
    return (to_flow(batch["flow"]),)


def flow_stabilised(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """All flow frames, each without its median motion: a camera's pan is gone."""
    flow = batch["flow"].float()
    median = flow.flatten(3).median(3).values[..., None, None]
    return (to_flow(flow - median),)


def flow_stack(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """The middle flow frames, at most ten, as channels: `two_stream`'s flow stream."""
    flow = to_flow(batch["flow"])
    count = min(flow.shape[2], MOST_FLOW)
    first = (flow.shape[2] - count) // 2
    return (stack_flow(flow[:, :, first : first + count]),)


def frames_and_stacks(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """At most five frames with the three flow frames around each: for `fused`."""
    clip, flow = to_rgb(batch["clip"]), to_flow(batch["flow"])
    step = max(2, -(-(flow.shape[2] - 2) // 5))
    moments = range(1, flow.shape[2] - 1, step)
    stacks = [stack_flow(flow[:, :, t - 1 : t + 2]) for t in moments]
    return clip[:, :, list(moments)], torch.stack(stacks, dim=2)


def shuffled(batch: Mapping[str, Tensor], seed: int = 0) -> dict[str, Tensor]:
    """The same clips with their frames in another order, drawn for each clip."""
    clip = batch["clip"]
    draws = torch.Generator().manual_seed(seed)
    order = torch.rand(len(clip), clip.shape[2], generator=draws).argsort(1)
    index = order[:, None, :, None, None].expand_as(clip)
    return {**batch, "clip": clip.gather(2, index)}


# ------------------------------------------------------------------ training and test
def classify(inputs: Inputs, label: str = "action") -> Callable:
    """A training step: cross-entropy of what the network says of `inputs`.

    A network with `logits_per_step` is trained on every step's answer.
    """

    def step(model: nn.Module, batch: dict, number: int) -> dict:
        target, given = batch[label], inputs(batch)
        if hasattr(model, "logits_per_step"):
            steps = model.logits_per_step(*given)
            logits = steps[:, :, -1]
            loss = F.cross_entropy(steps, target[:, None].expand(-1, steps.shape[2]))
        else:
            logits = model(*given)
            loss = F.cross_entropy(logits, target)
        right = (logits.argmax(1) == target).float().mean()
        return {"loss": loss, "accuracy": right}

    return step


@torch.no_grad()
def logits_of(
    model: nn.Module, data: Mapping[str, Tensor], inputs: Inputs, batch_size: int = 64
) -> Float[Tensor, "N K"]:
    """A network's class scores for a whole data set, on the CPU."""
    device, out = next(model.parameters()).device, []
    model.eval()
    for start in range(0, len(data["action"]), batch_size):
        part = {k: v[start : start + batch_size].to(device) for k, v in data.items()}
        out.append(model(*inputs(part)).float().cpu())
    return torch.cat(out)


def scores(
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


# --------------------------------------------------------------------- changed networks
def with_new_head(net: nn.Module, classes: int) -> nn.Module:
    """The network with a new, untrained last layer; changes it in place."""
    if isinstance(net, I3D):
        net.Logits = I3D(classes, net.in_channels).Logits
    else:
        net.fc = nn.Linear(net.fc.in_features, classes, net.fc.bias is not None)
    return net


@torch.no_grad()
def features_of(
    net: nn.Module, data: Mapping[str, Tensor], inputs: Inputs
) -> Float[Tensor, "N D"]:
    """What a network's last layer reads, for a whole data set."""
    return logits_of(_Embedding(net), data, inputs)


class _Embedding(nn.Module):
    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, *given: Tensor) -> Tensor:
        return self.net.embed(*given)


class CourseClips(nn.Module):
    """A network for [-1, 1] as a recogniser of the course's clips in [0, 1].

    >>> from course.i3d.small_base import SmallNet
    >>> tuple(CourseClips(SmallNet(8)).embed(torch.rand(2, 3, 16, 16)).shape)
    (2, 64)
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net, self.fc = net, net.fc

    def forward_features(self, clips: Tensor) -> Tensor:
        """The last map."""
        return self.net.forward_features(2.0 * clips - 1.0)

    def embed(self, clips: Tensor) -> Tensor:
        """Its mean over all places and times."""
        return self.net.embed(2.0 * clips - 1.0)

    def forward(self, clips: Tensor) -> Tensor:
        """Class scores."""
        return self.net(2.0 * clips - 1.0)


def course_clip(batch: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """Clips as the course has them, in [0, 1]."""
    return (batch["clip"],)
