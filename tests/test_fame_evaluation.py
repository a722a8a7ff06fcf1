"""What features are worth: hit rates, centring, probes, fine-tuning, activity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.neighbors import NearestNeighbors
from torch import nn

from course.backbones import small_r2plus1d, small_resnet3d
from course.evaluation import (
    centred,
    class_activation_map,
    linear_probe,
    nearest,
    retrieval_recall,
)
from course.evaluation.inference import clip_input, predict
from course.fame.activation_share import KINDS, activation_map, activation_share
from course.training import TrainSettings
from course.training.fine_tune import fine_tune

CPU = torch.device("cpu")
KS = (1, 5, 10, 20, 50)


def features(count: int, seed: int, classes: int = 12) -> tuple[torch.Tensor, ...]:
    """Rows that know a little of their class, all in the positive corner."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (count,), generator=generator)
    centres = torch.randn(classes, 16, generator=torch.Generator().manual_seed(99))
    rows = 0.5 * centres[labels] + torch.randn(count, 16, generator=generator)
    return (rows + 1).relu(), labels


def state_of(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


def unchanged(net: nn.Module, before: dict[str, torch.Tensor]) -> bool:
    """Bit for bit, the batch norms' buffers among them."""
    now = net.state_dict()
    return now.keys() == before.keys() and all(now[k].equal(before[k]) for k in now)


# --------------------------------------------------------------------------- retrieval


def test_recall_at_k_is_torchmetrics_hit_rate_and_not_its_recall():
    retrieval = pytest.importorskip("torchmetrics.retrieval")
    (queries, asked), (gallery, known) = features(60, 0), features(150, 1)
    ours = retrieval_recall(queries, asked, gallery, known, KS)
    similarity = F.normalize(queries, dim=1) @ F.normalize(gallery, dim=1).T
    relevant = asked[:, None] == known
    rows = torch.arange(60)[:, None].expand_as(similarity)
    flat = similarity.flatten(), relevant.flatten()
    for k in KS:
        hits = retrieval.RetrievalHitRate(top_k=k)(*flat, indexes=rows.flatten())
        assert ours[k] == pytest.approx(hits.item(), abs=1e-6)
        recall = retrieval.RetrievalRecall(top_k=k)(*flat, indexes=rows.flatten())
        assert recall.item() < 0.8 * ours[k]  # the share found of *all* that is there
    assert 0.2 < ours[1] < ours[10] < ours[50] <= 1


def test_recall_at_k_by_scikit_learns_neighbours():
    (queries, asked), (gallery, known) = features(40, 2), features(90, 3)
    judge = NearestNeighbors(n_neighbors=50, metric="cosine").fit(gallery)
    rows = judge.kneighbors(queries, return_distance=False)
    found = (known.numpy()[rows] == asked.numpy()[:, None]).cumsum(axis=1) > 0
    ours = retrieval_recall(queries, asked, gallery, known, KS)
    assert [ours[k] for k in KS] == pytest.approx([found[:, k - 1].mean() for k in KS])


def test_centring_undoes_what_all_clips_share():
    (queries, _), (gallery, _) = features(30, 0), features(80, 1)
    for by in ("gallery", "own"):
        asked, known = centred(queries, gallery, by)
        assert torch.allclose(known.mean(0), torch.zeros(16), atol=1e-5)
        shifted = centred(queries + 7, gallery + 7, by)
        assert torch.allclose(shifted[0], asked, atol=1e-5)
        assert torch.allclose(shifted[1], known, atol=1e-5)
    rows = nearest(queries, gallery, 5)  # as they are, the shift does matter
    assert (nearest(queries + 7, gallery + 7, 5) != rows).float().mean() > 0.2


def test_a_querys_own_mean_makes_its_answer_depend_on_the_others():
    (queries, _), (gallery, _) = features(30, 0), features(80, 1)
    alone = centred(queries[:3], gallery)[0]
    assert torch.equal(alone, centred(queries, gallery)[0][:3])
    together = centred(queries, gallery, "own")[0][:3]
    assert not torch.allclose(centred(queries[:3], gallery, "own")[0], together)
    # A shift of all queries, such as another camera's, is gone; by the gallery's it
    # stays.
    own, theirs = (centred(queries + 3, gallery, by)[0] for by in ("own", "gallery"))
    assert torch.allclose(own, centred(queries, gallery, "own")[0], atol=1e-5)
    assert torch.allclose(theirs, centred(queries, gallery)[0] + 3, atol=1e-5)
    with pytest.raises(ValueError, match="'query'"):
        centred(queries, gallery, "query")
    with pytest.raises(ValueError, match=r"\(30, 16\), \(80, 15\)"):
        centred(queries, gallery[:, :15])


# ------------------------------------------------------------------------------ probes


@pytest.mark.parametrize("build", [small_r2plus1d, small_resnet3d])
def test_probing_leaves_the_network_bitwise_unchanged(build):
    torch.manual_seed(0)
    net = build(4, (4, 6, 8)).train()
    net(torch.rand(4, 3, 8, 16, 16))  # batch norms have seen something
    before, modes = state_of(net), [module.training for module in net.modules()]
    assert any(name.endswith("num_batches_tracked") for name in before)
    clips, labels = torch.rand(24, 3, 8, 16, 16), torch.arange(24) % 4
    rows = predict(net.embed, clips, batch_size=7)
    linear_probe(rows[:16], labels[:16], rows[16:], labels[16:])
    retrieval_recall(rows[16:], labels[16:], rows[:16], labels[:16])
    activation_share(net, clips, torch.ones(24, 8, 16, 16) > 0)
    assert unchanged(net, before)
    assert [module.training for module in net.modules()] == modes
    assert all(p.grad is None and p.requires_grad for p in net.parameters())
    net.embed(clips)  # in training mode the same clips do change it
    assert not unchanged(net, before)


def test_the_probe_is_the_optimum_that_torch_finds():
    """Softmax regression with scikit-learn's penalty, minimised by L-BFGS instead."""
    (seen, labels), (asked, known) = features(150, 0, 4), features(80, 1, 4)
    probe = linear_probe(seen, labels, asked, known)
    mean, spread = seen.double().mean(0), seen.double().std(0, correction=0)
    x, y = ((rows.double() - mean) / spread for rows in (seen, asked))
    head = nn.Linear(16, 4).double()
    nn.init.zeros_(head.weight)
    optimizer = torch.optim.LBFGS(
        head.parameters(), max_iter=500, line_search_fn="strong_wolfe",
        tolerance_change=1e-12,
    )  # fmt: skip

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        fit = F.cross_entropy(head(x), labels, reduction="sum")
        total = fit + 0.5 * head.weight.square().sum()
        total.backward()
        return total

    optimizer.step(loss)
    with torch.no_grad():
        right = int((head(y).argmax(1) == known).sum())
        entropy = F.cross_entropy(head(y), known).item()
    assert abs(right - probe.correct) <= 1
    assert entropy == pytest.approx(probe.cross_entropy, rel=1e-3)
    assert 0.5 < probe.accuracy.estimate < 1


# ------------------------------------------------------------------------- fine-tuning

RECIPE = TrainSettings(batch_size=8, steps=2, learning_rate=1e-2)


def labelled() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    clips = torch.rand(16, 3, 4, 16, 16, generator=generator)
    return {"clip": clips, "action": torch.arange(16) % 8}


def test_fine_tuning_moves_a_copy_as_a_whole_and_keeps_the_original():
    torch.manual_seed(0)
    net = small_r2plus1d(5, (4, 6, 8)).train()
    before = state_of(net)
    tuned = fine_tune(net, labelled(), 8, RECIPE, clip_input, seed=3, device=CPU)
    assert unchanged(net, before) and net.training and not tuned.training
    assert (net.fc.out_features, tuned.fc.out_features) == (5, 8)
    for name, value in tuned.named_parameters():
        if not name.startswith("fc"):
            assert not value.equal(net.get_parameter(name)), name
    again = fine_tune(net, labelled(), 8, RECIPE, clip_input, seed=3, device="cpu")
    assert unchanged(again, state_of(tuned))
    other = fine_tune(net, labelled(), 8, RECIPE, clip_input, seed=4, device=CPU)
    assert not unchanged(other, state_of(tuned))


def test_fine_tuning_learns_what_is_there_to_learn():
    data = {"clip": torch.rand(32, 3, 4, 8, 8), "class": torch.arange(32) % 2}
    data["clip"][::2] *= 0.3
    torch.manual_seed(0)
    recipe = replace(RECIPE, steps=30)
    tuned = fine_tune(
        small_r2plus1d(5, (4, 6)), data, 2, recipe, clip_input, device=CPU,
        label="class",
    )  # fmt: skip
    assert predict(tuned, data["clip"]).argmax(1).equal(data["class"])


def test_fine_tuning_needs_a_last_layer_and_classes():
    with pytest.raises(ValueError, match="None"):
        fine_tune(nn.ReLU(), labelled(), 8, RECIPE, clip_input, device=CPU)
    with pytest.raises(ValueError, match="0 and Linear"):
        fine_tune(small_r2plus1d(5), labelled(), 0, RECIPE, clip_input, device=CPU)


# -------------------------------------------------------------------------- activation


class Pixels(nn.Module):
    """Features are the clip's own pixels."""

    def forward_features(self, clips: torch.Tensor) -> torch.Tensor:
        return clips


def test_the_sum_of_channels_is_the_map_of_a_class_that_counts_them_alike():
    torch.manual_seed(0)
    net = small_r2plus1d(3, (4, 6, 8))
    nn.init.ones_(net.fc.weight)
    clips = torch.rand(3, 3, 4, 24, 32)
    maps = activation_map(net, clips)
    assert maps.shape == (3, 4, 3, 4)
    assert torch.allclose(maps, class_activation_map(net, clips, 1), atol=1e-5)
    rows = net.eval().forward_features(clips).detach().numpy()
    norms = np.sqrt((rows.astype(np.float64) ** 2).sum(axis=1))
    assert np.abs(activation_map(net, clips, "norm").numpy() - norms).max() < 1e-5
    assert not maps.requires_grad


def test_shares_by_hand():
    mask = torch.zeros(2, 2, 4, 4, dtype=torch.bool)
    mask[:, :, :, :1] = True  # a quarter of every frame
    clips = torch.full((2, 3, 2, 4, 4), 0.1)
    clips[1, :, :, :, 0] = 0.6  # six times as bright on the actor: 6 of 6 + 3
    for kind in KINDS:
        shares = activation_share(Pixels(), clips, mask, kind)
        assert shares.tolist() == pytest.approx([0.25, 2 / 3], rel=1e-5)
    assert activation_share(Pixels(), 0 * clips, mask).isnan().all()
    lone = clips.clone()
    lone[1, 1:] = 0.0  # one channel of three: the norm's map is the sum's up to scale
    sums, norms = (activation_share(Pixels(), lone, mask, kind) for kind in KINDS)
    assert sums[1] == pytest.approx(norms[1].item(), rel=1e-5)


def test_shares_do_not_depend_on_the_batch_or_on_bytes():
    torch.manual_seed(0)
    net = small_r2plus1d(3, (4, 6, 8))
    clips = torch.rand(7, 3, 4, 16, 16).mul(255).round()
    masks = torch.rand(7, 4, 16, 16) < 0.3
    shares = activation_share(net, clips / 255, masks)
    assert shares.shape == (7,) and ((0 <= shares) & (shares <= 1)).all()
    by_two = activation_share(net, clips.byte(), masks, batch_size=2)
    assert torch.allclose(by_two, shares, atol=1e-5)
    rest = activation_share(net, clips / 255, ~masks)
    assert torch.allclose(shares + rest, torch.ones(7), atol=1e-5)


def test_wrong_maps_clips_and_masks_are_refused():
    clips, masks = torch.rand(2, 3, 4, 8, 8), torch.ones(2, 4, 8, 8) > 0
    with pytest.raises(ValueError, match="'mean'"):
        activation_map(Pixels(), clips, "mean")
    with pytest.raises(ValueError, match=r"\(2, 1, 8, 8\)"):
        activation_share(Pixels(), clips, masks[:, :1])
    with pytest.raises(ValueError, match="float32"):
        activation_share(Pixels(), clips, masks.float())
    with pytest.raises(ValueError, match=r"\(0, 3, 4, 8, 8\)"):
        activation_share(Pixels(), clips[:0], masks[:0])
    flat = Pixels()
    flat.forward_features = lambda clips: clips.mean(2)
    with pytest.raises(ValueError, match=r"\(2, 3, 8, 8\)"):
        activation_map(flat, clips)
