"""Momentum contrast: queries against a queue of keys from a slowly following encoder.

Source: MoCo (He et al., CVPR 2020) as FAME (Ding et al., CVPR 2022) uses it: symmetric
in the two views, temperature 0.1, width 128.

    theta_k <- m theta_k + (1 - m) theta_q     once a step, before keys are made

Known differences from the official code:

 1. When keys enter the queue.  There each of the two passes enqueues its own keys at
    once; so in the second pass the queue holds the key of the very clip that is now the
    query, as a *negative*.  With identical views its loss cannot fall below log 2.
    Here all keys enter after both passes; `enqueue="after_each"` shows the defect.
 2. Batch norm leaks.  The queue's keys were normalised in the company of other batches,
    the positive in the query's: a network can tell them apart by that alone.  The
    official remedy shuffles keys between GPUs.  Here, on one device, `parts` cuts each
    batch into so many parts, normalised apart, and shuffles the clips before keys are
    made, so that query and key keep different company.  On several processes each one
    shuffles its own clips.  With `parts=1` nothing is done about it, which is right
    for networks without batch norm.
 3. Former keys of a query's own video are left out where `index` tells whose they are.

Momentum moves parameters.  Buffers of the key encoder, such as batch norm's running
averages, follow the passes that it makes itself, as there; no training loss reads them.
In eval mode nothing moves: neither queue nor key encoder.
"""

from __future__ import annotations

import copy
import warnings
from typing import Literal, get_args

import torch
from jaxtyping import Float, Int, Shaped
from torch import Generator, Tensor, nn

from course.fame.contrast import contrast_logits
from course.fame.key_queue import KeyQueue

Enqueue = Literal["after_both", "after_each"]
Clips = Shaped[Tensor, "b ..."]
Scalars = dict[str, Tensor]


class MomentumContrast(nn.Module):
    """An encoder, its slowly following copy, and the queue of that copy's keys.

    `encoder` is what is trained and kept.  Everything a run needs to go on is in the
    state dict.  `fit` may call the module in its training step as it is; with
    accumulated parts each part moves key encoder and queue.

    Args:
        encoder: module from a batch of clips to features (B, D), head included.
        dim: D, the width of the features.
        queue_size: K; the header of `key_queue` says how long is too long.
        momentum: m, in [0, 1].  A short training wants less, such as .99.
        temperature: tau.
        symmetric: also ask the other way round, with the views exchanged.
        enqueue: "after_both" passes, or "after_each" as in the official code.
        parts: in how many parts a batch is encoded; 1, or at most half the batch.
        items: size of the data set, if known: a queue that is too long is warned of.

    Warns:
        UserWarning: if the queue reaches back all `items` or more.

    Raises:
        ValueError: for options out of range; for views that do not fit.

    Source: MoCo's algorithm 1, with FAME's numbers as defaults.

    >>> from course.fame.contrast import projection_head
    >>> moco = MomentumContrast(projection_head(6, dim=4), dim=4, queue_size=16)
    >>> scalars = moco(torch.rand(3, 6), torch.rand(3, 6))
    >>> sorted(scalars)
    ['accuracy', 'first_loss', 'hardest_negative', 'loss', 'second_loss']
    >>> moco.queue.place.item()  # the keys of both views are in
    6
    """

    def __init__(
        self,
        encoder: nn.Module,
        dim: int = 128,
        queue_size: int = 2048,
        momentum: float = 0.999,
        temperature: float = 0.1,
        *,
        symmetric: bool = True,
        enqueue: Enqueue = "after_both",
        parts: int = 1,
        items: int | None = None,
    ):
        super().__init__()
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum must be in [0, 1], got {momentum}")
        if enqueue not in get_args(Enqueue):
            raise ValueError(f"enqueue is one of {get_args(Enqueue)}, got {enqueue!r}")
        if parts < 1:
            raise ValueError(f"parts must be at least 1, got {parts}")
        _warn_of_length(queue_size, 2 if symmetric else 1, items)
        self.encoder = encoder
        self.key_encoder = copy.deepcopy(encoder).requires_grad_(False)
        self.queue = KeyQueue(queue_size, dim)
        self.momentum, self.temperature = momentum, temperature
        self.symmetric, self.enqueue, self.parts = symmetric, enqueue, parts

    def forward(
        self,
        first: Clips,
        second: Clips,
        *,
        others: Clips | None = None,
        index: Int[Tensor, " b"] | None = None,
        generator: Generator | None = None,
    ) -> Scalars:
        """One step: the key encoder follows, losses are computed, keys enter.

        Args:
            first: one view of each video; merged or distracted, it is the query.
            second: the other view of the same videos, in the same order.
            others: further clips of the same videos, whose keys are one more negative
                for their own video's queries (Background Erasing); never enqueued.
            index: the videos' numbers in the data set.
            generator: of the shuffle before keys are made.

        Returns:
            `loss`, the mean of both passes in nats, and `first_loss`, `second_loss`;
            `accuracy`, how often the positive is ahead of every negative;
            `hardest_negative`, the mean cosine of the negative that comes closest (in
            the pass where it is larger): near 1 if clips' own keys are among them.

        Source: MoCo's algorithm 1, symmetric.
        """
        if self.training:
            self.update_key_encoder()
        views, ways = (first, second), ((0, 1), (1, 0))[: 1 + self.symmetric]
        own = None if others is None else self.keys_of(others, generator)[:, None]
        rows, waiting = [], []
        for query, key in ways:
            keys = self.keys_of(views[key], generator)
            logits = self._logits(self.queries_of(views[query]), keys, own, index)
            rows.append(_scalars(logits, self.temperature))
            if self.training and self.enqueue == "after_each":
                self.queue.push(keys, index)
            else:
                waiting.append(keys)
        if self.training:
            for keys in waiting:
                self.queue.push(keys, index)
        return _joined(rows)

    @torch.no_grad()
    def update_key_encoder(self) -> None:
        """Move the key encoder's parameters a share of 1 - m towards the encoder's."""
        followers, leaders = (
            [parameter.detach() for parameter in net.parameters()]
            for net in (self.key_encoder, self.encoder)
        )
        if followers:
            torch._foreach_lerp_(followers, leaders, 1 - self.momentum)

    def queries_of(self, clips: Clips) -> Float[Tensor, "b d"]:
        """Features of the encoder, which learns from them."""
        return _encode(self.encoder, clips, self.parts)

    @torch.no_grad()
    def keys_of(
        self, clips: Clips, generator: Generator | None = None
    ) -> Float[Tensor, "b d"]:
        """Features of the key encoder, made in shuffled company if there are parts."""
        if self.parts == 1:
            return _encode(self.key_encoder, clips, 1)
        home = clips.device if generator is None else generator.device
        order = torch.randperm(len(clips), generator=generator, device=home)
        order = order.to(clips.device)
        keys = _encode(self.key_encoder, clips.index_select(0, order), self.parts)
        return keys.index_select(0, order.argsort())

    def _logits(
        self, queries: Tensor, keys: Tensor, own: Tensor | None, index: Tensor | None
    ) -> Float[Tensor, "b n"]:
        excluded = None
        # The defect is shown as it was: there nobody's former keys are left out.
        if index is not None and self.enqueue == "after_both":
            excluded = self.queue.owned_by(index)
        # Keys are written into the queue before gradients are computed; that is allowed
        # because contrast_logits normalises, so what autograd keeps is a copy.
        return contrast_logits(
            queries, keys, self.queue.keys, self.temperature, own, excluded
        )


def _scalars(logits: Float[Tensor, "b n"], temperature: float) -> Scalars:
    hardest = logits.detach()[:, 1:].amax(dim=1)
    return {
        "loss": -logits.log_softmax(dim=1)[:, 0].mean(),
        "accuracy": (logits[:, 0] > hardest).float().mean(),
        "hardest_negative": hardest.mean() * temperature,
    }


def _joined(rows: list[Scalars]) -> Scalars:
    """The scalars of one pass or two."""
    both = {key: torch.stack([row[key] for row in rows]) for key in rows[0]}
    joined = {key: values.mean() for key, values in both.items()}
    joined["hardest_negative"] = both["hardest_negative"].max()
    if len(rows) == 2:
        first, second = both["loss"].detach()
        joined |= {"first_loss": first, "second_loss": second}
    return joined


def _encode(encoder: nn.Module, clips: Tensor, parts: int) -> Tensor:
    """Features of each part computed apart, so that batch norm sees one at a time."""
    if parts == 1:
        return encoder(clips)
    if len(clips) < 2 * parts:
        raise ValueError(f"{len(clips)} clips are too few for {parts} parts of two")
    return torch.cat([encoder(part) for part in clips.tensor_split(parts)])


def _warn_of_length(queue_size: int, keys_per_item: int, items: int | None) -> None:
    reach = queue_size // keys_per_item
    if items is not None and reach >= items:
        warnings.warn(
            f"a queue of {queue_size} keys reaches back {reach} videos, and there are "
            f"only {items}: half of the queries or more would meet a former key of "
            "their own video as a negative. Make it shorter, or tell whose keys they "
            "are (index).",
            stacklevel=3,
        )
