"""Articulated actors: poses become parts, parts become things that can be drawn.

A `Pose` (joint angles) is solved into joints by forward kinematics, then into a list of
rounded boxes ("parts").  Every part is rigid: it has a centre, an angle and a colour
pattern that is fixed to it.  That is what makes the optical flow of the world exact.

Body coordinates: x towards where the actor faces, y down, 0 on the ground, unit = body
height.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from course.draws import Draws
from course.synthetic.actions import Pose

THIGH, SHIN, SOLE = 0.21, 0.19, 0.045
TORSO, SHOULDER, HEAD = 0.31, 0.265, 0.125
UPPER_ARM, FOREARM = 0.165, 0.165

# Part names in drawing order, back to front.  Props stand between or behind the limbs.
PARTS = (
    "chair_back", "chair_leg", "chair_seat",
    "far_upper_arm", "far_forearm", "far_thigh", "far_shin", "far_foot",
    "right_thigh", "right_shin", "right_foot",  # the near leg in front view
    "torso", "head", "prop",
    "near_thigh", "near_shin", "near_foot", "near_upper_arm", "near_forearm",
)  # fmt: skip


def _direction(angle: np.ndarray, side: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    radians = np.deg2rad(angle)
    return side * np.sin(radians), np.cos(radians)


def solve(pose: Pose, shape: tuple[int, int]) -> SimpleNamespace:
    """Forward kinematics: joints of a pose in body coordinates, arrays (N, T)."""
    full = lambda value: np.broadcast_to(np.asarray(value, float), shape)  # noqa: E731
    front = pose.view == "front"
    joints = SimpleNamespace(front=front)
    lean = full(pose.lean)
    up_x, up_y = _direction(180.0 - lean)
    for side, name, spread in ((0, "far", -1.0), (1, "near", 1.0)):
        way = spread if front else 1.0
        thigh, knee = full(pose.legs[side]), full(pose.knees[side])
        hip_x = spread * (0.068 if front else 0.012)
        a, b = _direction(thigh, way), _direction(thigh - knee, way)
        knee_x, knee_y = hip_x + THIGH * a[0], THIGH * a[1]
        ankle_x, ankle_y = knee_x + SHIN * b[0], knee_y + SHIN * b[1]
        arm, elbow = full(pose.arms[side]), full(pose.elbows[side])
        shoulder_x = SHOULDER * up_x + (spread * 0.118 if front else 0.0)
        c, d = _direction(arm, way), _direction(arm + elbow, way)
        elbow_x = shoulder_x + UPPER_ARM * c[0]
        elbow_y = SHOULDER * up_y + UPPER_ARM * c[1]
        limb = SimpleNamespace(
            hip=(full(hip_x), full(0.0)), knee=(knee_x, knee_y), ankle=(ankle_x,
            ankle_y), shoulder=(shoulder_x, SHOULDER * up_y), elbow=(elbow_x, elbow_y),
            hand=(elbow_x + FOREARM * d[0], elbow_y + FOREARM * d[1]),
            tip=(elbow_x + 1.75 * FOREARM * d[0], elbow_y + 1.75 * FOREARM * d[1]),
            way=way, sole=thigh - knee,
        )  # fmt: skip
        setattr(joints, name, limb)
    joints.neck = (TORSO * up_x, TORSO * up_y)
    joints.lean, joints.nod = lean, full(pose.nod)
    _stand(joints, pose, full)
    return joints


def _stand(joints: SimpleNamespace, pose: Pose, full) -> None:
    """Put the lower foot on the ground and the feet (or the hips) at the place."""
    lowest = np.maximum(joints.far.ankle[1], joints.near.ankle[1])
    joints.dy = -SOLE - lowest - full(pose.lift)
    feet = 0.5 * (joints.far.ankle[0] + joints.near.ankle[0])
    joints.dx = full(pose.shift) + pose.stand - (feet if pose.planted else 0.0)
    joints.hand_x = joints.near.hand[0] + joints.dx
    joints.hand_y = joints.near.hand[1] + joints.dy
    joints.tip_x = joints.near.tip[0] + joints.dx  # where a ball in the hand is
    joints.tip_y = joints.near.tip[1] + joints.dy


def _bone(start, end, width: float, extend: float | None = None):
    """A capsule between two joints: (centre x, centre y, angle, half length, width)."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = np.sqrt(dx**2 + dy**2).flat[0]
    reach = width if extend is None else extend
    centre = (0.5 * (start[0] + end[0]), 0.5 * (start[1] + end[1]))
    return (*centre, np.arctan2(dy, dx), 0.5 * length + reach, width)


def _body(joints: SimpleNamespace) -> dict[str, tuple]:
    """Every body part as (x, y, angle, half length, half width, corner radius)."""
    parts = {}
    for name in ("far", "near"):
        limb = getattr(joints, name)
        leg = "right" if joints.front and name == "near" else name
        parts[f"{leg}_thigh"] = _bone(limb.hip, limb.knee, 0.072)
        parts[f"{leg}_shin"] = _bone(limb.knee, limb.ankle, 0.058)
        toe = np.deg2rad(35.0 if joints.front else 82.0) + np.deg2rad(
            0.0 if joints.front else np.clip(limb.sole, -60, 60) * 0.55
        )
        reach = 0.03 if joints.front else 0.075
        tip = (
            limb.ankle[0] + limb.way * reach * np.sin(toe),
            limb.ankle[1] + reach * np.cos(toe),
        )
        parts[f"{leg}_foot"] = _bone(limb.ankle, tip, 0.047)
        parts[f"{name}_upper_arm"] = _bone(limb.shoulder, limb.elbow, 0.052)
        parts[f"{name}_forearm"] = _bone(limb.elbow, limb.hand, 0.047)
    hip = (np.zeros_like(joints.neck[0]), np.zeros_like(joints.neck[1]))
    width = 0.128 if joints.front else 0.108
    x, y, angle, half, width = _bone(hip, joints.neck, width, extend=0.045)
    parts["torso"] = (x, y, angle, half, width)
    tilt = np.deg2rad(180.0 - joints.lean - joints.nod)
    x = joints.neck[0] + 0.118 * np.sin(tilt)
    y = joints.neck[1] + 0.118 * np.cos(tilt)
    parts["head"] = (x, y, np.arctan2(np.cos(tilt), np.sin(tilt)), HEAD, HEAD)
    return {
        name: (p[0] + joints.dx, p[1] + joints.dy, *p[2:]) for name, p in parts.items()
    }


_PROPS = {  # half length, half width, corner
    "box": (0.17, 0.30, 0.025),
    "parcel": (0.13, 0.12, 0.02),
    "ball": (0.10, 0.10, 0.10),
}
_CHAIR = {  # x, y, angle, half length, half width; from the seat's place on the ground
    "chair_seat": (0.0, -0.155, 0.0, 0.17, 0.028),
    "chair_back": (-0.16, -0.36, np.pi / 2, 0.22, 0.026),
    "chair_leg": (-0.02, -0.07, np.pi / 2, 0.07, 0.05),
}


def build_parts(pose: Pose, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """A pose as arrays over the parts of `PARTS`, in body coordinates.

    Returns:
        dict of `centre` (N, T, K, 2), `angle` (N, T, K), `half` (N, K, 2),
        `corner` (N, K), `shown` (N, T, K), for N actors over T frames.
    """
    count = len(PARTS)
    joints = solve(pose, shape)
    boxes = _body(joints)
    if pose.prop and pose.prop_at:
        x, y = pose.prop_at(joints, lambda other: solve(other, shape))
        if pose.prop == "chair":
            x = x + pose.stand
            for name, (dx, dy, angle, half, width) in _CHAIR.items():
                boxes[name] = (x + dx, y + dy, angle, half, width)
        else:
            half, width, _ = _PROPS[pose.prop]
            boxes["prop"] = (x, y, 0.0, half, width)
    out = {
        "centre": np.zeros((*shape, count, 2)), "angle": np.zeros((*shape, count)),
        "half": np.full((shape[0], count, 2), 1e-3), "corner": np.zeros((shape[0],
        count)), "shown": np.zeros((*shape, count), bool),
        "front": np.full(shape, pose.view == "front"),
        "prop": np.full(shape, list(_PROPS).index(pose.prop) if pose.prop in _PROPS
        else -1),
    }  # fmt: skip
    for k, name in enumerate(PARTS):
        if name not in boxes:
            continue
        x, y, angle, half, width = boxes[name]
        out["centre"][:, :, k, 0], out["centre"][:, :, k, 1] = x, y
        out["angle"][:, :, k] = angle
        out["half"][:, k] = half, width
        out["corner"][:, k] = _corner(name, width, pose.prop)
        out["shown"][:, :, k] = True
    return out


def _corner(name: str, width: float, prop: str) -> float:
    if name == "prop":
        return _PROPS[prop][2]
    if name.startswith("chair"):
        return 0.5 * width
    return 0.8 * width if name == "torso" else width


# Clothes: strong, distinct colours, so that an actor stands out from every scene.
_SHIRTS = np.array(
    [[.86, .16, .20], [.10, .36, .82], [.98, .76, .10], [.12, .62, .36], [.58, .20,
    .66],
     [.95, .45, .10], [.10, .66, .74], [.93, .36, .60],
     [.95, .95, .92], [.16, .17, .24]]
)  # fmt: skip
_TROUSERS = np.array(
    [[.16, .20, .36], [.33, .22, .16], [.20, .20, .22], [.46, .10, .22], [.78, .70,
    .55],
     [.10, .34, .30], [.30, .34, .62], [.55, .55, .60]]
)  # fmt: skip
_SKINS = np.array(
    [[0.98, 0.82, 0.70], [0.90, 0.68, 0.50], [0.72, 0.49, 0.33], [0.47, 0.30, 0.20]]
)
_HAIRS = np.array(
    [[0.12, 0.09, 0.08], [0.36, 0.20, 0.10], [0.80, 0.62, 0.26], [0.62, 0.24, 0.12]]
)
_SHOES = np.array([[0.92, 0.92, 0.90], [0.12, 0.12, 0.14], [0.80, 0.20, 0.16]])
_BALLS = np.array(
    [[0.95, 0.25, 0.20], [0.98, 0.85, 0.25], [0.95, 0.95, 0.95], [0.95, 0.55, 0.15]]
)
_PROP_COLOURS = np.array([[0.74, 0.53, 0.30], [0.62, 0.40, 0.24], [0.80, 0.60, 0.42]])


def _jitter(colours: np.ndarray, draws: Draws, name: str, size: float) -> np.ndarray:
    noise = np.stack([draws.uniform(f"{name}.{c}", -size, size) for c in "rgb"], -1)
    return np.clip(colours + noise, 0.0, 1.0)


def outfits(draws: Draws) -> dict[str, np.ndarray]:
    """Clothes of N actors: colours (N, 3) and stripes (N,), one outfit per draw."""
    pick = lambda name, table: _jitter(  # noqa: E731
        table[draws.integer(name, len(table))], draws, name, 0.05
    )
    return {
        "shirt": pick("shirt", _SHIRTS), "trousers": pick("trousers", _TROUSERS),
        "skin": pick("skin", _SKINS), "hair": pick("hair", _HAIRS),
        "shoe": pick("shoe", _SHOES), "prop": pick("prop", _PROP_COLOURS),
        "ball": pick("ball", _BALLS),
        "short_sleeves": draws.bernoulli("short_sleeves", 0.5),
        "shirt_stripes": draws.uniform("shirt_stripes", 4.0, 13.0),
        "trouser_stripes": draws.uniform("trouser_stripes", 3.0, 8.0),
        "stripe_phase": draws.uniform("stripe_phase", 0.0, 2 * np.pi),
    }  # fmt: skip


def dress(outfit: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Colours and patterns per part: `colour`, `colour2` (N, K, 3), `split` (N, K),
    `pattern` (N, K, 2) = stripe strength and stripes per body height."""
    count = len(outfit["shirt"])
    colour = np.zeros((count, len(PARTS), 3))
    colour2, split = colour.copy(), np.full((count, len(PARTS)), 9.0)
    pattern = np.zeros((count, len(PARTS), 2))
    for k, name in enumerate(PARTS):
        first = second = outfit["prop"]
        if "arm" in name or name == "torso":
            first = second = outfit["shirt"]
            pattern[:, k] = np.stack([np.ones(count), outfit["shirt_stripes"]], -1)
        if "forearm" in name:
            short = outfit["short_sleeves"][:, None]
            first = np.where(short, outfit["skin"], outfit["shirt"])
            second, split[:, k] = outfit["skin"], 0.06
            pattern[:, k, 0] = np.where(short[:, 0], 0.0, 1.0)
        elif "thigh" in name or "shin" in name:
            first = second = outfit["trousers"]
            stripes = outfit["trouser_stripes"]
            pattern[:, k] = np.stack([np.full(count, 0.7), stripes], -1)
        elif "foot" in name:
            first = second = outfit["shoe"]
        elif name == "head":
            first, second = outfit["skin"], outfit["hair"]
        elif name == "prop":
            pattern[:, k] = np.stack([np.full(count, 1.0), np.full(count, 6.0)], -1)
        shade = 0.82 if name.startswith("far") else 1.0
        colour[:, k], colour2[:, k] = first * shade, second * shade
    return {"colour": colour, "colour2": colour2, "split": split, "pattern": pattern}
