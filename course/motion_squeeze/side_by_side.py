"""One table: what each way to motion finds, and what it costs at this scale.

Accuracies and times are recorded; parameters and multiply-adds are counted exactly from
networks built on torch's meta device, which holds no numbers and draws no weights.

Source: the paper's comparison of MSNet with two-stream networks.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import torch
from torch import nn

from course.evaluation import Recorded
from course.motion_squeeze.cost import Cost, network_cost
from course.motion_squeeze.inputs import STACK
from course.motion_squeeze.networks import msnet, tsm, tsn
from course.motion_squeeze.scales import Settings

MISSING = "–"
COLUMNS = (
    "",
    "accuracy (%)",
    "parameters",
    "multiply-adds\nof a clip",
    "training\n(s)",
    "clips a second\n(test)",
    "flow\nextraction (s)",
)
RGB, FIELD, FIVE = 3, 2, 2 * STACK  # channels


@dataclass(frozen=True)
class Line:
    """A row of the table: where its numbers come from.

    `streams` are its networks, (name, input channels); `timed` says whether the run's
    `seconds` are those of these networks.
    """

    name: str
    run: str
    metric: str
    streams: tuple[tuple[str, int], ...]
    timed: bool = False


LINES = (
    Line("TSN", "tsn", "accuracy", (("tsn", RGB),), True),
    Line("TSM", "tsm", "accuracy", (("tsm", RGB),), True),
    Line("MSNet", "msnet", "accuracy", (("msnet", RGB),), True),
    Line("true flow alone", "two_streams", "next_accuracy", (("tsn", FIELD),)),
    Line("frames + true flow", "two_streams", "with_next_accuracy",
         (("tsn", RGB), ("tsn", FIELD)), True),
    Line("frames + one short flow", "two_streams", "with_one_accuracy",
         (("tsn", RGB), ("tsn", FIELD))),
    Line("frames + five short flows", "two_streams", "with_five_accuracy",
         (("tsn", RGB), ("tsn", FIVE))),
    Line("frames + TV-L1 flow", "two_streams_tvl1", "with_tvl1_accuracy",
         (("tsn", RGB), ("tsn", FIELD)), True),
)  # fmt: skip
LINE_RUNS = tuple(dict.fromkeys(line.run for line in LINES))


def table_rows(rec: Recorded, settings: Settings) -> list[list[str]]:
    """The table's cells, a row for every line.

    Args:
        rec: the records.
        settings: of the scale.

    Returns:
        A text for each of `COLUMNS`; a dash where a line has no such number.

    >>> from course.motion_squeeze.scales import SETTINGS
    >>> table_rows(Recorded({}, {}), SETTINGS["cpu"])[2]
    ['MSNet', '–', '82,289', '48.4 M', '–', '–', '–']
    """
    rows = []
    for line in LINES:
        cost = line_cost(line, settings)
        seconds = rec.values(f"{line.run}:seconds") if line.timed else []
        rows.append([
            line.name,
            mean_and_spread(rec.values(f"{line.run}:{line.metric}")),
            f"{cost.parameters:,}",
            multiply_adds(cost.macs),
            _mean(seconds),
            _mean(rec.values(f"{line.run}:clips_per_second")),
            _mean(rec.values(f"{line.run}:extraction_seconds")),
        ])  # fmt: skip
    return rows


def line_cost(line: Line, settings: Settings) -> Cost:
    """Parameters and multiply-adds of one clip, of all networks of a line.

    >>> from course.motion_squeeze.scales import SETTINGS
    >>> line_cost(LINES[4], SETTINGS["cpu"])
    Cost(parameters=156960, macs=73589760)
    """
    total = Cost(0, 0)
    frames, size = settings.knobs.frames, settings.knobs.frame_size
    for name, channels in line.streams:
        net = _shell(name, channels, settings)
        total += network_cost(net, (channels, frames, *size))
    return total


def mean_and_spread(shares: list[float]) -> str:
    """Mean and standard deviation over seeds, in per cent.

    >>> mean_and_spread([0.5, 0.75]), mean_and_spread([0.5]), mean_and_spread([])
    ('62.5 ± 17.7', '50.0', '–')
    """
    if not shares:
        return MISSING
    values = [100 * share for share in shares]
    mean = f"{statistics.fmean(values):.1f}"
    return f"{mean} ± {statistics.stdev(values):.1f}" if len(values) > 1 else mean


def multiply_adds(macs: int) -> str:
    """A count at three digits with the unit that suits it.

    >>> multiply_adds(48_447_936), multiply_adds(3_930_128_224)
    ('48.4 M', '3.93 G')
    """
    unit, word = (1e9, "G") if macs >= 1e9 else (1e6, "M")
    return f"{macs / unit:.3g} {word}"


def _mean(values: list[float]) -> str:
    return f"{statistics.fmean(values):,.0f}" if values else MISSING


def _shell(name: str, channels: int, settings: Settings) -> nn.Module:
    """The scale's network without weights."""
    classes, frames = len(settings.knobs.action_names), settings.knobs.frames
    kind = (settings.backbone, classes, frames)
    with torch.device("meta"):
        if name == "msnet":
            return msnet(*kind, in_channels=channels, **settings.motion)
        return {"tsn": tsn, "tsm": tsm}[name](*kind, in_channels=channels)
