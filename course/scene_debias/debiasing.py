"""SDN's training step: recognise the action, hide the scene, be unsure without a human.

Source: SDN (Choi et al., NeurIPS 2019), its method section.  Of unmasked clips the loss
is L_CE + L_Adv, with the gradient of L_Adv reversed on its way into the backbone; of
human-masked clips it is minus the entropy of the action scores.  Two steps of one
optimiser, in turn.  Only the reversal's strength scales the adversary.

Paper and released code (vt-vl-lab/SDN) differ; so does this.

 1. Mask confusion.  Paper: backbone and action head raise the action head's entropy on
    masked clips.  The released command raises the entropy of a *separate* head behind
    a reversal of its own, so the backbone gets the opposite sign and is moved to make
    that head sure; the action head gets nothing.  `wiring` chooses.
 2. The scene head.  Released: it shares the optimiser, one step each.  Here so without
    `head_optimizer`; with it the head takes `head_steps` steps of its own on detached
    features first, and the reversed gradient comes from the head after them.
 3. Two steps: there both happen in one iteration, on two differently shuffled batches.
    Here even steps of `fit` are unmasked and odd ones masked, on other clips as well:
    n iterations there are 2 n steps here.  `one_step` joins both losses instead.
 4. Where a step does not reach a layer, its gradient is absent and the optimiser
    leaves it alone.  In PyTorch of 2019 it was zero, and momentum moved on.
 5. Warm-up: there the first epochs train new layers only, the backbone is frozen.
    Here the backbone learns actions meanwhile, without reversal (`after_warmup`).

Batch norm.  In two steps masked clips are normalised by their own batch, and the
running averages, which count in eval mode, follow both kinds of clips in turn, as
released; with `masked_statistics=False` they follow unmasked clips only.  In one step
all clips of the batch share one normalisation, so the masked clips change the features
of the others.  `confusion=0.0` keeps all that and drops only the loss: a control.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from operator import itemgetter
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from course.scene_debias.adversary import (
    ConditionalSceneHead,
    HeadTraining,
    MakeOptimizer,
    SceneHead,
)
from course.scene_debias.gradient_reversal import Schedule, constant, reverse_gradient
from course.scene_debias.losses import (
    entropy,
    human_mask_confusion_loss,
    scene_adversarial_loss,
)

Wiring = Literal["paper", "released"]
Optimisation = Literal["two_steps", "one_step"]
Clips = Callable[[Mapping], Tensor]
Scalars = dict[str, Tensor]


class Debiasing:
    """A `training_step` of `course.training.fit` with SDN's two losses.

    The model has `embed(clips)`, features (B, D), and `fc`, the action scores of them;
    a dropout between the two is left out.  Without `head_optimizer` the heads must be
    modules of the model (`model.scene_head = head`), so that `fit` steps, averages and
    saves them; with it they must not be, and `fit` is given `state=debiasing.state`.
    `identity={"debiasing": debiasing}` lets `fit` refuse a folder of other options.

    Args:
        planned_steps: of the whole training, as `fit` counts; the schedule needs it.
        scene_head: the adversary, or None.
        strength: lambda, or a schedule of the share of the steps done.
        head_optimizer: makes an optimiser of the heads' parameters.
        head_steps: steps of that optimiser before each step of the model.
        masked: gives the batch's masked clips (any number of them), or None.
        confusion: weight of the loss on masked clips; at 0.0 they still pass through.
        wiring: "paper" or "released".
        mask_head: the released wiring's separate head, from features to action scores.
        mask_strength: of the reversal before it.
        optimisation: "two_steps" or "one_step".
        masked_statistics: whether masked clips move batch norm's running averages.
        clips: gives the batch's clips.
        scene: the batch's key of the scene target, indices or distributions.

    It logs losses, `strength`, `masked_entropy` (the action head's, nats), and
    `head_accuracy`: the adversary's *own* accuracy, which says little about what the
    features hold.  With the released wiring or in two steps some parameters have no
    gradient in some steps: on several processes set `unused_parameters`.

    Raises:
        ValueError: for options that do not exist or do not fit together.

    >>> from course.backbones import small_r2plus1d
    >>> from course.training import TrainSettings, fit
    >>> model, head = small_r2plus1d(8), SceneHead(64, 8, (32,), "none")
    >>> debiasing = Debiasing(4, scene_head=head, head_optimizer=torch.optim.AdamW)
    >>> data = {"clip": torch.rand(8, 3, 2, 8, 8), "action": torch.arange(8)}
    >>> data["scene"] = torch.arange(8)
    >>> result = fit(
    ...     model, data, debiasing, TrainSettings(steps=4), state=debiasing.state,
    ...     device="cpu", progress=False,
    ... )
    >>> "scene_loss" in result.rows[-1]
    True
    """

    def __init__(
        self,
        planned_steps: int,
        *,
        scene_head: SceneHead | ConditionalSceneHead | nn.Module | None = None,
        strength: Schedule | float = 1.0,
        head_optimizer: MakeOptimizer | None = None,
        head_steps: int = 1,
        masked: Clips | None = None,
        confusion: float = 1.0,
        wiring: Wiring = "paper",
        mask_head: nn.Module | None = None,
        mask_strength: float = 1.0,
        optimisation: Optimisation = "two_steps",
        masked_statistics: bool = True,
        clips: Clips = itemgetter("clip"),
        scene: str = "scene",
    ):
        self.planned_steps, self.scene_head = planned_steps, scene_head
        self.strength = strength if callable(strength) else constant(strength)
        self.masked, self.confusion, self.wiring = masked, confusion, wiring
        self.mask_head, self.mask_strength = mask_head, mask_strength
        self.optimisation, self.masked_statistics = optimisation, masked_statistics
        self.clips, self.scene = clips, scene
        self._check_options()
        heads = {"scene_head": scene_head, "mask_head": mask_head}
        given = {key: head for key, head in heads.items() if head is not None}
        self.heads = HeadTraining(given, head_optimizer, head_steps)

    @property
    def state(self) -> dict[str, Any]:
        """What `fit` must save besides the model."""
        return self.heads.state

    def identity(self) -> dict[str, Any]:
        """Plain values that decide what is learned, for `fit`'s `identity`."""
        names = """planned_steps confusion wiring mask_strength optimisation
            masked_statistics scene""".split()
        optimizer = self.heads.optimizer
        shares = [number / 8 for number in range(9)]
        return {
            **{name: getattr(self, name) for name in names},
            "strength": [round(self.strength(share), 9) for share in shares],
            "heads": str(self.heads.by_name),
            "head_steps": self.heads.steps,
            "head_optimizer": str(optimizer and (type(optimizer), optimizer.defaults)),
            "masked": self.masked is not None,
        }

    def __call__(self, model: Any, batch: dict, step: int) -> Scalars:
        """The loss of one step, and what else to log."""
        self.heads.check(model)
        if self.masked is None:
            return self.on_unmasked(model, model.embed(self.clips(batch)), batch, step)
        if self.optimisation == "one_step":
            clips, masked = self.clips(batch), self.masked(batch)
            features = model.embed(torch.cat([clips, masked]))
            first = self.on_unmasked(model, features[: len(clips)], batch, step)
            second = self.on_masked(model, features[len(clips) :])
            return {**first, **second, "loss": first["loss"] + second["loss"]}
        if step % 2 == 0:
            return self.on_unmasked(model, model.embed(self.clips(batch)), batch, step)
        with nullcontext() if self.masked_statistics else statistics_kept(model):
            features = model.embed(self.masked(batch))
        return self.on_masked(model, features)

    def on_unmasked(
        self, model: Any, features: Float[Tensor, "b d"], batch: Mapping, step: int
    ) -> Scalars:
        """The action's loss plus the adversary's, whose gradient comes back reversed.

        Args:
            model: its `fc` gives action scores.
            features: of unmasked clips.
            batch: gives `action` (B,) and the scene target.
            step: of `fit`, from 0.

        Returns:
            `loss` and what else to log.
        """
        action = batch["action"]
        logits = model.fc(features)
        loss = F.cross_entropy(logits, action)
        logged = {"action_loss": loss, "accuracy": _accuracy(logits, action)}
        head = self.scene_head
        if head is None:
            return {"loss": loss, **logged}
        target, strength = batch[self.scene], self.strength(step / self.planned_steps)

        def scene_logits(features: Tensor) -> Tensor:
            told = (action,) if isinstance(head, ConditionalSceneHead) else ()
            return head(features, *told)

        self.heads.improve(
            lambda: scene_adversarial_loss(scene_logits(features.detach()), target)
        )
        with self.heads.passed_through():
            guess = scene_logits(reverse_gradient(features, strength))
        scene_loss = scene_adversarial_loss(guess, target)
        hard = target if target.ndim == 1 else target.argmax(1)
        logged |= {"scene_loss": scene_loss, "head_accuracy": _accuracy(guess, hard)}
        return {"loss": loss + scene_loss, **logged, "strength": torch.tensor(strength)}

    def on_masked(self, model: Any, features: Float[Tensor, "m d"]) -> Scalars:
        """The loss of clips without their human, in the chosen wiring.

        Args:
            model: its `fc` gives action scores.
            features: of masked clips.

        Returns:
            `loss` and `masked_entropy`.
        """
        if self.wiring == "paper":
            loss = human_mask_confusion_loss(model.fc(features))
            return {"loss": self.confusion * loss, "masked_entropy": -loss}
        head = self.mask_head
        assert head is not None  # seen to by _check_options
        self.heads.improve(lambda: human_mask_confusion_loss(head(features.detach())))
        with self.heads.passed_through():
            logits = head(reverse_gradient(features, self.mask_strength))
        loss = human_mask_confusion_loss(logits)
        with torch.no_grad():  # only looked at: this wiring leaves the action head out
            found = entropy(model.fc(features)).mean()
        return {"loss": self.confusion * loss, "masked_entropy": found}

    def _check_options(self) -> None:
        for name, kind in (("wiring", Wiring), ("optimisation", Optimisation)):
            value, options = getattr(self, name), get_args(kind)
            if value not in options:
                raise ValueError(f"{name} is one of {options}, got {value!r}")
        if self.planned_steps < 1:
            raise ValueError(f"planned_steps must be >= 1, got {self.planned_steps}")
        for name in ("confusion", "mask_strength"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be >= 0, got {getattr(self, name)}")
        released = self.wiring == "released" and self.masked is not None
        if released != (self.mask_head is not None):
            raise ValueError(
                "a mask_head belongs to the released wiring with masked clips: got "
                f"{self.wiring!r}, mask_head {self.mask_head}, masked {self.masked}"
            )
        if self.optimisation == "one_step" and not self.masked_statistics:
            raise ValueError(
                "in one_step all clips share one normalisation: masked_statistics=False"
                " needs two_steps"
            )


@contextmanager
def statistics_kept(model: nn.Module) -> Iterator[None]:
    """Leave batch norm's running averages as they are inside the block.

    In train mode clips are still normalised by their own batch.

    Args:
        model: its batch norms are meant.

    >>> norm = nn.BatchNorm1d(1)
    >>> with statistics_kept(norm):
    ...     out = norm(torch.tensor([[3.0], [5.0]]))
    >>> norm.running_mean.item(), round(out[1].item(), 3)
    (0.0, 1.0)
    """
    kinds = nn.modules.batchnorm._BatchNorm
    norms = [m for m in model.modules() if isinstance(m, kinds)]
    tracked = [norm.track_running_stats for norm in norms]
    try:
        for norm in norms:
            norm.track_running_stats = False
        yield
    finally:
        for norm, value in zip(norms, tracked, strict=True):
            norm.track_running_stats = value


def _accuracy(logits: Tensor, target: Tensor) -> Float[Tensor, ""]:
    return (logits.argmax(1) == target).float().mean()
