"""What the chapter's runs found: its figures of recorded numbers.

Each takes the records and a scale's settings and gives a `Picture`; while a run is
missing at this scale, or was made with other settings, it gives the sentence that says
so.  Alt texts name what is drawn and never a trained number: stored notebooks compare
them.
"""

from __future__ import annotations

from course.evaluation import Recorded
from course.i3d.drawings.measured import transfer_bars
from course.i3d.scales import Settings
from course.teaching import charts, figures
from course.teaching.figures import Picture
from course.teaching.recorded_figures import (
    answer_panes,
    needing,
    report_cards,
    row_dots,
    run_rows,
)

STARTS = {
    "scratch": "fresh weights",
    "mean_taps": "inflated, equal taps",
    "centre_taps": "inflated, centre tap",
}
ARCHITECTURES = {
    "frames": "average of frames",
    "lstm": "LSTM",
    "c3d": "3D-ConvNet",
    "c3d_averaged": "3D-ConvNet, averaged map",
    "two_stream": "two-stream",
    "fused": "fused two-stream",
    "i3d": "two-stream I3D",
}
OPTIONAL = ("c3d_averaged",)  # drawn once it is recorded
RGB_ONLY = ("frames", "lstm", "c3d", "c3d_averaged")
PARTS = {
    "accuracy": "the whole",
    "rgb_accuracy": "RGB alone",
    "flow_accuracy": "flow alone",
    "shuffled_accuracy": "RGB alone, frames shuffled",
}
CAMERAS = {
    "camera_rests": "camera at rest",
    "camera_moves": "camera moves",
    "camera_moves_much": "camera moves much",
}
STREAMS = {
    "accuracy": "both streams",
    "rgb_accuracy": "RGB alone",
    "flow_accuracy": "flow alone",
    "stabilised_accuracy": "flow alone, stabilised",
}
UNCLIPPED = "flow alone, not clipped"  # drawn once it is recorded
# Drawn hollow, in the colour of what they change.
VARIANTS = {
    "RGB alone, frames shuffled": "RGB alone",
    "flow alone, stabilised": "flow alone",
}
PROTOCOLS = {"original": "Original", "fixed": "Fixed", "full": "Full-FT"}
THINNED = {
    "late": "pooled late",
    "early": "pooled early",
    "dropped": "every second frame dropped",
}
CARDS = {"card_scratch": "fresh weights", "card_inflated": "inflated"}


@needing("i3d", STARTS)
def growth(rec: Recorded, settings: Settings) -> Picture:
    """The chapter's figure: what a start is worth, and what exactly it is worth it for.

    Accuracy, and its two halves (see `course.evaluation.order.order_scores`), against
    the number of training clips.
    """
    panes = answer_panes(settings.knobs.action_names)
    fig, axes = figures.figure(1, 3, width=9.2, height=3.7, sharey=True)
    for axis, (metric, (title, chance)) in zip(axes, panes.items(), strict=True):
        curves = {
            words: rec.curve(run, metric, settings.sizes)
            for run, words in STARTS.items()
        }
        charts.seed_curves(axis, curves, chance)
        axis.set_xscale("log", base=2)
        axis.set_xticks(settings.sizes, [f"{n:,}" for n in settings.sizes])
        axis.minorticks_off()
        charts.label(axis, title, "training clips")
    axes[0].set_ylabel("right answers (%)")
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    alt = (
        "Three panels against the number of training clips, for fresh and for inflated "
        "weights: which action; what happens, reversal pairs counted as one answer; in "
        "which direction of time, within reversal pairs"
    )
    return figures.picture_of(fig, alt)


@needing("i3d", [run for run in ARCHITECTURES if run not in OPTIONAL])
def five(rec: Recorded, settings: Settings) -> Picture:
    """The five architectures and the frame average on few clips; streams, shuffling."""
    names = {
        run: f"{name}\n(sees RGB only)" if run in RGB_ONLY else name
        for run, name in ARCHITECTURES.items()
        if run not in OPTIONAL or rec.has(run)
    }
    alt = (
        f"Accuracy of the architectures ({'; '.join(ARCHITECTURES[n] for n in names)}),"
        " of their streams apart, and with the frames shuffled"
    )
    words = f"accuracy after {settings.few:,} clips (%)"
    return row_dots(
        run_rows(rec, names, PARTS), words, alt, 5.0, _chance(settings), VARIANTS
    )


@needing("i3d", CAMERAS)
def camera(rec: Recorded, settings: Settings) -> Picture:
    """RGB against flow, while the camera rests, moves, and moves much."""
    rows = run_rows(rec, CAMERAS, STREAMS)
    streams = list(STREAMS.values())
    unclipped = rec.values("camera_unclipped:accuracy")
    if unclipped:
        rows[CAMERAS["camera_moves_much"]][UNCLIPPED] = unclipped
        streams.append(UNCLIPPED)
    alt = f"Accuracy by stream ({'; '.join(streams)}): {', '.join(CAMERAS.values())}"
    words = f"accuracy after {settings.many:,} clips (%)"
    return row_dots(rows, words, alt, 3.4, _chance(settings), VARIANTS)


@needing("i3d", ["transfer_i3d", "transfer_c3d"])
def transfer(rec: Recorded, settings: Settings) -> Picture:
    """Training on the small data set alone, on frozen features, and fine-tuning."""
    nets = {
        "I3D (both)": "transfer_i3d:",
        "I3D (RGB)": "transfer_i3d:rgb_",
        "I3D (flow)": "transfer_i3d:flow_",
        "3D-ConvNet": "transfer_c3d:",
    }
    values = {
        name: {words: rec.values(f"{run}{key}") for key, words in PROTOCOLS.items()}
        for name, run in nets.items()
    }
    return transfer_bars(values, chance=1 / 8)  # eight actions in the second data set


@needing("i3d", [f"thinned_{kind}" for kind in THINNED])
def thinning(rec: Recorded, settings: Settings) -> Picture:
    """Left or right?  Where time is halved, against the speed of the dots."""
    fig, axis = figures.figure(width=6.8, height=3.4)
    curves = {
        words: rec.curve(f"thinned_{kind}", "speed", settings.speeds)
        for kind, words in THINNED.items()
    }
    charts.seed_curves(axis, curves, chance=0.5)
    axis.set_xticks(settings.speeds)
    axis.set_ylim(40, 102)
    axis.legend(loc="center left", frameon=False)
    charts.label(axis, "Left or right?", "speed (px per frame)", "accuracy (%)")
    alt = f"Accuracy in telling directions against speed: {', '.join(curves)}"
    return figures.picture_of(fig, alt)


@needing("i3d", CARDS)
def cards(rec: Recorded, settings: Settings) -> Picture:
    """The report cards of the inflated network and of the same from fresh weights."""
    alt = "Report cards as dots, row by row: fresh and inflated weights"
    return report_cards(rec, CARDS, alt)


def _chance(settings: Settings) -> float:
    return 1 / len(settings.knobs.action_names)
