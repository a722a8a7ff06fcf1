"""An exercise on batch norm: I3D's has an offset but no scale.

The published checkpoints hold beta, mean and variance and no gamma (eps 1e-3), while
most image networks have one, so their weights do not fit without a rewriting.
"""

from __future__ import annotations

from course.teaching.diagnosis import drawn, equal, told_apart
from course.teaching.exercise import Exercise, Wrong


def _norm(gamma: list[float]):
    import torch

    bn = torch.nn.BatchNorm2d(len(gamma), eps=0.1).double().eval()
    state = {
        "weight": torch.tensor(gamma),
        "bias": torch.tensor([0.5, -1.0, 0.0, 2.0]),
        "running_mean": torch.tensor([1.0, -2.0, 0.5, 3.0]),
        "running_var": torch.tensor([0.2, 1.0, 0.05, 2.0]),
    }
    bn.load_state_dict(state, strict=False)  # all but the count of batches
    return bn


def _answers(x, weight, bn, mean, var, gamma=None):
    from torch.nn.functional import batch_norm, conv2d

    beta = bn.bias.detach()
    return batch_norm(conv2d(x, weight), mean, var, gamma, beta, eps=bn.eps)


def _check_gamma(fold) -> None:
    import torch

    x = drawn(2, 4, 6, 6, seed=3)
    for gamma in ([0.5, 2.0, 1.5, 0.1], [-0.5, 2.0, -3.0, 0.1]):
        w, bn, kept = drawn(4, 4, 3, 3), _norm(gamma), _norm(gamma)
        g, mean, var = bn.weight.detach(), bn.running_mean, bn.running_var
        expected = _answers(x, w, bn, mean.clone(), var.clone(), g)
        with torch.no_grad():
            result = fold(w, bn)
        if not isinstance(result, (tuple, list)) or len(result) != 3:
            raise Wrong("return three tensors: weight, running_mean, running_var")
        state = zip(bn.state_dict().values(), kept.state_dict().values(), strict=True)
        if not equal(w, drawn(4, 4, 3, 3)) or not all(equal(a, b) for a, b in state):
            raise Wrong("you changed the 2-D network itself; return new tensors")
        got = _answers(x, result[0], bn, result[1], result[2])
        told_apart(got, expected, _mistakes(x, w, bn, g), _hint(gamma), 1e-6)


def _hint(gamma: list[float]) -> str:
    word = "A negative gamma flips the sign. " if min(gamma) < 0 else ""
    return f"{word}Write down both formulas in eval mode and compare term by term."


def _mistakes(x, w, bn, gamma) -> dict[str, object]:
    """What the outputs look like after the usual slips."""
    rows = gamma.view(-1, 1, 1, 1)
    mean, var, eps = bn.running_mean, bn.running_var, bn.eps
    size, sign = gamma.abs(), gamma.sign()
    narrow = (var + eps) / gamma**2 - eps
    return {
        "gamma is still missing": _answers(x, w, bn, mean, var),
        "the response is scaled, but the running mean that is subtracted from it is "
        "not": _answers(x, rows * w, bn, mean, var),
        "gamma belongs to the outputs of the convolution, the first axis of its "
        "weight": _answers(x, gamma.view(1, -1, 1, 1) * w, bn, gamma * mean, var),
        "gamma multiplies; you divide by it": _answers(
            x, w / rows, bn, mean / gamma, var
        ),
        "eps is added to the variance before the root: take it along": _answers(
            x, sign.view(-1, 1, 1, 1) * w, bn, sign * mean, var / gamma**2
        ),
        "the sign of gamma is lost: a variance cannot hold it": _answers(
            x, w, bn, mean, narrow
        ),
        "the sign of gamma is lost on the way": _answers(
            x, size.view(-1, 1, 1, 1) * w, bn, size * mean, var
        ),
        "gamma is in twice, once in the weight and once in the variance": _answers(
            x, rows * w, bn, gamma * mean, narrow
        ),
    }


FOLD_GAMMA = Exercise(
    id="i3d-8",
    title="A batch norm without its scale",
    difficulty=3,
    minutes=15,
    task="An image network's batch norm computes "
    r"$\gamma\,(x - \mu) / \sqrt{v + \epsilon} + \beta$ in eval mode; I3D's has no "
    r"$\gamma$. Write `fold_gamma(weight, bn)`: given the weight `(O, I, k, k)` of the "
    "convolution before it (no bias) and an `nn.BatchNorm2d` in eval mode, return new "
    "`weight`, `running_mean` and `running_var` so that the convolution and a norm "
    r"with the same $\epsilon$ and $\beta$, but without $\gamma$, answer exactly as "
    "before.",
    function="fold_gamma",
    stub="def fold_gamma(weight, bn):\n    ...  # weight, running_mean, running_var",
    solution="def fold_gamma(weight, bn):\n"
    "    gamma = bn.weight\n"
    "    scaled = gamma.view(-1, 1, 1, 1) * weight\n"
    "    return scaled, gamma * bn.running_mean, bn.running_var\n"
    "# In train mode the folded norm divides gamma out again: exact in eval mode only.",
    hints=(
        "The convolution is linear: a factor on its output is a factor on its weight.",
        r"$\gamma (x - \mu) = \gamma x - \gamma \mu$. Who holds $x$, who holds $\mu$, "
        "and does the root have to change?",
    ),
    test=_check_gamma,
    wrong_answers={
        "leaves gamma out": lambda w, bn: (w, bn.running_mean, bn.running_var),
        "forgets the mean": lambda w, bn: (
            bn.weight.view(-1, 1, 1, 1) * w,
            bn.running_mean,
            bn.running_var,
        ),
        "scales the inputs": lambda w, bn: (
            bn.weight.view(1, -1, 1, 1) * w,
            bn.weight * bn.running_mean,
            bn.running_var,
        ),
        "divides by gamma": lambda w, bn: (
            w / bn.weight.view(-1, 1, 1, 1),
            bn.running_mean / bn.weight,
            bn.running_var,
        ),
        "forgets eps": lambda w, bn: (
            bn.weight.sign().view(-1, 1, 1, 1) * w,
            bn.weight.sign() * bn.running_mean,
            bn.running_var / bn.weight**2,
        ),
        "loses the sign": lambda w, bn: (
            w,
            bn.running_mean,
            (bn.running_var + bn.eps) / bn.weight**2 - bn.eps,
        ),
        "folds it twice": lambda w, bn: (
            bn.weight.view(-1, 1, 1, 1) * w,
            bn.weight * bn.running_mean,
            (bn.running_var + bn.eps) / bn.weight**2 - bn.eps,
        ),
        "changes the network": lambda w, bn: (
            w.mul_(bn.weight.view(-1, 1, 1, 1)),
            bn.running_mean.mul_(bn.weight),
            bn.running_var,
        ),
        "the weight only": lambda w, bn: bn.weight.view(-1, 1, 1, 1) * w,
    },
)
