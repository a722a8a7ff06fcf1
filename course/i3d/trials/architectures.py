"""The five architectures on few clips, as table 2 compares them on whole data sets.

Two more are ours: `frames`, the image network on every frame, which knows no order, and
`c3d_averaged`, a 3D-ConvNet that forgets where and when before its linear layers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course.evaluation.order import Inputs, logits_of, order_scores
from course.i3d import streams
from course.i3d.architectures import FrameAverage, TwoStreams, build_from, make_stream
from course.i3d.fusion import sum_of_logits
from course.i3d.inputs import shuffled
from course.i3d.scales import Settings
from course.i3d.trainings import image_network, tested_on, train, trained_on
from course.scale import seed_everything

# What each of an architecture's networks sees: two where two are trained apart.
INPUTS: dict[str, tuple[Inputs, ...]] = {
    "frames": (streams.rgb_sparse,),
    "lstm": (streams.rgb_sparse,),
    "c3d": (streams.rgb_coarse,),
    "c3d_averaged": (streams.rgb_coarse,),
    "two_stream": (streams.rgb_frame, streams.flow_stack),
    "fused": (streams.frames_and_stacks,),
    "i3d": (streams.rgb_clip, streams.flow_clip),
}
ORDERED = (
    "frames",
    "lstm",
    "c3d",
    "c3d_averaged",
    "i3d",
)  # their first network sees all of a clip


def architecture(
    name: str, settings: Settings, seed: int, device: torch.device,
    clips: int | None = None, **knobs,
) -> dict[str, float]:  # fmt: skip
    """One of the five on few clips; streams apart and together where it has two.

    Args:
        name: a key of `INPUTS`.
        settings: of the scale.
        seed: of everything.
        device: where to train.
        clips: for training; None means the scale's `few`.
        **knobs: of the world, such as `camera_pan`.

    Returns:
        `accuracy`, `family` and `order` (see `order_scores`); with `rgb_` and `flow_`
        in front of each stream alone; with `shuffled_` where the frames of the test
        clips stand in another order.
    """
    data = trained_on(settings, seed, clips or settings.few, **knobs)
    test = tested_on(settings, seed, **knobs)
    nets, answers = networks(name, settings, seed, device), []
    for net, inputs in zip(nets, INPUTS[name], strict=True):
        train(net, data, inputs, settings, seed, device)
        answers.append(logits_of(net, test, inputs))
    found = named(settings, together(answers), test)
    if len(answers) == 2:
        found |= named(settings, answers[0], test, "rgb_")
        found |= named(settings, answers[1], test, "flow_")
    if name in ORDERED:
        mixed = logits_of(nets[0], shuffled(test), INPUTS[name][0])
        found |= named(settings, mixed, test, "shuffled_")
    return found


def networks(
    name: str, settings: Settings, seed: int, device: torch.device
) -> list[nn.Module]:
    """The networks of an architecture that are trained one by one."""
    base = image_network(settings, seed, device)
    classes = len(settings.knobs.action_names)
    seed_everything(seed)
    if name == "frames":
        return [FrameAverage(make_stream(base, classes))]
    return parts(build_from(name, base, classes, clip_size(settings)))


def parts(net: nn.Module) -> list[nn.Module]:
    """The two streams of a network whose streams are trained apart; else itself."""
    return [net.rgb, net.flow] if isinstance(net, TwoStreams) else [net]


def clip_size(settings: Settings) -> tuple[int, int, int]:
    """(T, H, W) of a scale's clips."""
    return settings.knobs.frames, *settings.knobs.frame_size


def together(answers: list[Tensor]) -> Tensor:
    """The class scores of one stream, or the sum of two streams' scores."""
    return answers[0] if len(answers) == 1 else sum_of_logits(*answers)


def named(
    settings: Settings, logits: Tensor, test: dict[str, Tensor], prefix: str = ""
) -> dict[str, float]:
    """The scores of some answers, with a prefix before their names."""
    values = order_scores(logits, test["action"], settings.knobs.action_names)
    return {f"{prefix}{key}": value for key, value in values.items()}
