"""Tables 1 to 5 of the I3D paper as data, and questions to them.

Carreira & Zisserman (CVPR 2017; arXiv 1705.07750v3).  Top-1 accuracy in per cent; UCF
and HMDB stand for UCF-101 and HMDB-51, split 1 except in Table 5 (mean of the three
splits).  Models have the paper's letters a to e.  Every number was read in two
transcriptions that agree; where Table 2's was uncertain (ConvNet+LSTM on Kinetics) it
is Table 3's, which reports the same experiment.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

MODELS = {
    "a": "ConvNet+LSTM",
    "b": "3D-ConvNet",
    "c": "Two-Stream",
    "d": "3D-Fused",
    "e": "Two-Stream I3D",
}
DATASETS = ("ucf", "hmdb", "kinetics")
STREAMS = ("rgb", "flow", "both")
STAGES = ("original", "fixed", "full")


@dataclass(frozen=True)
class Size:
    """A row of Table 1: frames and seconds of video that a model sees."""

    millions: int  # parameters, as printed
    train_rgb: int
    train_flow: int
    train_seconds: float
    test_rgb: int
    test_flow: int
    test_seconds: float


@dataclass(frozen=True)
class PriorArt:
    """A row of Table 5: mean of three splits, None where nothing is reported."""

    name: str
    ucf: float
    hmdb: float | None
    pretrained: str = ""  # what an I3D was trained on before; "" for earlier methods


TABLE_1 = {
    "a": Size(9, 25, 0, 5, 50, 0, 10),
    "b": Size(79, 16, 0, 0.64, 240, 0, 9.6),
    "c": Size(12, 1, 10, 0.4, 25, 250, 10),
    "d": Size(39, 5, 50, 2, 25, 250, 10),
    "e": Size(25, 64, 64, 2.56, 250, 250, 10),
}

# Trained and tested on the same data: rgb, flow, both for each of ucf, hmdb, kinetics.
TABLE_2 = {
    "a": ((81.0, None, None), (36.0, None, None), (63.3, None, None)),
    "b": ((51.6, None, None), (24.3, None, None), (56.1, None, None)),
    "c": ((83.6, 85.6, 91.2), (43.2, 56.3, 58.3), (62.2, 52.4, 65.6)),
    "d": ((83.2, 85.8, 89.3), (49.2, 55.5, 56.8), (None, None, 67.2)),
    "e": ((84.5, 90.6, 93.4), (49.8, 61.9, 66.4), (71.1, 63.4, 74.2)),
}

# Kinetics: rgb, flow, both from scratch, then the same with ImageNet weights.
TABLE_3 = {
    "a": ((53.9, None, None), (63.3, None, None)),
    "b": ((56.1, None, None), (None, None, None)),
    "c": ((57.9, 49.6, 62.8), (62.2, 52.4, 65.6)),
    "d": ((None, None, 62.7), (None, None, 67.2)),
    "e": ((68.4, 61.5, 71.6), (71.1, 63.4, 74.2)),
}
TABLE_3_TOP5 = {"e": ((88.0, 83.4, 90.0), (89.3, 84.9, 91.3))}

# Stage (original, fixed, full) -> (with, without ImageNet), for ucf and hmdb.
TABLE_4 = {
    "a": (
        ((81.0, 54.2), (88.1, 82.6), (91.0, 86.8)),
        ((36.0, 18.3), (50.8, 47.1), (53.4, 49.7)),
    ),
    "b": (
        ((None, 51.6), (None, 76.0), (None, 79.9)),
        ((None, 24.3), (None, 47.0), (None, 49.4)),
    ),
    "c": (
        ((91.2, 83.6), (93.9, 93.3), (94.2, 93.8)),
        ((58.3, 47.1), (66.6, 65.9), (66.6, 64.3)),
    ),
    "d": (
        ((89.3, 69.5), (94.3, 89.8), (94.2, 91.5)),
        ((56.8, 37.3), (69.9, 64.6), (71.0, 66.5)),
    ),
    "e": (
        ((93.4, 88.8), (97.7, 97.4), (98.0, 97.6)),
        ((66.4, 62.2), (79.7, 78.6), (81.2, 81.3)),
    ),
}

TABLE_5 = (
    PriorArt("Two-Stream", 88.0, 59.4),
    PriorArt("IDT", 86.4, 61.7),
    PriorArt("Dynamic Image + IDT", 89.1, 65.2),
    PriorArt("TDD + IDT", 91.5, 65.9),
    PriorArt("Two-Stream Fusion + IDT", 93.5, 69.2),
    PriorArt("TSN", 94.2, 69.4),
    PriorArt("ST-ResNet + IDT", 94.6, 70.3),
    PriorArt("Deep Networks (Sports-1M)", 65.2, None),
    PriorArt("C3D, one net", 82.3, None),
    PriorArt("C3D, ensemble", 85.2, None),
    PriorArt("C3D, ensemble + IDT", 90.1, None),
    PriorArt("RGB-I3D", 95.6, 74.8, "ImageNet + Kinetics"),
    PriorArt("Flow-I3D", 96.7, 77.1, "ImageNet + Kinetics"),
    PriorArt("Two-Stream I3D", 98.0, 80.7, "ImageNet + Kinetics"),
    PriorArt("RGB-I3D", 95.1, 74.3, "Kinetics"),
    PriorArt("Flow-I3D", 96.5, 77.3, "Kinetics"),
    PriorArt("Two-Stream I3D", 97.8, 80.9, "Kinetics"),
)


def same_data(model: str, dataset: str, stream: str = "both") -> float | None:
    """Table 2: trained and tested on the same data, with ImageNet weights except b.

    Args:
        model: "a" to "e".
        dataset: "ucf", "hmdb" (split 1 each) or "kinetics".
        stream: "rgb", "flow" or "both".

    Returns:
        top-1 accuracy in per cent, None where the paper has no number.

    Raises:
        ValueError: an unknown name.

    >>> same_data("e", "ucf")
    93.4
    """
    row = TABLE_2[_known(model, tuple(MODELS))]
    place = DATASETS.index(_known(dataset, DATASETS))
    return row[place][STREAMS.index(_known(stream, STREAMS))]


def kinetics(
    model: str, stream: str = "both", imagenet: bool = True, top: int = 1
) -> float | None:
    """Table 3: accuracy on Kinetics with and without ImageNet weights.

    Args:
        model: "a" to "e".
        stream: "rgb", "flow" or "both".
        imagenet: begun from ImageNet weights, else from scratch.
        top: 1 or 5 guesses; five only for "e".

    Returns:
        accuracy in per cent, None where the paper has no number.

    Raises:
        ValueError: an unknown name or number of guesses.

    >>> kinetics("e"), kinetics("e", imagenet=False, top=5)
    (74.2, 90.0)
    """
    _known(model, tuple(MODELS))
    if top not in (1, 5):
        raise ValueError(f"top must be 1 or 5, got {top!r}")
    rows = TABLE_3 if top == 1 else TABLE_3_TOP5
    place = STREAMS.index(_known(stream, STREAMS))
    return rows[model][int(imagenet)][place] if model in rows else None


def transfer(
    model: str, dataset: str, stage: str, imagenet: bool = True
) -> float | None:
    """Table 4: what training on Kinetics first gives on a small data set, split 1.

    Args:
        model: "a" to "e".
        dataset: "ucf" or "hmdb".
        stage: "original" (trained on the small set only), "fixed" (Kinetics network
            frozen, new class scores) or "full" (fine-tuned end to end).
        imagenet: begun from ImageNet weights, else from scratch.

    Returns:
        top-1 accuracy in per cent, None where the paper has no number.

    Raises:
        ValueError: an unknown name.

    >>> transfer("e", "ucf", "fixed")
    97.7
    """
    row = TABLE_4[_known(model, tuple(MODELS))]
    place = DATASETS.index(_known(dataset, DATASETS[:2]))
    return row[place][STAGES.index(_known(stage, STAGES))][0 if imagenet else 1]


@dataclass(frozen=True)
class Violation:
    """Two neighbouring stages of Table 4 of which the later is not better."""

    model: str
    dataset: str
    imagenet: bool
    earlier: str
    later: str
    before: float
    after: float


def order_violations() -> list[Violation]:
    """Where Original < Fixed < Full-FT does not hold in Table 4.

    Returns:
        one entry a pair of neighbouring stages with after <= before.

    >>> [(v.model, v.dataset, v.before, v.after) for v in order_violations()][0]
    ('c', 'hmdb', 66.6, 66.6)
    """
    found = []
    rows = itertools.product(MODELS, DATASETS[:2], (True, False))
    for (model, dataset, imagenet), later in itertools.product(rows, (1, 2)):
        stages = STAGES[later - 1], STAGES[later]
        before, after = (transfer(model, dataset, s, imagenet) for s in stages)
        if before is not None and after is not None and after <= before:
            row = model, dataset, imagenet, *stages
            found.append(Violation(*row, before, after))
    return found


def imagenet_hurts() -> list[tuple[str, str, str, float, float]]:
    """Where Table 4 is better without ImageNet: (model, set, stage, with, without).

    >>> imagenet_hurts()
    [('e', 'hmdb', 'full', 81.2, 81.3)]
    """
    cells = [(m, d, s) for m in MODELS for d in DATASETS[:2] for s in STAGES]
    pairs = [(*c, transfer(*c, True), transfer(*c, False)) for c in cells]
    return [
        (m, d, s, have, lack)
        for m, d, s, have, lack in pairs
        if have is not None and lack is not None and lack > have
    ]


def errors_removed(before: float, after: float) -> float:
    """Share of the errors that a better accuracy removes.

    Args:
        before, after: accuracies in per cent.

    Returns:
        (after - before) / (100 - before).

    Raises:
        ValueError: no error was left, or a value is no percentage.

    >>> round(errors_removed(94.6, 98.0), 2)
    0.63
    """
    if not 0 <= before < 100 or not 0 <= after <= 100:
        raise ValueError(f"accuracies must be in 0 .. 100 %, got {before}, {after}")
    return (after - before) / (100 - before)


def _known(name: str, names: tuple[str, ...]) -> str:
    if name not in names:
        raise ValueError(f"must be one of {', '.join(names)}, got {name!r}")
    return name
