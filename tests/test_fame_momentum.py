"""Momentum contrast: queue, momentum, the leak, company, resuming, two processes."""

from __future__ import annotations

import copy
import math
import os
import socket
import sys

import pytest
import torch
import torch.multiprocessing as mp
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course.fame.contrast import info_nce
from course.fame.key_queue import KeyQueue
from course.fame.momentum_contrast import MomentumContrast
from course.training import TrainSettings, fit

IDENTICAL = nn.Identity  # an encoder without parameters: clips are their own features


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def sphere(*shape):
    return F.normalize(torch.randn(*shape), dim=-1)


def body(norm=False, seed=1):
    torch.manual_seed(seed)
    layers = [nn.Linear(6, 16), nn.BatchNorm1d(16)] if norm else [nn.Linear(6, 16)]
    return nn.Sequential(*layers, nn.ReLU(), nn.Linear(16, 4))


# -------------------------------------------------------------------------- queue


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.lists(st.integers(1, 13), min_size=1, max_size=8))
def test_slots_hold_exactly_the_last_keys_whatever_the_batches(size, batches):
    queue, stream = KeyQueue(size, 3), sphere(sum(batches), 3)
    old, owners = queue.keys.clone(), torch.arange(len(stream))
    for keys, whose in zip(stream.split(batches), owners.split(batches), strict=True):
        queue.push(keys, whose)
    pushed = len(stream)
    assert queue.place == pushed % size
    for slot in range(size):
        latest = [n for n in range(pushed) if n % size == slot]
        expected = stream[latest[-1]] if latest else old[slot]
        assert torch.allclose(queue.keys[slot], expected, atol=1e-6)
        assert queue.owners[slot] == (latest[-1] if latest else -1)


def test_keys_in_the_queue_are_unit_vectors_from_the_start():
    queue = KeyQueue(10, 4)
    queue.push(100 * torch.randn(3, 4).bfloat16())
    assert queue.keys.dtype == torch.float32
    assert torch.allclose(queue.keys.norm(dim=1), torch.ones(10))
    assert len(queue) == 10 and sorted(queue.state_dict()) == [
        "keys",
        "owners",
        "place",
    ]


@pytest.mark.parametrize("reach", [15, 30, 60])
def test_how_often_a_video_meets_its_own_former_key(reach):
    """New order each epoch: reach^2 / (2 N^2), as the header says."""
    videos, queue, met = 60, KeyQueue(reach, 2), []
    for epoch in range(40):
        for video in torch.randperm(videos).split(1):
            if epoch:
                met.append(queue.owned_by(video).any().item())
            queue.push(torch.ones(1, 2), video)
    expected = reach * (reach + 1) / 2 / videos**2  # videos are counted, not measured
    assert sum(met) / len(met) == pytest.approx(expected, abs=0.03)
    assert expected == pytest.approx(reach**2 / 2 / videos**2, rel=0.07)


# ----------------------------------------------------------------------- momentum


def constants(momentum):
    moco = MomentumContrast(nn.Linear(3, 2), 2, 8, momentum)
    for parameter in moco.encoder.parameters():
        nn.init.zeros_(parameter)
    for parameter in moco.key_encoder.parameters():
        nn.init.ones_(parameter)
    return moco


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 0.999, 1.0])
def test_momentum_is_a_geometric_decay(momentum):
    moco = constants(momentum)
    for step in range(1, 21):
        moco(torch.randn(2, 3), torch.randn(2, 3))  # once a step, not once a pass
        for parameter in moco.key_encoder.parameters():
            left = torch.full_like(parameter, momentum**step)
            assert torch.allclose(parameter, left, rtol=1e-5, atol=1e-7)
    assert all((p == 0).all() for p in moco.encoder.parameters())


def test_batch_norm_of_the_key_encoder_keeps_averages_of_its_own_passes():
    moco = MomentumContrast(body(norm=True), 4, 8, 0.9, symmetric=False)
    own = copy.deepcopy(moco.key_encoder)
    first, second = torch.randn(8, 6), torch.randn(8, 6) + 3
    moco(first, second)
    own(second)
    query, key = moco.encoder[1], moco.key_encoder[1]
    assert torch.equal(key.running_mean, own[1].running_mean)
    assert torch.equal(key.running_var, own[1].running_var)
    assert (key.running_mean - query.running_mean).abs().max() > 0.1
    assert key.num_batches_tracked == 1


def test_in_eval_mode_nothing_moves():
    moco = MomentumContrast(body(norm=True), 4, 8, 0.5).eval()
    nn.init.normal_(moco.encoder[0].weight)
    before = copy.deepcopy(moco.state_dict())
    moco(torch.randn(8, 6), torch.randn(8, 6))
    assert all(torch.equal(before[k], v) for k, v in moco.state_dict().items())


def test_only_the_encoder_learns():
    moco = MomentumContrast(body(), 4, 8)
    moco(torch.randn(4, 6), torch.randn(4, 6))["loss"].backward()
    assert all(p.grad is not None for p in moco.encoder.parameters())
    assert all(p.grad is None for p in moco.key_encoder.parameters())
    learn = [p for p in moco.parameters() if p.requires_grad]
    assert [*map(id, learn)] == [*map(id, moco.encoder.parameters())]


# ------------------------------------------------------------- the step as a whole


@pytest.mark.parametrize("symmetric", [True, False])
def test_loss_and_gradient_are_those_of_a_step_written_out(symmetric):
    moco = MomentumContrast(body(), 4, 10, 0.9, 0.2, symmetric=symmetric)
    for parameter in moco.encoder.parameters():
        nn.init.normal_(parameter)
    q_net, k_net = copy.deepcopy(moco.encoder), copy.deepcopy(moco.key_encoder)
    queue = moco.queue.keys.clone()
    first, second = torch.randn(3, 6), torch.randn(3, 6)
    found = moco(first, second)
    found["loss"].backward()

    with torch.no_grad():
        for k, q in zip(k_net.parameters(), q_net.parameters(), strict=True):
            k.copy_(0.9 * k + 0.1 * q)
        keys = [F.normalize(k_net(x), dim=1) for x in (second, first)]
    losses = []
    for x, key in zip((first, second), keys, strict=True):
        q = F.normalize(q_net(x), dim=1)
        logits = torch.cat([(q * key).sum(1, keepdim=True), q @ queue.T], dim=1) / 0.2
        losses.append(F.cross_entropy(logits, torch.zeros(3, dtype=torch.long)))
    losses = losses if symmetric else losses[:1]
    torch.stack(losses).mean().backward()
    assert torch.allclose(found["loss"], torch.stack(losses).mean(), atol=1e-5)
    for a, b in zip(moco.encoder.parameters(), q_net.parameters(), strict=True):
        assert torch.allclose(a.grad, b.grad, atol=1e-5)
    entered = torch.cat(keys if symmetric else keys[:1])
    assert torch.allclose(moco.queue.keys[: len(entered)], entered, atol=1e-6)
    assert torch.equal(moco.queue.keys[len(entered) :], queue[len(entered) :])
    assert ("second_loss" in found) == symmetric


def test_the_queue_starts_alike_everywhere_and_draws_nothing_from_outside():
    state = torch.get_rng_state()
    first = KeyQueue(50, 8)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(7)
    assert torch.equal(KeyQueue(50, 8).keys, first.keys)


def test_others_are_one_more_negative_and_never_enqueued():
    moco = MomentumContrast(IDENTICAL(), 8, 16, symmetric=False)
    first, second, others = sphere(3, 8), sphere(3, 8), sphere(3, 8)
    queue = moco.queue.keys.clone()
    found = moco(first, second, others=others)
    expected = info_nce(first, second, queue, 0.1, others[:, None])
    assert torch.allclose(found["loss"], expected, atol=1e-6)
    assert moco.queue.place == 3 and torch.allclose(moco.queue.keys[:3], second)


def test_bfloat16_autocast_leaves_similarities_and_queue_in_float32():
    moco = MomentumContrast(body(norm=True), 4, 16)
    with torch.autocast("cpu", torch.bfloat16):
        found = moco(torch.randn(6, 6), torch.randn(6, 6))
        assert moco.queries_of(torch.randn(6, 6)).dtype == torch.bfloat16
    found["loss"].backward()
    assert found["loss"].dtype == moco.queue.keys.dtype == torch.float32
    assert torch.allclose(moco.queue.keys.norm(dim=1), torch.ones(16), atol=1e-6)


# ----------------------------------------------------------------------- the leak


def with_identical_views(enqueue, queue_size):
    moco = MomentumContrast(IDENTICAL(), 128, queue_size, enqueue=enqueue)
    return sphere(8, 128), moco


@pytest.mark.parametrize(("size", "floor"), [(2048, 0.1286), (65536, 1.6849)])
def test_no_negative_is_the_current_clips_own_key(size, floor):
    clips, moco = with_identical_views("after_both", size)
    found = {key: value.item() for key, value in moco(clips, clips).items()}
    for part in ("loss", "first_loss", "second_loss"):  # random negatives' closed form
        assert found[part] == pytest.approx(floor, abs=0.005)
    assert found["hardest_negative"] < 0.5 and found["accuracy"] == 1


def test_the_official_order_fails_that_and_by_how_much():
    clips, moco = with_identical_views("after_each", 2048)
    found = {key: value.item() for key, value in moco(clips, clips).items()}
    assert found["hardest_negative"] == pytest.approx(1.0, abs=1e-5)
    assert found["first_loss"] == pytest.approx(0.130, abs=0.005)
    assert found["second_loss"] == pytest.approx(0.760, abs=0.005)
    assert found["second_loss"] >= math.log(2)


@pytest.mark.parametrize("enqueue", ["after_both", "after_each"])
def test_row_by_row_in_every_pass(monkeypatch, enqueue):
    """What each pass compares with, read where similarities are computed."""
    import course.fame.momentum_contrast as module

    seen, compute = [], module.contrast_logits

    def watched(queries, keys, negatives, *rest):
        seen.append((F.normalize(keys, dim=1) @ negatives.T).amax(1))
        return compute(queries, keys, negatives, *rest)

    monkeypatch.setattr(module, "contrast_logits", watched)
    _, moco = with_identical_views(enqueue, 256)
    for _ in range(3):  # fresh clips: their keys can only have come from this step
        clips = sphere(8, 128)
        moco(clips, clips)
    first, second = torch.stack(seen[::2]), torch.stack(seen[1::2])
    assert first.max() < 0.7
    if enqueue == "after_both":
        assert second.max() < 0.7
    else:
        assert torch.allclose(second, torch.ones(3, 8), atol=1e-5)


def test_former_keys_of_the_same_video_can_be_left_out():
    clips, index = sphere(4, 16), torch.arange(4)
    hardest = {}
    for told in (True, False):
        moco = MomentumContrast(IDENTICAL(), 16, 64)
        options = {"index": index} if told else {}
        moco(clips, clips, **options)
        found = moco(
            clips, clips, **options
        )  # the next epoch, the queue still holds it
        hardest[told] = found["hardest_negative"].item()
    assert hardest[False] == pytest.approx(1.0, abs=1e-5)
    assert hardest[True] < 0.95
    assert moco.queue.owners.max() == -1


@pytest.mark.parametrize(
    ("options", "warns"),
    [
        ({"queue_size": 200, "items": 100}, True),
        ({"queue_size": 100, "items": 100, "symmetric": False}, True),
        ({"queue_size": 199, "items": 100}, False),
        ({"queue_size": 99, "items": 100, "symmetric": False}, False),
        ({"queue_size": 5000}, False),
    ],
)
def test_a_queue_longer_than_the_data_set_is_warned_of(options, warns, recwarn):
    MomentumContrast(IDENTICAL(), 4, **options)
    messages = [str(w.message) for w in recwarn if w.category is UserWarning]
    assert bool(messages) == warns
    if warns:
        assert "only 100" in messages[0] and "reaches back 100" in messages[0]


# --------------------------------------------------------- the company in batch norm


def company(parts):
    norm = nn.Sequential(nn.BatchNorm1d(6, affine=False))
    return MomentumContrast(norm, 6, 8, parts=parts)


def test_with_one_part_query_and_key_keep_the_same_company():
    moco, clips = company(1), torch.randn(12, 6)
    assert torch.equal(moco.queries_of(clips), moco.keys_of(clips))


def test_with_parts_they_do_not_and_each_part_is_normalised_apart():
    moco, clips = company(3), torch.randn(12, 6)
    queries = moco.queries_of(clips)
    for part in queries.split(4):
        assert torch.allclose(part.mean(0), torch.zeros(6), atol=1e-6)
    changed = clips.clone()
    changed[4:] += torch.randn(8, 6)
    again = moco.queries_of(changed)
    assert torch.equal(again[:4], queries[:4])
    assert (again[4:] - queries[4:]).abs().min(1).values.max() > 0.01
    keys = moco.keys_of(clips, torch.Generator().manual_seed(2))
    apart = F.cosine_similarity(queries, keys)  # of the very same clips
    assert apart.max() < 0.9999 and apart.mean() > 0.5
    order = torch.randperm(12, generator=torch.Generator().manual_seed(2))
    for rows in order.split(4):  # back in their places, each in its shuffled company
        expected = F.batch_norm(clips[rows], None, None, training=True)
        assert torch.allclose(keys[rows], expected, atol=1e-6)


def test_without_batch_norm_parts_change_nothing():
    clips = torch.randn(10, 6), torch.randn(10, 6)
    losses = []
    for parts in (1, 3):  # ten clips in three parts: 4, 3, 3
        torch.manual_seed(5)
        moco = MomentumContrast(body(), 4, 32, parts=parts)
        losses.append(moco(*clips)["loss"].item())
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


# -------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"momentum": 1.1}, "momentum must be in .0, 1., got 1.1"),
        ({"enqueue": "at_once"}, "got 'at_once'"),
        ({"parts": 0}, "parts must be at least 1, got 0"),
        ({"queue_size": 0}, "a queue needs keys, got 0"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        MomentumContrast(body(), 4, **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m(torch.ones(2, 6), torch.ones(3, 6)), r"\(2, 4\) and \(3, 4\)"),
        (lambda m: m.queue.push(torch.ones(2, 5)), r"\(N, 4\), got \(2, 5\)"),
        (lambda m: m.queue.push(torch.ones(2, 4), torch.ones(2)), "torch.float32"),
        (lambda m: m.queue.push(torch.ones(2, 4), torch.arange(3)), r"2 indices"),
        (
            lambda m: MomentumContrast(body(), 4, parts=2)(*torch.ones(2, 3, 6)),
            "3 clips",
        ),
        (lambda m: MomentumContrast(body(), 5)(*torch.ones(2, 3, 6)), r"\(K, 4\)"),
    ],
)
def test_what_does_not_fit_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(MomentumContrast(body(), 4))


# ---------------------------------------------------------------- resuming a training

ITEMS = 48


class Stop(Exception):
    pass


def pairs():
    generator = torch.Generator().manual_seed(0)
    content = torch.randn(ITEMS, 6, generator=generator)
    noise = torch.randn(2, ITEMS, 6, generator=generator)
    return {"first": content + 0.3 * noise[0], "second": content + 0.3 * noise[1]}


def with_dropout(seed):
    return body(norm=True, seed=seed).insert(3, nn.Dropout(0.2))


def training_step(moco, batch, step):
    noise = 0.1 * torch.randn(batch["first"].shape, generator=batch["generator"])
    return moco(
        batch["first"] + noise,
        batch["second"],
        index=batch["index"],
        generator=batch["generator"],
    )


def trained(folder=None, stop=None, net=None, parts=2, step=training_step, **changes):
    """Train; possibly give up after a step.  Returns (state dict, result)."""
    net = with_dropout(seed=1) if net is None else net
    moco = MomentumContrast(net, 4, 20, 0.9, parts=parts)
    recipe = {"batch_size": 8, "checkpoint_every": 3, "log_every": 1}
    recipe |= {"learning_rate": 0.01, "tensorboard": False, "steps": 20} | changes

    def on_step(done, scalars):
        if done == stop:
            raise Stop

    try:
        result = fit(
            moco,
            pairs(),
            step,
            TrainSettings(**recipe),
            folder=folder,
            on_step=on_step,
            device="cpu",
            progress=False,
        )
    except Stop:
        result = None
    return copy.deepcopy(moco.state_dict()), result


@pytest.mark.parametrize("stop", [4, 6, 14])
def test_a_training_goes_on_bit_by_bit(tmp_path, stop):
    expected, whole = trained()
    trained(tmp_path, stop=stop)
    torch.manual_seed(stop)  # another start: all that counts is in the checkpoint
    found, result = trained(tmp_path, net=with_dropout(seed=9))
    assert result.resumed_from == (stop - 1) // 3 * 3 and result.rows == whole.rows
    assert expected.keys() == found.keys()
    assert {"queue.keys", "queue.owners", "queue.place"} < expected.keys()
    assert {"key_encoder.0.weight", "key_encoder.1.running_mean"} < expected.keys()
    for key in expected:
        assert torch.equal(expected[key], found[key]), key


def test_it_learns_to_recognise_its_views():
    late = {}
    for rate in (1e-9, 0.01):
        _, result = trained(net=body(), parts=1, steps=200, learning_rate=rate)
        late[rate] = sum(row["accuracy"] for row in result.rows[-40:]) / 40
    assert late[0.01] > late[1e-9] + 0.1


# --------------------------------------------------------------------- two processes


def plain_step(moco, batch, step):  # no draws: those differ between processes
    return moco(batch["first"], batch["second"], index=batch["index"])


def findings(seed):
    state, result = trained(net=body(seed=seed), parts=1, steps=6, step=plain_step)
    return {"state": state, "rows": result.rows}


def one_of_two(rank, port, folder):
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ |= {"OMP_NUM_THREADS": "1", "LOCAL_WORLD_SIZE": "2"}
    torch.set_num_threads(1)
    # Another start on each: the first one's weights and queue are to count.
    torch.save(findings(1 + rank), folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="gloo on POSIX")
def test_two_processes_keep_one_queue_and_make_the_step_of_one(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(one_of_two, (port, tmp_path), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    one = findings(1)
    for key, value in first["state"].items():
        assert torch.equal(value, second["state"][key]), key
        assert torch.allclose(value.float(), one["state"][key].float(), atol=1e-5), key
    assert first["state"]["queue.place"] == 6 * 16 % 20
    for found, expected in zip(first["rows"], one["rows"], strict=True):
        assert found["loss"] == pytest.approx(expected["loss"], abs=1e-5)
