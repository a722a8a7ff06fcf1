"""Claims about the bias of the data, and about what is known and used of the scene."""

from __future__ import annotations

from course.evaluation.claim_wording import DIRECTION
from course.scene_debias.claims.rules import KNOWN, RHO, above, equal, greater
from course.scene_debias.experiment import at, times

FREE = at("baseline", 0.0)  # trained where scenes tell nothing
BIAS = [
    equal(
        "no-bias",
        "Where scenes are independent of actions, B from the true scene is 0, within "
        "0.1 nats",
        0.1, "bias:true_0", value=0.0, source="SDN's equation 1", paper="by definition",
    ),
    equal(
        "bias-network",
        "and so is B from a scene network's features, within 0.1 nats",
        0.1, "bias:bias_0", value=0.0, source="SDN's equation 1", paper="by definition",
    ),
    greater(
        "bias-actor",
        "At rho 0 the actor is what these features tell: without it B is less by more "
        "than 0.2 nats",
        "bias:bias_0", "bias:erased", least=0.2,
    ),
    greater(
        "bias-grows",
        "B from these features is larger at rho 1 than at rho 0 by more than 1 nat",
        "bias:bias_100", "bias:bias_0", least=1.0,
    ),
    greater(
        "bias-half",
        "At rho 0.5, too, the baseline does worse with scenes swapped than at rho 0",
        FREE, at("baseline", 0.5),
    ),
    greater(
        "bias-hurts",
        f"At rho {RHO} the baseline does worse with scenes swapped than at rho 0 by "
        "more than 20 points",
        FREE, "baseline", "introduction", DIRECTION, least=0.2,
    ),
    greater(
        "bias-hidden",
        f"In distribution this cannot be seen: at rho {RHO} the baseline is not worse "
        "than at rho 0 by more than 3 points",
        "baseline:in_distribution", f"{FREE}:in_distribution", least=-0.03,
    ),
    greater(
        "background-wins",
        f"Trained at rho {RHO}, the baseline names swapped clips as the background's "
        "action more often than trained at rho 0, by more than 10 points",
        "baseline:background_action", f"{FREE}:background_action", least=0.1,
    ),
]  # fmt: skip
STRONG = times("adversary", 4.0)
LEAKAGE = [
    greater(
        "leakage-lower",
        "From the adversary's features a fresh probe names fewer scenes than from the "
        "baseline's, by more than 5 points",
        "baseline:leakage", "adversary:leakage", "its experiment on scene accuracy",
        "direction only, of its own scene classifier", least=0.05,
    ),
    above(
        "leakage-stays",
        "From the adversary's features a fresh probe names more than half of all "
        "scenes",
        "adversary:leakage", 0.5,
    ),
    equal(
        "head-knows",
        "On clips in distribution the adversary's own head ends where the action alone "
        f"leads it, at {KNOWN:.1%} of scenes, within 3 points",
        0.03, "adversary:head", value=KNOWN,
    ),
    greater(
        "head-and-probe",
        "At strength 4 a fresh probe names more scenes of uncorrelated clips than the "
        "head that took part, by more than 10 points",
        f"{STRONG}:leakage", f"{STRONG}:head_uncorrelated", least=0.1,
    ),
    above(
        "presence-not-use",
        "A network trained at rho 0 holds the scene: a fresh probe names more than a "
        "third of the scenes from its features",
        f"{FREE}:leakage", 1 / 3,
    ),
    greater(
        "use-at-zero",
        "It names the background's action less often than the adversary's network",
        "adversary:background_action", f"{FREE}:background_action",
    ),
]  # fmt: skip
GROUPS = {"The bias": BIAS, "The head, the probe and the use": LEAKAGE}
