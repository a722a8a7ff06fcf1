"""The panels of the I3D chapter."""

from __future__ import annotations

from collections.abc import Mapping

from ipywidgets import Dropdown, FloatSlider, IntSlider

from course.i3d.drawings import boring_video, fusion_view, stride_view, treemap
from course.i3d.drawings.fusion_bounds import RULES
from course.i3d.inflation import TAPS, TIME_PADDINGS
from course.i3d.published import reference_outputs
from course.teaching import Panel, Picture


def _slider(
    low: float, high: float, value: float, step: float, text: str
) -> FloatSlider:
    return FloatSlider(value, min=low, max=high, step=step, description=text)


def inflation_explorer() -> Panel:
    """One filter in 2-D and inflated, on a video that is still or scrolls."""
    kernels = boring_video.still_kernels()

    def draw(
        image: str, kernel: str, taps_in_time: int, padding: str, taps: str,
        frames: int, speed: float,
    ) -> list[Picture | str]:  # fmt: skip
        still = boring_video.still_image(image)
        video = boring_video.scrolled(still, frames, speed)
        flat, deep = boring_video.responses(
            video, kernels[kernel], taps_in_time, padding, taps
        )
        said = boring_video.deviation_sentence(boring_video.deviations(flat, deep))
        kind = "a still video" if speed == 0 else f"a video scrolling {speed:g} px"
        alt = f"Responses of a {kernel} kernel with {taps_in_time} taps to {kind}"
        picture = boring_video.responses_picture(video, flat, deep, alt)
        key = "100 %: the strongest 2-D response; orange above zero, blue below"
        return [picture, f"<p>{said} ({key}.)</p>"]

    return Panel(
        "When does the inflated filter answer like the image filter?",
        "On a still video (speed 0), which setting makes the first frame wrong, and "
        "which two cures are there? And what breaks the equality whatever the padding?",
        {
            "image": Dropdown(options=boring_video.IMAGES, description="image"),
            "kernel": Dropdown(options=list(kernels), description="2-D kernel"),
            "taps_in_time": IntSlider(5, 1, 7, description="N, taps in time"),
            "padding": Dropdown(
                options=TIME_PADDINGS, value="zeros", description="padding of time"
            ),
            "taps": Dropdown(options=TAPS, description="weights on the taps"),
            "frames": IntSlider(8, 1, 12, description="T, frames"),
            "speed": _slider(0, 4, 0, 0.5, "scrolling, px a frame"),
        },
        draw,
        answer="Zeros before the first frame: with the mean on all taps, some of the N "
        "taps meet empty frames, and (N - 1) // 2 of N parts of the answer are missing "
        "in frame 0. Replicating the end frames cures it; so does putting all weight "
        "on the centre tap. Motion is another matter: with equal taps the answer is a "
        "mean over N frames, which differ. Only the centre tap (or N = 1) still "
        "answers frame by frame, but then the filter sees no motion at all.",
    )


def stride_explorer() -> Panel:
    """Receptive fields and temporal strides over an x-t slice of moving dots."""
    layers = [(row.name, i) for i, row in enumerate(stride_view.growth(1))]

    def draw(
        fps: int, speed: int, spacing: int, early_stride: int, layer: int
    ) -> list[Picture | str]:
        row = stride_view.growth(early_stride)[layer]
        (frames, pixels, _), jump = row.size, row.jump[0]
        per_frame = speed / fps
        seen = stride_view.sampling(per_frame, spacing, jump)
        told = stride_view.sampling_sentence(seen, spacing)
        alt = (
            f"Dots moving {per_frame:.3g} px a frame, the field of a unit behind "
            f"{row.name} ({frames} frames, {pixels} px), and every frame it keeps"
        )
        pictures = [
            stride_view.slices_picture(per_frame, spacing, row, alt),
            stride_view.growth_picture(layer, early_stride),
        ]
        outside = []
        if frames > stride_view.FRAMES:
            outside.append(f"more than the {stride_view.FRAMES} frames of a clip")
        if pixels > stride_view.WIDTH:
            outside.append(f"more than the {stride_view.WIDTH} px of a frame")
        wide = f" ({'; '.join(outside)})" if outside else ""
        text = (
            f"<p>A unit behind <b>{row.name}</b> (blue box) sees {frames} frames = "
            f"{frames / fps:.2f} s and {pixels} px{wide}. A kernel that reads this "
            f"layer steps over {jump} frames at a time; meanwhile the dots move "
            f"{seen.step:.3g} px, {told}.</p>"
        )
        return [*pictures, text]

    return Panel(
        "How fast may time be thinned out?",
        "Keep 25 frames a second, 100 px a second, 48 px between the dots, and go down "
        "the layers. Where does the direction become undecidable with early stride 1, "
        "where with 2? What would a film at 10 frames a second ask for?",
        {
            "fps": IntSlider(25, 5, 50, 5, description="frames a second"),
            "speed": IntSlider(100, 0, 400, 10, description="dot speed, px a second"),
            "spacing": IntSlider(48, 16, 112, 8, description="px from dot to dot"),
            "early_stride": Dropdown(
                options=[("1, as in I3D", 1), ("2, symmetric", 2)],
                layout={"width": "420px"},  # a long name, and room for the options
                description="time stride of pools 2a and 3a",
            ),
            "layer": Dropdown(options=layers, value=3, description="behind layer"),
        },
        draw,
        answer="The dots move 4 px a frame. With stride 1 a layer keeps every 2nd "
        "frame (8 px) up to pool 4a and every 4th (16 px) up to pool 5a, both below "
        "half the spacing; only behind pool 5a (32 px) the direction is lost. With "
        "stride 2 pool 2a already keeps every 4th frame and pool 3a every 8th: lost "
        "there, before the middle layers could use it. What earlier kernels have "
        "turned into channels is not lost. At 10 frames a second the dots move 10 px a "
        "frame, and stride in time should come even later: the right pace depends on "
        "the frame rate, since frames and pixels have no common unit.",
    )


def fusion_explorer() -> Panel:
    """Two streams' printed answers to one clip, fused in several ways."""
    outputs = reference_outputs()

    def draw(
        start: str, rule: str, weight: float, temperature: float, axis: str
    ) -> list[Picture | str]:
        rgb, flow = outputs[f"{start}_rgb"], outputs[f"{start}_flow"]
        table = fusion_view.three_chances(rgb, flow, rule, weight, temperature)
        best = next(iter(table["fused"]))
        alt = (
            f"Bars of the RGB, flow and fused probabilities of {len(table['fused'])} "
            f"classes, {rule}, weight {weight:g}, temperature {temperature:g}; "
            f"{best} is first"
        )
        picture = fusion_view.fusion_picture(table, axis == "powers of ten", alt)
        return [picture, fusion_view.fusion_sentence(table, rgb, flow)]

    return Panel(
        "Two streams, one answer",
        "Both rules name the same winner here. In which of them can one sure stream "
        "overrule a stream that doubts, and which one keeps the doubt?",
        {
            "start": Dropdown(
                options=[("ImageNet, then Kinetics", "imagenet"),
                         ("Kinetics from scratch", "scratch")],
                description="networks",
            ),
            "rule": Dropdown(options=RULES, description="fusion"),
            "weight": _slider(0, 1, 0.5, 0.05, "weight of RGB"),
            "temperature": _slider(0.5, 3, 1, 0.25, "temperature"),
            "axis": Dropdown(options=["powers of ten", "linear"], description="axis"),
        },
        draw,
        answer="Adding logits multiplies the streams' probabilities: RGB puts "
        "cricket 17 logits above hurling, and e^17 wipes out the 4 % that flow gives "
        "to hurling: 1 - 2e-09 is left. The mean of probabilities keeps half of each "
        "stream's doubt: 0.974. The paper "
        "speaks of averaged predictions, the released code adds logits. A temperature "
        "above 1 flattens both, and then the 380 unprinted classes begin to matter: "
        "the pale parts grow, because nobody printed them.",
    )  # fmt: skip


def parameter_treemap(
    tensors: Mapping[str, treemap.Tensors] | None = None,
) -> Panel:
    """Where the five architectures keep their parameters.

    Args:
        tensors: architecture -> (tensor name, shape) of each parameter; by default the
            five of `course.i3d.architectures` at the paper's size.
    """
    tensors = treemap.built_tensors() if tensors is None else tensors
    leaves = {name: treemap.leaves_of(rows) for name, rows in tensors.items()}
    options = [(treemap.TITLES.get(name, name), name) for name in leaves]

    def draw(architecture: str, grouping: str) -> list[Picture | str]:
        chosen = leaves[architecture]
        said = treemap.parameter_sentence(chosen, treemap.TABLE_1.get(architecture))
        title = treemap.TITLES.get(architecture, architecture)
        alt = f"Treemap of the parameters of {title}, {grouping}. {said}"
        return [treemap.treemap_picture(chosen, grouping, alt), f"<p>{said}</p>"]

    start = "c3d" if "c3d" in leaves else options[0][1]
    return Panel(
        "Where are the parameters?",
        "I3D has a time axis in its kernels and a third of C3D's parameters. What "
        "makes C3D so large? And why is the fused net three times the two-stream net?",
        {
            "architecture": Dropdown(
                options=options, value=start, description="architecture"
            ),
            "grouping": Dropdown(options=treemap.GROUPINGS, description="grouping"),
        },
        draw,
        answer="Not the time axis: two fully connected layers hold 63 % of C3D, "
        "8192 x 4096 = 33.6 M and 4096 x 4096 = 16.8 M. Inception-v1 ends in an "
        "average pool and has none. The fused net adds a single 3 x 3 x 3 convolution "
        "from 2048 to 512 channels, 28.3 M of its 39 M.",
    )
