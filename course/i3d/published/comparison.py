"""Sets 400 logits beside the twenty that DeepMind printed for the sample clip."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from course.i3d.published.artefacts import Reference

# How far float32 arithmetic in another order may lie from the printed outputs.
LOGIT, NORM = 1e-3, 1e-2
PROBABILITY = 1e-4  # relative


@dataclass(frozen=True)
class Comparison:
    """What a comparison found; the deviations are the largest over the printed rows."""

    logit: float
    norm: float
    probability: float  # relative
    passed: bool
    sentence: str
    table: tuple[str, ...]  # the five best classes, one line each


def compare(
    logits: Float[Tensor, " k"], reference: Reference, exact: bool = True
) -> Comparison:
    """How far logits lie from the printed ones.

    Args:
        logits: one score for each of Kinetics' 400 classes, before the softmax.
        reference: the printed outputs.
        exact: whether the input was the very sample array; if not, only the best class
            is judged.

    Returns:
        largest deviations over the printed classes, the verdict and the five best
        classes beside theirs.

    Raises:
        ValueError: not 400 logits, or one is no number.

    Source: out/*.txt of google-deepmind/kinetics-i3d.

    >>> from course.i3d.published.artefacts import reference_outputs
    >>> import torch
    >>> compare(torch.zeros(400), reference_outputs()["imagenet_rgb"]).passed
    False
    """
    if logits.shape != (400,) or not logits.isfinite().all():
        raise ValueError(
            f"needs 400 finite logits, got shape {tuple(logits.shape)}, "
            f"{int(logits.isfinite().sum())} finite"
        )
    scores = logits.double().cpu()
    probabilities = scores.softmax(0)
    rows = list(zip(reference.classes, reference.logits, strict=True))
    logit = max(abs(float(scores[k]) - value) for k, value in rows)
    norm = abs(float(scores.norm()) - reference.norm)
    relative = max(
        abs(float(probabilities[k]) / value - 1)
        for k, value in zip(reference.classes, reference.probabilities, strict=True)
    )
    if exact:
        passed = logit <= LOGIT and norm <= NORM and relative <= PROBABILITY
        judged = f"{len(rows)} printed classes"
    else:
        passed = int(scores.argmax()) == reference.classes[0]
        judged = f"only the best class is judged ({reference.names[0]})"
    sentence = (
        f"largest deviation of a logit {logit:.1e} (allowed {LOGIT:g}), of a "
        f"probability {relative:.1e} of it ({PROBABILITY:g}), of the norm {norm:.1e} "
        f"({NORM:g}); {judged}"
    )
    table = _table(scores, probabilities, reference)
    return Comparison(logit, norm, relative, passed, sentence, table)


def _table(scores: Tensor, probabilities: Tensor, reference: Reference) -> tuple:
    """Our five best classes, the printed values beside them where there are some."""
    printed = {
        k: (name, p, z)
        for k, name, p, z in zip(
            reference.classes,
            reference.names,
            reference.probabilities,
            reference.logits,
            strict=True,
        )
    }
    heads = f"{'logit':>11}{'printed':>11}{'p':>14}{'printed':>14}"
    lines = [f"{'best classes':<30}{heads}"]
    for k in scores.topk(5).indices.tolist():
        name, p, z = printed.get(k, (f"class {k}, not printed", None, None))
        theirs = ("-", "-") if z is None else (f"{z:.6f}", f"{p:.6e}")
        lines.append(
            f"{name:<30}{float(scores[k]):>11.6f}{theirs[0]:>11}"
            f"{float(probabilities[k]):>14.6e}{theirs[1]:>14}"
        )
    norm = f"{'norm of the logits':<30}{float(scores.norm()):>11.6f}"
    return (*lines, f"{norm}{reference.norm:>11.6f}")
