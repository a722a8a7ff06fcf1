"""The same actions with flow as a second stream, true or estimated, one field or five.

Source: the paper's comparison of MSNet with two-stream networks; Simonyan & Zisserman,
NeurIPS 2014, for the idea.  "8 + (8 x 1)" gives the second stream one flow field for
each frame, "8 + (8 x 5)" five, which therefore sees more moments of the clip.
"""

from __future__ import annotations

import time

import torch
from torch import Tensor

from course.evaluation.order import Inputs, logits_of, order_scores
from course.motion_squeeze.inputs import (
    STACK,
    five_flows,
    flow_to_next,
    frames,
    one_flow,
)
from course.motion_squeeze.scales import Settings
from course.motion_squeeze.trainings import (
    WITH_FLOW,
    dense_flow,
    network,
    tested_on,
    train,
    trained_on,
)


def true_flows(settings: Settings, seed: int, device: torch.device) -> dict[str, float]:
    """Frames, flow and both: true flow between the frames, one short field, or five.

    Returns:
        `accuracy`, `family`, `order` with `rgb_` (frames alone), `next_`, `one_`,
        `five_` (a flow stream alone) and `with_next_`, `with_one_`, `with_five_` (its
        class scores added to those of the frames) in front; `seconds` of training the
        frames' network and the flow network together.
    """
    data = trained_on(settings, seed, keys=WITH_FLOW)
    test = tested_on(settings, seed, WITH_FLOW)
    data["dense_flow"] = dense_flow(settings, "train", seed, len(data["action"]))
    test["dense_flow"] = dense_flow(settings, "test", seed, len(test["action"]))
    begun = time.perf_counter()
    rgb = _stream(frames, 3, data, test, settings, seed, device)
    found = _named(rgb, test, settings, "rgb_")
    forms = {
        "next": (flow_to_next, 2),
        "one": (one_flow, 2),
        "five": (five_flows, 2 * STACK),
    }
    for name, (inputs, channels) in forms.items():
        flow = _stream(inputs, channels, data, test, settings, seed, device)
        if name == "next":
            found["seconds"] = time.perf_counter() - begun
        found |= _named(flow, test, settings, f"{name}_")
        found |= _named(rgb + flow, test, settings, f"with_{name}_")
    return found


def estimated_flow(
    settings: Settings, seed: int, device: torch.device
) -> dict[str, float]:
    """Frames and TV-L1 flow, with what it costs to extract that flow.

    Returns:
        As `true_flows`, `tvl1_` and `with_tvl1_` in front; `seconds` of training both
        networks; `extraction_seconds` of the flow of all clips; `error` and `still`:
        the end-point error in px of that flow and of saying that nothing moves.
    """
    data = trained_on(settings, seed)
    test = tested_on(settings, seed, WITH_FLOW)  # the truth, for its error
    begun = time.perf_counter()
    true = test["flow"].float()
    for part in (data, test):
        part["flow"] = extract(part["clip"])
    found = {"extraction_seconds": time.perf_counter() - begun}
    found["error"] = float((test["flow"] - true).norm(dim=1).mean())
    found["still"] = float(true.norm(dim=1).mean())
    begun = time.perf_counter()
    rgb = _stream(frames, 3, data, test, settings, seed, device)
    flow = _stream(flow_to_next, 2, data, test, settings, seed, device)
    found["seconds"] = time.perf_counter() - begun
    found |= _named(flow, test, settings, "tvl1_")
    return found | _named(rgb + flow, test, settings, "with_tvl1_")


def extract(clips: Tensor) -> Tensor:
    """TV-L1 flow of clips.

    Args:
        clips: uint8 (N, 3, T, H, W).

    Returns:
        px, float32 (N, 2, T - 1, H, W).
    """
    from course.video import tvl1_flow

    flows = [tvl1_flow(clip.permute(1, 2, 3, 0).numpy()) for clip in clips]
    return torch.stack([torch.from_numpy(flow) for flow in flows])


def _stream(
    inputs: Inputs, channels: int, data: dict, test: dict, settings: Settings,
    seed: int, device: torch.device,
) -> Tensor:  # fmt: skip
    """The class scores of one stream, a TSN, after its training."""
    net = network("tsn", settings, seed, channels)
    train(net, data, inputs, settings.recipe, seed, device)
    return logits_of(net, test, inputs)


def _named(
    logits: Tensor, test: dict[str, Tensor], settings: Settings, prefix: str
) -> dict[str, float]:
    values = order_scores(logits, test["action"], settings.knobs.action_names)
    return {f"{prefix}{key}": value for key, value in values.items()}
