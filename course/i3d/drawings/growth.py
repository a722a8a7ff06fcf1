"""How far I3D's units see, layer by layer, beside what the paper prints.

Source: Carreira & Zisserman, CVPR 2017, figure 3; see `course.i3d.receptive_field`.
"""

from __future__ import annotations

from course.i3d.receptive_field import PAPER_FIELDS, i3d_layers, receptive_field
from course.teaching import charts, figures
from course.teaching.figures import COLOURS, GREY, Picture


def receptive_growth() -> Picture:
    """Receptive fields of I3D's layers, and those that the paper prints."""
    fig, axis = figures.figure(width=6.8, height=3.8)
    for count, colour, dash in ((4, GREY, "--"), (5, COLOURS["blue"], "-")):
        rows = receptive_field(i3d_layers(count))
        x, t = [r.size[1] for r in rows], [r.size[0] for r in rows]
        words = "as released" if count == 5 else "one less"
        label = f"{count} modules in stage 4, {words}"
        axis.plot(x, t, dash, marker="o", markersize=4, color=colour, label=label)
    x, t = [p for _, p in PAPER_FIELDS.values()], [f for f, _ in PAPER_FIELDS.values()]
    axis.plot(
        x, t, "x", color=COLOURS["red"], markersize=10, markeredgewidth=2.5,
        label="printed in the paper", zorder=5,
    )  # fmt: skip
    axis.plot([], [], color=COLOURS["red"], marker=">", markersize=5, linewidth=1.2,
              label="to the same layer as released")  # fmt: skip
    for row in receptive_field(i3d_layers()):
        if row.name in PAPER_FIELDS:
            _show_slip(axis, row)
            name = row.name.split("_")[1]
            # The first two are too near to each other for names above them.
            right = {"2a": (10, -10), "3a": (13, -2)}.get(name)
            axis.annotate(
                "end" if name == "6a" else f"pool {name}", (row.size[1], row.size[0]),
                xytext=right or (-2, 9), textcoords="offset points",
                ha="left" if right else "right", size=9, color=COLOURS["blue"],
            )  # fmt: skip
    axis.axhline(64, color=GREY, linewidth=1, linestyle=":")
    axis.annotate("64 frames: a training clip", (600, 65), ha="right", va="bottom",
                  size=9, color=GREY)  # fmt: skip
    axis.set(xlim=(-25, 610), ylim=(0, 122))
    axis.legend(loc="lower right", bbox_to_anchor=(1.0, 0.04))
    charts.label(axis, "What a unit sees, layer by layer", "px wide", "frames")
    alt = (
        "Receptive fields, frames over px: the paper's first three crosses lie on the "
        "line of the released net, its last two on that of a net with one module less"
    )
    return figures.picture_of(fig, alt)


def _show_slip(axis, row) -> None:
    """An arrow from what the paper prints to what is so, where the two differ."""
    t, x = PAPER_FIELDS[row.name]
    if (t, x) != row.size[:2]:
        axis.annotate(
            "", (row.size[1], row.size[0]), xytext=(x, t), zorder=6,
            # Bent: the first of the two lies along the line of the released net.
            arrowprops={"arrowstyle": "-|>", "color": COLOURS["red"], "linewidth": 1.2,
                        "connectionstyle": "arc3,rad=0.7", "shrinkA": 4, "shrinkB": 3,
                        "mutation_scale": 9},
        )  # fmt: skip
