"""The report card: the same numbers for every recogniser of the course.

Does the model see the motion or the scenery?  One frozen world (`REPORT_CARD`), where
an action mostly happens in its own scene, and tests that take the two apart:

    in distribution      scenes as in training
    scenes swapped       the scene is always another action's own
    scenes uncorrelated  any scene, independent of the action
    background only      the actor is erased; counted is the action that was there, of
                         which nothing is left to see (lower is better)
    static               one frame, repeated: what is known without motion (lower too)
    scene leakage        a fresh linear probe names the scene from frozen features, on
                         clips whose scene tells nothing about the action; never the
                         accuracy of a scene head that took part in the training
    background's action  with scenes swapped, how often the prediction is the action
                         that the scene belongs to
    CAM on the actor     with scenes swapped, the share of the predicted class's
                         positive activation map that lies on the actor (a flat map
                         scores `actor_area`)

An untrained net's card is the reference row: its features already name the scene.  A
feature extractor without a classifier needs a linear one before it can be examined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import torch
from torch import Tensor, nn

from course.evaluation.cam import class_activation_map, energy_inside, upsample_map
from course.evaluation.classification import top_k_correct
from course.evaluation.frozen_world import REPORT_CARD, report_card_world
from course.evaluation.inference import as_float_clips, device_of, predict
from course.evaluation.intervals import Interval, t_interval, wilson_interval
from course.evaluation.probes import linear_probe


def _row(label: str, better: str) -> Any:
    return field(default=None, metadata={"label": label, "better": better})


@dataclass(frozen=True)
class ReportCard:
    """The numbers of one recogniser, shares in [0, 1], each with its 95 % interval.

    The intervals speak of the draw of the test clips (Wilson's; for the CAM a t
    interval over clips), not of the seed of the training.  None means that the model
    does not offer what the number needs (features, or a linear last layer).

    >>> card = ReportCard(in_distribution=wilson_interval(97, 100))
    >>> card.as_metrics()
    {'in_distribution': 0.97}
    >>> print(card)
                         value  95 % interval  better
    in distribution       97 %     92 -  99 %  higher
    """

    in_distribution: Interval | None = _row("in distribution", "higher")
    swapped: Interval | None = _row("scenes swapped", "higher")
    uncorrelated: Interval | None = _row("scenes uncorrelated", "higher")
    background_only: Interval | None = _row("background only", "lower")
    static: Interval | None = _row("static", "lower")
    scene_leakage: Interval | None = _row("scene leakage", "lower")
    background_action_rate: Interval | None = _row("background's action", "lower")
    cam_on_actor: Interval | None = _row("CAM on the actor", "higher")
    actor_area: Interval | None = _row("  (actor's area)", "")

    def rows(self) -> list[tuple[str, Interval, str]]:
        """The numbers there are: (label, interval, "higher" or "lower" is better)."""
        named = [(f.metadata, getattr(self, f.name)) for f in fields(self)]
        return [(m["label"], v, m["better"]) for m, v in named if v is not None]

    def as_metrics(self) -> dict[str, float]:
        """The estimates by field name, for a record; missing numbers are left out."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: float(v.estimate) for k, v in values.items() if v is not None}

    def __str__(self) -> str:
        lines = [f"{'':19} {'value':>6}  {'95 % interval':>13}  better"]
        for label, value, better in self.rows():
            mean, low, high = (round(100 * x) for x in value)
            span = f"{low:3d} - {high:3d} %"
            lines.append(f"{label:19} {mean:4d} %  {span:>13}  {better}".rstrip())
        return "\n".join(lines)


def report_card(
    model: nn.Module | Callable[[Tensor], Tensor],
    seed: int,
    device: torch.device | str | None = None,
    world: Callable[[str, int, int], Any] = report_card_world,
    test_clips: int = REPORT_CARD.test_clips,
    probe_clips: int = REPORT_CARD.probe_clips,
    batch_size: int = 64,
) -> ReportCard:
    """Examine a recogniser in the frozen world.

    Evaluation runs in eval mode without gradients; the training mode is put back.

    Args:
        model: a recogniser (`forward`, `embed`, `forward_features`, `fc`), or a plain
            function clips (B, C, T, H, W) in [0, 1] -> logits (B, K), whose card then
            lacks leakage and CAM.
        seed: the world's seed; give the one that the training used.
        device: where the clips go; None means the model's own.
        world: (split, seed, num_clips) -> data set with `tensors(keys)` and
            `own_scene`, the own scene of each action.
        test_clips, probe_clips: clips of each test split, and of the probe.
        batch_size: clips per forward pass.

    Returns:
        A `ReportCard`.

    Raises:
        ValueError: for too few probe clips or outputs that do not fit the labels.

    >>> net = lambda clips: torch.ones(len(clips), 8)
    >>> card = report_card(net, seed=0, test_clips=16)
    >>> card.in_distribution.estimate
    0.125
    """
    device = torch.device(device) if device is not None else device_of(model)
    numbers: dict[str, Interval] = {}
    splits = {"test": "in_distribution"} | {s: s for s in _PLAIN_SPLITS}
    for split, name in splits.items():
        data = world(split, seed, test_clips).tensors(("clip", "action"))
        logits = predict(model, data["clip"], batch_size, device)
        numbers[name] = _share(top_k_correct(logits, data["action"]))
    numbers |= _swapped(model, world("swapped", seed, test_clips), device, batch_size)
    if hasattr(model, "embed"):
        other = seed + REPORT_CARD.probe_seed_shift
        probe_world = world("uncorrelated", other, probe_clips)
        numbers["scene_leakage"] = _leakage(model, probe_world, device, batch_size)
    return ReportCard(**numbers)


_PLAIN_SPLITS = ("uncorrelated", "background_only", "static")


def report_card_table(cards: Mapping[str, ReportCard]) -> str:
    """Several cards side by side in whole per cent, one column each.

    Args:
        cards: name -> card.

    Returns:
        A plain, aligned text table.

    Raises:
        ValueError: if there is no card.

    >>> good, bad = (ReportCard(swapped=wilson_interval(n, 100)) for n in (98, 4))
    >>> print(report_card_table({"untrained": bad, "trained": good}))
                         untrained  trained  better
    scenes swapped             4 %     98 %  higher
    """
    if not cards:
        raise ValueError("a table needs at least one card, got none")
    widths = {name: max(len(name), 5) for name in cards}
    head = "".join(f"  {name:>{widths[name]}}" for name in cards)
    lines = [f"{'':19}{head}  better"]
    for key in fields(ReportCard):
        values = {name: getattr(card, key.name) for name, card in cards.items()}
        if all(value is None for value in values.values()):
            continue
        cells = {
            n: f"{100 * v.estimate:.0f} %" if v else "-" for n, v in values.items()
        }
        body = "".join(f"  {cells[name]:>{widths[name]}}" for name in cards)
        label, better = key.metadata["label"], key.metadata["better"]
        lines.append(f"{label:19}{body}  {better}".rstrip())
    return "\n".join(lines)


def _share(right: Tensor) -> Interval:
    return wilson_interval(int(right.sum()), right.numel())


def _swapped(
    model: Any, data: Any, device: torch.device, batch_size: int
) -> dict[str, Interval]:
    """The numbers of the clips in which scene and action disagree."""
    tensors = data.tensors(("clip", "action", "scene", "mask"))
    logits = predict(model, tensors["clip"], batch_size, device)
    predicted = logits.argmax(dim=1)
    own_scene = torch.as_tensor(data.own_scene)
    if logits.shape[1] != len(own_scene):
        shape = tuple(logits.shape)
        raise ValueError(f"logits {shape} for a world of {len(own_scene)} actions")
    numbers = {
        "swapped": _share(predicted == tensors["action"]),
        "background_action_rate": _share(own_scene[predicted] == tensors["scene"]),
    }
    if hasattr(model, "forward_features") and hasattr(model, "fc"):
        shares = _cam_shares(model, tensors, predicted, device, batch_size)
        pointing = shares[~shares.isnan()].tolist()
        area = tensors["mask"].flatten(1).float().mean(dim=1).tolist()
        numbers["actor_area"] = t_interval(area)
        if len(pointing) > 1:
            numbers["cam_on_actor"] = t_interval(pointing)
    return numbers


def _cam_shares(
    model: Any, tensors: Mapping[str, Tensor], classes: Tensor, device, batch_size: int
) -> Tensor:
    """Share of the CAM's positive energy on the actor, (N,), nan if there is none."""
    shares = []
    for rows in torch.arange(len(classes)).split(batch_size):
        clips = as_float_clips(tensors["clip"][rows].to(device))
        maps = class_activation_map(model, clips, classes[rows].to(device))
        maps = upsample_map(maps, clips.shape[2:]).float().cpu()
        shares.append(energy_inside(maps, tensors["mask"][rows]))
    return torch.cat(shares)


def _leakage(model: Any, data: Any, device: torch.device, batch_size: int) -> Interval:
    """Accuracy of a fresh scene probe, trained on the first half of the clips."""
    tensors = data.tensors(("clip", "scene"))
    half = len(tensors["scene"]) // 2
    if half < 2:
        raise ValueError(f"a scene probe needs at least 4 clips, got {2 * half}")
    features = predict(model.embed, tensors["clip"], batch_size, device)
    scenes = tensors["scene"]
    probe = linear_probe(features[:half], scenes[:half], features[half:], scenes[half:])
    return probe.accuracy
