"""What the actors do: poses as a function of time, in joint angles.

An action is a function `(time, body) -> Pose`.  Angles are in degrees, limbs hang at 0,
point the way the actor faces at 90 and straight up at 180 (in front view: outwards).
Lengths are in body heights.  Time is in seconds, 0 at the middle of the clip.

Half of the actions come in pairs that are exact reversals of each other in time: the
second member *is* the first one played at -time.  Both show the same set of frames, so
a network that looks at one frame at a time cannot tell them apart; only order can.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

Angle = float | np.ndarray


@dataclass
class Pose:
    """Joint angles (degrees) and props of N actors over T frames, each array (N, T)."""

    view: str = "front"  # "front" or "side"
    shift: np.ndarray | float = 0.0  # hip travel along the facing direction, heights
    lift: np.ndarray | float = 0.0  # height of the lower foot above the ground
    lean: np.ndarray | float = 0.0  # torso, positive forwards (front: to the right)
    nod: np.ndarray | float = 0.0  # head against the torso
    arms: tuple = (8.0, 8.0)  # shoulder angles: far/left, near/right
    elbows: tuple = (10.0, 10.0)  # forearm against upper arm, bends forwards/upwards
    legs: tuple = (5.0, 5.0)  # hip angles
    knees: tuple = (0.0, 0.0)  # shin against thigh, bends backwards
    stand: float = 0.0  # where the actor stands, heights ahead of the middle
    prop: str = ""  # "", "box", "parcel", "ball" or "chair"
    prop_at: Callable | None = field(default=None, repr=False)  # see actors.solve
    planted: bool = True  # feet stay in place (else the hips do)


@dataclass(frozen=True)
class Tempo:
    """What differs between two performances of one action, each array (N, 1)."""

    speed: np.ndarray  # 1 = normal
    offset: np.ndarray  # seconds by which the middle of the action is late
    phase: np.ndarray  # turns, where a cyclic action starts
    vigour: np.ndarray  # 0.85 .. 1.1, how far the limbs swing
    span: float  # seconds the clip lasts


def _ease(u: np.ndarray) -> np.ndarray:
    u = np.clip(u, 0.0, 1.0)
    return u * u * (3.0 - 2.0 * u)


def _mix(a: Angle, b: Angle, u: np.ndarray) -> np.ndarray:
    return a + (b - a) * u


def _once(time: np.ndarray, tempo: Tempo, period: float = 1.2) -> np.ndarray:
    """Progress 0 .. 1 of an action that happens once, in the middle of the clip."""
    return 0.5 + tempo.speed * (time - tempo.offset) / min(period, 0.8 * tempo.span)


def _cycle(time: np.ndarray, tempo: Tempo, period: float) -> np.ndarray:
    """Angle in radians of an action that repeats."""
    return 2.0 * np.pi * (tempo.speed * time / period + tempo.phase)


def raise_arms(time: np.ndarray, tempo: Tempo) -> Pose:
    up = _ease(_once(time, tempo))
    arm = _mix(12.0, 168.0 * np.minimum(tempo.vigour, 1.0), up)
    bend = 10.0 + 25.0 * np.sin(np.pi * up)
    return Pose(arms=(arm, arm), elbows=(bend, bend), nod=-6.0 * up)


def walk_forward(time: np.ndarray, tempo: Tempo) -> Pose:
    travel = 0.60 * tempo.speed * time / max(tempo.span, 1e-6)
    stride = 2.0 * np.pi * (travel / 0.66 + tempo.phase)
    swing = 30.0 * tempo.vigour * np.sin(stride)
    knees = tuple(14.0 + 26.0 * np.clip(np.cos(stride + s), 0, 1) for s in (np.pi, 0.0))
    return Pose(
        view="side", shift=travel, lean=4.0, planted=False,
        arms=(swing, -swing), elbows=(24.0, 24.0),
        legs=(-swing + 6.0, swing + 6.0), knees=knees,
    )  # fmt: skip


def push(time: np.ndarray, tempo: Tempo) -> Pose:
    walk = walk_forward(time, tempo)
    legs = tuple(leg * 0.8 - 10.0 for leg in walk.legs)
    travel = 0.7 * walk.shift
    return Pose(
        view="side", shift=travel, lean=22.0, nod=-10.0, planted=False,
        arms=(78.0, 70.0), elbows=(14.0, 14.0), legs=legs, knees=walk.knees,
        stand=-0.24, prop="box",
        prop_at=lambda joints, solve: (joints.hand_x + 0.18, -0.30),
    )  # fmt: skip


def sit_down(time: np.ndarray, tempo: Tempo) -> Pose:
    down = _ease(_once(time, tempo))
    lean = 6.0 + 34.0 * np.sin(np.pi * down)
    reach = 6.0 + 55.0 * np.sin(np.pi * down) + 30.0 * down
    return Pose(
        view="side", lean=lean, arms=(reach, reach), elbows=(18.0, 18.0),
        legs=(_mix(2.0, 84.0, down),) * 2, knees=(_mix(2.0, 84.0, down),) * 2,
        stand=0.10, prop="chair", prop_at=lambda joints, solve: (-0.22, 0.0),
    )  # fmt: skip


def pick_up(time: np.ndarray, tempo: Tempo) -> Pose:
    u = np.clip(_once(time, tempo, 1.4), 0.0, 1.0)
    bend = np.sin(np.pi * _ease(u))  # upright, down at half time, upright with the box
    hold = np.where(u >= 0.5, 1.0 - bend, 0.0)

    def at(joints, solve):
        grip = _ease(hold / 0.25)
        return _mix(0.22, joints.hand_x + 0.04, grip), _mix(-0.12, joints.hand_y, grip)

    return Pose(
        view="side", lean=62.0 * bend, nod=-18.0 * bend,
        arms=(12.0 + 34.0 * bend + 48.0 * hold, 8.0 + 34.0 * bend + 48.0 * hold),
        elbows=(10.0 + 30.0 * hold,) * 2,
        legs=(4.0 + 62.0 * bend,) * 2, knees=(4.0 + 74.0 * bend,) * 2,
        stand=-0.14, prop="parcel", prop_at=at,
    )  # fmt: skip


def _throwing(u: np.ndarray) -> dict:
    windup, swing = _ease(u / 0.28), _ease((u - 0.28) / 0.3)
    return {
        "view": "side", "stand": -0.34, "lean": -14.0 * windup + 32.0 * swing,
        "arms": (30.0 - 20.0 * swing, _mix(20.0, -75.0, windup) + 205.0 * swing),
        "elbows": (20.0, 45.0 * windup * (1.0 - swing) + 6.0),
        "legs": (-16.0 + 4.0 * swing, 18.0 - 4.0 * swing), "knees": (6.0, 8.0),
    }  # fmt: skip


def throw(time: np.ndarray, tempo: Tempo) -> Pose:
    u = _once(time, tempo, 1.3)
    release = 0.48  # share of the action after which the ball flies
    flight = np.clip((u - release) / (1.0 - release), 0.0, None)

    def at(joints, solve):
        start = solve(Pose(**_throwing(np.full_like(u, release))))
        fly_x = start.tip_x + 0.40 * flight
        fly_y = start.tip_y - 0.75 * flight + 0.9 * flight**2
        gone = flight > 0
        return np.where(gone, fly_x, joints.tip_x), np.where(gone, fly_y, joints.tip_y)

    return Pose(**_throwing(u), prop="ball", prop_at=at)


def wave(time: np.ndarray, tempo: Tempo) -> Pose:
    turn = _cycle(time, tempo, 0.85)
    return Pose(
        arms=(10.0, 118.0 + 6.0 * np.sin(turn)),
        elbows=(12.0, 42.0 + 48.0 * tempo.vigour * np.sin(turn)),
        nod=5.0 * np.sin(turn), lean=3.0,
    )  # fmt: skip


def jumping_jack(time: np.ndarray, tempo: Tempo) -> Pose:
    turn = _cycle(time, tempo, 1.15)
    apart = 0.5 - 0.5 * np.cos(turn)
    arm = _mix(14.0, 160.0 * np.minimum(tempo.vigour, 1.0), apart)
    leg = _mix(3.0, 30.0 * tempo.vigour, apart)
    return Pose(
        arms=(arm, arm), elbows=(6.0, 6.0), legs=(leg, leg),
        lift=0.10 * np.abs(np.sin(turn)),
    )  # fmt: skip


def kick(time: np.ndarray, tempo: Tempo) -> Pose:
    turn = _cycle(time, tempo, 1.25)
    hit = np.clip(0.5 - 0.5 * np.cos(turn), 0, 1) ** 1.5
    back = 22.0 * np.clip(np.sin(turn + np.pi), 0, 1)
    return Pose(
        view="side", lean=-16.0 * hit, planted=False,
        arms=(-20.0 + 70.0 * hit, 15.0 - 55.0 * hit), elbows=(35.0, 30.0),
        legs=(-4.0, 98.0 * tempo.vigour * hit - back), knees=(3.0, 10.0 + 60.0 * (1 -
        hit) * hit),
    )  # fmt: skip


def dance(time: np.ndarray, tempo: Tempo) -> Pose:
    turn = _cycle(time, tempo, 1.1)
    sway = np.sin(turn)
    left, right = 0.5 + 0.5 * sway, 0.5 - 0.5 * sway
    return Pose(
        lean=13.0 * tempo.vigour * sway, nod=-9.0 * sway, shift=0.05 * sway,
        arms=(_mix(35.0, 150.0, left), _mix(35.0, 150.0, right)),
        elbows=(_mix(75.0, 15.0, left), _mix(75.0, 15.0, right)),
        legs=(_mix(6.0, 34.0, right), _mix(6.0, 34.0, left)),
        knees=(_mix(4.0, 62.0, right), _mix(4.0, 62.0, left)), planted=False,
    )  # fmt: skip


def idle(time: np.ndarray, tempo: Tempo) -> Pose:
    """Standing about between two actions of an untrimmed video (not a class)."""
    turn = _cycle(time, tempo, 3.0)
    return Pose(arms=(9.0 + 2.0 * np.sin(turn),) * 2, lean=1.5 * np.sin(turn))


def reversed_in_time(action: Callable) -> Callable:
    """The same performance played backwards: its pose at -time."""

    def played_backwards(time: np.ndarray, tempo: Tempo) -> Pose:
        return action(-time, tempo)

    return played_backwards


ACTIONS: dict[str, Callable[[np.ndarray, Tempo], Pose]] = {
    "raise_arms": raise_arms,
    "lower_arms": reversed_in_time(raise_arms),
    "walk_forward": walk_forward,
    "walk_backward": reversed_in_time(walk_forward),
    "wave": wave,
    "jumping_jack": jumping_jack,
    "kick": kick,
    "dance": dance,
    "sit_down": sit_down,
    "stand_up": reversed_in_time(sit_down),
    "push": push,
    "pull": reversed_in_time(push),
    "pick_up": pick_up,
    "put_down": reversed_in_time(pick_up),
    "throw": throw,
    "catch": reversed_in_time(throw),
}

REVERSALS = (
    ("raise_arms", "lower_arms"),
    ("walk_forward", "walk_backward"),
    ("sit_down", "stand_up"),
    ("push", "pull"),
    ("pick_up", "put_down"),
    ("throw", "catch"),
)
