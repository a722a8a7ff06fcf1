"""A small training for other tests to launch, kill and launch again.

    python tests/training_script.py FOLDER OUT [KILLS]

With KILLS it first starts the training that many times and kills it by SIGKILL at
random moments (in a fork, which spares importing torch), then runs it to the end.
It has everything a room may bring: dropout, batch norm, augmentation, a data set that
draws, a memory, and an adversary with an optimiser of its own.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import accelerate  # noqa: F401 (here, so that a fork need not import it again)
import torch
from torch import nn

from course.training import TrainSettings, average_gradients, fit, load_checkpoint


class Noisy:
    """Items that draw from the global generator."""

    def __len__(self):
        return 40

    def __getitem__(self, i):
        return {"x": torch.full((6,), i / 40) + 0.1 * torch.randn(6), "y": i % 3}


class Memory:
    """A mean of all features seen so far, kept outside the model."""

    def __init__(self):
        self.mean, self.seen = torch.zeros(16), 0

    def add(self, features):
        self.mean += (features.detach().mean(0) - self.mean) / (self.seen + 1)
        self.seen += 1

    def state_dict(self):
        return {"mean": self.mean, "seen": self.seen}

    def load_state_dict(self, state):
        self.mean, self.seen = state["mean"].clone(), state["seen"]


def train_and_save(folder, out, steps=60, started=None):
    torch.set_num_threads(1)
    torch.manual_seed(3)
    body = nn.Sequential(
        nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3)
    )
    model = nn.Sequential(nn.Sequential(*body), nn.Linear(16, 3))
    adversary = nn.Linear(16, 2)
    inner = torch.optim.SGD(adversary.parameters(), lr=0.1, momentum=0.9)
    memory = Memory()

    def training_step(model, batch, step):
        if started is not None:
            os.write(started, b"!")
        noise = torch.randn(batch["x"].shape, generator=batch["generator"])
        features = model[0](batch["x"] + 0.1 * noise)
        for _ in range(2):
            guess = adversary(features.detach() - memory.mean)
            loss = nn.functional.cross_entropy(guess, batch["index"] % 2)
            inner.zero_grad()
            loss.backward()
            average_gradients(adversary.parameters())
            inner.step()
        memory.add(features)
        scalars = {"head": loss.detach()}
        scalars["loss"] = nn.functional.cross_entropy(model[1](features), batch["y"])
        time.sleep(0.003)
        return scalars

    settings = TrainSettings(
        batch_size=8, steps=steps, checkpoint_every=3, log_every=4, tensorboard=False
    )
    state = {"adversary": adversary, "inner": inner, "memory": memory}
    result = fit(
        model,
        Noisy(),
        training_step,
        settings,
        seed=5,
        state=state,
        folder=folder,
        device="cpu",
        progress=False,
    )
    final = {"model": model.state_dict(), "adversary": adversary.state_dict()}
    final |= {"memory": memory.mean, "rows": result.rows, "steps": result.steps}
    torch.save(final, out)


def kill_one(folder, out):
    """Start the training, kill it a few steps later, anywhere in a step; its end."""
    first, started = os.pipe()
    child = os.fork()
    if child == 0:
        train_and_save(folder, out, started=started)
        os._exit(0)
    os.close(started)  # so that reading ends even if the child does without a step
    for _ in range(random.randint(4, 9)):  # steps: past one checkpoint, not to the end
        os.read(first, 1)
    time.sleep(random.uniform(0, 0.01))
    os.kill(child, signal.SIGKILL)
    os.close(first)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 0):
        code = kill_one(folder, out)
        path = folder / "checkpoint.pt"
        print(code, load_checkpoint(path)["step"] if path.exists() else 0)
    train_and_save(folder, out)
