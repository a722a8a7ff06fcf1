"""One table: what each way to motion finds, and what it costs at this scale.

Accuracies come from the trainings, times from the run `speed`, where all networks take
turns; the times that trainings note are no comparison.  Parameters and multiply-adds
are counted exactly from networks built on torch's meta device, which holds no numbers
and draws no weights.

Source: the paper's comparison of MSNet with two-stream networks.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

import torch
from torch import nn

from course.evaluation import Recorded
from course.motion_squeeze.cost import Cost, network_cost
from course.motion_squeeze.networks import msnet, tsm, tsn
from course.motion_squeeze.scales import Settings
from course.motion_squeeze.trials.speed import STREAMS, Stream

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


@dataclass(frozen=True)
class Line:
    """A row of the table: where its numbers come from.

    `run` and `metric` give the accuracy; `streams` are its networks, as the run `speed`
    names them; `extracts` says whether their flow is computed by TV-L1 first.
    """

    name: str
    run: str
    metric: str
    streams: tuple[str, ...]
    extracts: bool = False


LINES = (
    Line("TSN", "tsn", "accuracy", ("tsn",)),
    Line("TSM", "tsm", "accuracy", ("tsm",)),
    Line("MSNet", "msnet", "accuracy", ("msnet",)),
    Line("true flow alone", "two_streams", "next_accuracy", ("flow",)),
    Line("frames + true flow", "two_streams", "with_next_accuracy", ("tsn", "flow")),
    Line("frames + one short flow", "two_streams", "with_one_accuracy",
         ("tsn", "flow")),
    Line("frames + five short flows", "two_streams", "with_five_accuracy",
         ("tsn", "five_flows")),
    Line("frames + TV-L1 flow", "two_streams_tvl1", "with_tvl1_accuracy",
         ("tsn", "flow"), extracts=True),
)  # fmt: skip
LINE_RUNS = (*dict.fromkeys(line.run for line in LINES), "speed")


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
        rows.append([
            line.name,
            mean_and_spread(rec.values(f"{line.run}:{line.metric}")),
            f"{cost.parameters:,}",
            multiply_adds(cost.macs),
            *(_number(value) for value in line_times(line, rec)),
        ])  # fmt: skip
    return rows


def line_times(line: Line, rec: Recorded) -> tuple[float, float, float]:
    """Training (s), clips a second at the test, and flow extraction (s) of a line.

    Networks are trained and tested one after the other, so that seconds add up, and so
    do a clip's at the test, where TV-L1 flow counts as well.

    Args:
        line: of the table.
        rec: the records; of each time the median over seeds counts.

    Returns:
        The three numbers, nan where one is not recorded or the line needs no TV-L1.

    >>> metrics = {"clips_per_second_tsn": 60.0, "train_seconds_tsn": 20.0,
    ...            "clips_per_second_flow": 30.0, "train_seconds_flow": 22.0}
    >>> record = {"settings_hash": "x", "runs": {"11": {"metrics": metrics}}}
    >>> line_times(LINES[4], Recorded({"speed": record}, {"speed": "x"}))
    (42.0, 20.0, nan)
    """
    training = sum(_median(rec, f"train_seconds_{name}") for name in line.streams)
    speeds = [_median(rec, f"clips_per_second_{name}") for name in line.streams]
    extraction = math.nan
    if line.extracts:
        speeds.append(_median(rec, "tvl1_clips_per_second"))
        extraction = _median(rec, "extraction_seconds")
    return training, 1.0 / sum(1.0 / each for each in speeds), extraction


def line_cost(line: Line, settings: Settings) -> Cost:
    """Parameters and multiply-adds of one clip, of all networks of a line.

    >>> from course.motion_squeeze.scales import SETTINGS
    >>> line_cost(LINES[4], SETTINGS["cpu"])
    Cost(parameters=156960, macs=73589760)
    """
    total = Cost(0, 0)
    frames, size = settings.knobs.frames, settings.knobs.frame_size
    for name in line.streams:
        stream = STREAMS[name]
        net = _shell(stream, settings)
        total += network_cost(net, (stream.channels, frames, *size))
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


def _median(rec: Recorded, metric: str) -> float:
    """A number of the run `speed`: over seeds, the median; one busy moment is one."""
    values = rec.values(f"speed:{metric}")
    return statistics.median(values) if values else math.nan


def _number(value: float) -> str:
    """Whole from ten on, below with one decimal."""
    if math.isnan(value):
        return MISSING
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _shell(stream: Stream, settings: Settings) -> nn.Module:
    """A stream's network at the scale, without weights."""
    classes, frames = len(settings.knobs.action_names), settings.knobs.frames
    kind = (settings.backbone, classes, frames)
    with torch.device("meta"):
        if stream.network == "msnet":
            return msnet(*kind, in_channels=stream.channels, **settings.motion)
        make = {"tsn": tsn, "tsm": tsm}[stream.network]
        return make(*kind, in_channels=stream.channels)
