"""Two gloo processes make the step of one."""

import os
import socket
import sys

import pytest
import torch
import torch.multiprocessing as mp
from torch import nn

from course.training import (
    NonFiniteLossError,
    TrainSettings,
    average_gradients,
    fit,
    gather_rows,
    load_checkpoint,
)
from course.training.processes import same_start, world_size

ITEMS = 24


def net():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv3d(3, 4, 2),
        nn.BatchNorm3d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(108, 3),
    )


def data():
    generator = torch.Generator().manual_seed(0)
    clip = torch.randint(256, (ITEMS, 3, 4, 4, 4), generator=generator)
    return {"clip": clip.to(torch.uint8), "action": torch.arange(ITEMS) % 3}


def step_in_eval_mode(model, batch, step):
    """Batch norm with fixed statistics: the case in which processes cannot differ."""
    model.eval()
    logits = model(batch["clip"])
    return {"loss": nn.functional.cross_entropy(logits, batch["action"])}


def step_with_halves(model, batch, step):
    """One process that emulates the statistics of two: each half normalised alone."""
    halves = batch["clip"].chunk(1 if world_size() == 2 else 2)
    logits = torch.cat([model(half) for half in halves])
    return {"loss": nn.functional.cross_entropy(logits, batch["action"])}


def gradients(step, folder=None, **changes):
    """Train a few steps; every step's gradients, the items seen, the log."""
    model, found, seen = net(), [], []

    def watched(model, batch, step_number):
        seen.append(batch["index"].tolist())
        return step(model, batch, step_number)

    def on_step(done, scalars):
        found.append(torch.cat([p.grad.flatten() for p in model.parameters()]))

    recipe = {"batch_size": 8, "steps": 4, "tensorboard": False, "log_every": 1}
    settings = TrainSettings(**recipe | changes)
    result = fit(
        model,
        data(),
        watched,
        settings,
        on_step=on_step,
        folder=folder,
        device="cpu",
        progress=False,
    )
    return {"gradients": torch.stack(found), "seen": seen, "rows": result.rows}


def both(rank, port, folder):
    """What one of two processes does; its findings go into a file."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ |= {"OMP_NUM_THREADS": "1", "LOCAL_WORLD_SIZE": "2"}
    torch.set_num_threads(1)
    found = {"eval": gradients(step_in_eval_mode, folder / "run")}
    found["halves"] = gradients(step_with_halves)
    found["parts"] = gradients(step_in_eval_mode, accumulate=2)
    found["bf16"] = gradients(step_in_eval_mode, mixed_precision="bf16")["rows"][-1]
    found["rows"] = gather_rows(torch.tensor([[rank, 10.0]]))
    linear = nn.Linear(2, 1)
    nn.init.constant_(linear.weight, rank)
    same_start(linear)
    linear(torch.full((1, 2), float(rank))).backward()
    average_gradients(linear.parameters())
    found["linear"] = linear.weight.detach(), linear.weight.grad
    limit = 1e-9 if rank else 1e6  # the second is late, the first is not
    found["late"] = len(gradients(step_in_eval_mode, max_minutes=limit)["rows"])

    def broken(model, batch, step):  # on the second process, at its second step
        result = step_in_eval_mode(model, batch, step)
        result["loss"] = result["loss"] / (0.0 if (rank, step) == (1, 1) else 1.0)
        return result

    try:
        gradients(broken)
    except NonFiniteLossError as error:
        found["error"] = str(error), error.items
    torch.save(found, folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(both, (port, folder), nprocs=2)
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)], folder


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="gloo on POSIX"),
]


@pytest.mark.parametrize(
    ("case", "step", "changes"),
    [
        ("eval", step_in_eval_mode, {}),
        ("halves", step_with_halves, {}),
        ("parts", step_in_eval_mode, {}),
    ],
)
def test_gradients_are_those_of_one_process(two, case, step, changes):
    one = gradients(step, **changes)
    for found in two[0]:
        difference = (found[case]["gradients"] - one["gradients"]).abs().max()
        assert difference <= 1e-6
        assert one["gradients"].abs().max() > 0.01
        losses = [
            [row["loss"] for row in each] for each in (found[case]["rows"], one["rows"])
        ]
        assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_batch_norm_in_training_mode_does_differ(two):
    def plain(model, batch, step):
        logits = model(batch["clip"])
        return {"loss": nn.functional.cross_entropy(logits, batch["action"])}

    one = gradients(plain)["gradients"]
    assert (two[0][0]["halves"]["gradients"] - one).abs().max() > 1e-4


def test_each_takes_its_half_of_every_batch(two):
    one = gradients(step_in_eval_mode)["seen"]
    for whole, first, second in zip(
        one, *(found["eval"]["seen"] for found in two[0]), strict=True
    ):
        assert first + second == whole and not set(first) & set(second)


def test_only_the_first_writes_and_one_process_can_go_on(two):
    folder = two[1] / "run"
    assert sorted(p.name for p in folder.iterdir()) == ["checkpoint.pt", "log.csv"]
    saved = load_checkpoint(folder / "checkpoint.pt")
    assert saved["step"] == 4 and len(saved["random"]) == 2


def test_the_helpers(two):
    for found in two[0]:
        assert found["rows"].tolist() == [[0, 10], [1, 10]]
        assert found["linear"][0].tolist() == [[0, 0]]
        assert found["linear"][1].tolist() == [[0.5, 0.5]]
        assert found["late"] == 1  # both stopped after the same step
        assert found["bf16"]["step"] == 4


def test_a_broken_loss_of_one_stops_all_and_names_its_items(two):
    errors = [found["error"] for found in two[0]]
    assert errors[0] == errors[1]
    assert "loss is inf at step 2" in errors[0][0]
    assert errors[0][1] == two[0][1]["eval"]["seen"][1]
