"""The loop: it learns, repeats itself exactly, and stops as it should."""

import sys

import pytest
import torch
from torch import nn

from course.training import NonFiniteLossError, TrainSettings, fit

CLASSES = 3


def world(n=48, seed=0):
    """Clips whose first frame's brightness gives the class away."""
    generator = torch.Generator().manual_seed(seed)
    action = torch.randint(CLASSES, (n,), generator=generator)
    clip = torch.randint(60, (n, 3, 2, 4, 4), generator=generator)
    clip[:, :, 0] += 60 * action[:, None, None, None]
    return {"clip": clip.to(torch.uint8), "action": action}


class Items:
    """The same world as a data set that makes its own float clips."""

    def __init__(self, tensors, draws=False):
        self.tensors, self.draws = tensors, draws

    def __len__(self):
        return len(self.tensors["action"])

    def __getitem__(self, i):
        clip = self.tensors["clip"][i].float() / 255
        if self.draws:
            clip = clip + 0.1 * torch.randn(clip.shape)
        return {"clip": clip, "action": int(self.tensors["action"][i]), "name": f"v{i}"}


def net(dropout=0.0, norm=False, seed=0):
    torch.manual_seed(seed)
    middle = nn.BatchNorm3d(4) if norm else nn.Identity()
    head = [nn.ReLU(), nn.Flatten(), nn.Dropout(dropout), nn.Linear(64, CLASSES)]
    return nn.Sequential(nn.Conv3d(3, 4, (2, 1, 1)), middle, *head)


def classify(model, batch, step):
    logits = model(batch["clip"])
    right = (logits.argmax(1) == batch["action"]).float().mean()
    loss = nn.functional.cross_entropy(logits, batch["action"])
    return {"loss": loss, "accuracy": right}


def train(model, data=None, step=classify, **changes):
    keywords = {"progress": False, "device": "cpu"}
    for key in ("seed", "evaluate", "on_step", "state", "param_groups", "optimizer"):
        if key in changes:
            keywords[key] = changes.pop(key)
    settings = TrainSettings(
        **{"batch_size": 12, "steps": 8, "learning_rate": 0.02, "log_every": 2}
        | changes
    )
    return fit(model, world() if data is None else data, step, settings, **keywords)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def same(a, b):
    return torch.equal(weights(a), weights(b))


def test_it_learns_and_says_what_it_did():
    model = net(norm=True)
    result = train(model, steps=60, evaluate=lambda m: {"size": int(m.training)})
    assert result.rows[-1]["accuracy"] > 0.95
    assert (result.steps, result.planned_steps, result.shortened) == (60, 60, False)
    steps, losses = result.curve("loss")
    assert steps == list(range(2, 61, 2)) and losses[-1] < losses[0] / 2
    assert result.rows[-1]["size"] == 0  # evaluate saw eval mode
    assert not model.training
    assert 0 <= result.data_wait < 1 and result.items_per_second > 0
    assert "60 of 60 steps" in result.report() and "waited for data" in result.report()


def test_two_runs_are_the_same_and_another_seed_is_not():
    a, b, c = net(0.5), net(0.5), net(0.5)
    train(a, seed=1)
    torch.rand(7)  # whatever happened before does not matter
    train(b, seed=1)
    train(c, seed=2)
    assert same(a, b) and not same(a, c)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_data_set_and_whole_tensors_train_the_same(workers):
    a, b = net(0.3), net(0.3)
    train(a)
    train(b, Items(world()), workers=workers)
    torch.testing.assert_close(weights(a), weights(b), rtol=0, atol=1e-6)


def test_items_that_draw_do_not_depend_on_the_worker():
    a, b = net(), net()
    train(a, Items(world(), draws=True), workers=0)
    train(b, Items(world(), draws=True), workers=2)
    assert same(a, b)


def test_every_item_comes_once_an_epoch_in_a_new_order():
    seen = []

    def step(model, batch, step):
        seen.append(batch["index"].tolist())
        return classify(model, batch, step)

    train(net(), step=step, steps=None, epochs=2)
    first, second = sum(seen[:4], []), sum(seen[4:], [])
    assert sorted(first) == sorted(second) == list(range(48)) and first != second


def test_the_batch_brings_a_generator_of_its_own():
    draws = []

    def step(model, batch, step):
        draws.append(torch.rand(1, generator=batch["generator"]).item())
        return classify(model, batch, step)

    train(net(), step=step)
    train(net(), step=step)
    assert len(set(draws[:8])) == 8 and draws[:8] == draws[8:]


def test_accumulated_parts_make_the_whole_batch():
    def run(parts):
        found = []
        model = net()

        def keep(done, scalars):
            found.append(torch.cat([p.grad.flatten() for p in model.parameters()]))

        train(model, accumulate=parts, steps=2, on_step=keep, clip_norm=1e9)
        return found

    for one, three in zip(run(1), run(3), strict=True):
        torch.testing.assert_close(one, three, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_nan_names_step_and_items_and_spares_the_weights(workers):
    data = world()
    bad = []

    def step(model, batch, step):
        result = classify(model, batch, step)
        if step == 5:
            bad.extend(batch["index"].tolist())
            result["loss"] = result["loss"] * float("nan")
        return result

    model, before = net(), []
    with pytest.raises(NonFiniteLossError, match="loss is nan at step 6") as caught:
        train(
            model,
            Items(data),
            step=step,
            workers=workers,
            on_step=lambda done, s: before.append(weights(model).clone()),
        )
    assert caught.value.step == 6 and caught.value.items == bad
    assert all(str(item) in str(caught.value) for item in bad)
    assert torch.equal(before[-1], weights(model))


def test_a_broken_gradient_of_a_sound_loss_is_found_too():
    def step(model, batch, step):
        loss = classify(model, batch, step)["loss"]
        if step == 3:  # the root's slope at 0 is infinite, times 0 is not a number
            loss = loss + (0 * model[0].weight).sum().abs().sqrt()
        return {"loss": loss}

    with pytest.raises(NonFiniteLossError, match="gradient's norm is nan at step 4"):
        train(net(), step=step, clip_norm=1.0)


def test_a_time_limit_ends_cleanly(monkeypatch):
    result = train(net(), max_minutes=1e-9)
    assert result.steps == 1 and result.planned_steps == 8 and result.shortened
    monkeypatch.setenv("COURSE_MAX_MINUTES", "1e-9")
    assert train(net()).steps == 1
    monkeypatch.setenv("COURSE_MAX_MINUTES", "soon")
    with pytest.raises(ValueError, match="COURSE_MAX_MINUTES.*'soon'"):
        train(net())


def test_bf16_runs_two_steps_and_leaves_no_trace_for_the_next_training():
    kinds = []

    def step(model, batch, step):
        logits = model(batch["clip"])
        kinds.append(logits.dtype)
        return {"loss": nn.functional.cross_entropy(logits, batch["action"])}

    model = net()
    train(model, step=step, steps=2, mixed_precision="bf16")
    train(model, step=step, steps=2)
    assert kinds == [torch.bfloat16] * 2 + [torch.float32] * 2
    assert "forward" not in vars(model)  # the room's model was not patched
    assert next(model.parameters()).dtype == torch.float32


def test_the_users_own_accelerator_survives():
    from accelerate import Accelerator

    own = Accelerator(cpu=True)
    train(net(), steps=1, mixed_precision="bf16")
    assert own.mixed_precision == "no" and own.device.type == "cpu"


def test_evaluation_changes_nothing_in_the_training():
    def evaluate(model):
        torch.rand(5)
        return {"top1": 0.5}

    a, b = net(0.5, norm=True), net(0.5, norm=True)
    train(a)
    result = train(b, evaluate=evaluate, evaluate_every=3)
    assert same(a, b)
    assert result.curve("top1")[0] == [3, 6, 8]


def test_parts_kept_in_eval_mode_come_back_so():
    model = net(norm=True)

    def step(net, batch, step):
        if step == 0:
            net[1].eval()
        assert not net[1].training
        return classify(net, batch, step)

    train(model, step=step, evaluate=lambda m: {}, evaluate_every=1, steps=3)


def test_own_groups_and_own_optimizer():
    model = net()
    rates = []

    def groups(model):
        yield {"params": model[0].parameters(), "lr": 0.0}
        yield {"params": model[-1].parameters()}

    before = model[0].weight.clone()
    train(model, param_groups=groups, schedule="constant")
    assert torch.equal(before, model[0].weight)

    def optimizer(model):
        rates.append(torch.optim.SGD(model.parameters(), lr=0.5))
        return rates[0]

    train(model, optimizer=optimizer, schedule="cosine", steps=4)
    assert rates[0].param_groups[0]["initial_lr"] == 0.5
    assert rates[0].param_groups[0]["lr"] < 0.5


def test_channels_last_gives_the_same_training():
    a, b = net(), net()
    train(a, steps=3)
    train(b, steps=3, channels_last=True)
    assert b[0].weight.is_contiguous(memory_format=torch.channels_last_3d)
    torch.testing.assert_close(weights(a), weights(b), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("data", "step", "message"),
    [
        (
            {"clip": torch.zeros(3, 1), "action": torch.zeros(4)},
            classify,
            "common length",
        ),
        ([(0, 1)] * 20, classify, "must be a dict"),
        (None, lambda m, b, s: {"lost": 0}, "dict with loss"),
        (None, lambda m, b, s: {"loss": m(b["clip"])}, r"loss must be a scalar.*12, 3"),
        (world(0), classify, "0 items"),
    ],
)
def test_bad_input_is_named(data, step, message):
    with pytest.raises(ValueError, match=message):
        train(net(), data, step=step)


def test_uneven_parts_are_refused():
    with pytest.raises(ValueError, match="batch_size 12 cannot be split.* 5 acc"):
        train(net(), accumulate=5)


def test_a_small_data_set_is_one_batch():
    sizes = []

    def step(model, batch, step):
        sizes.append(len(batch["clip"]))
        return classify(model, batch, step)

    train(net(), world(7), step=step, steps=2, accumulate=3)
    assert sizes == [2] * 6  # six of the seven items, in three parts


def test_the_notebook_bar_ends_the_same_every_time(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    settings = TrainSettings(batch_size=12, steps=4)
    for _ in range(2):
        fit(net(), world(), classify, settings, device="cpu", name="bar")
    last = [t.split("\r")[-1] for t in capsys.readouterr().out.strip("\n").split("\n")]
    assert last[0] == "bar: 100% |##############################| 4/4 steps"
    assert len(last) == 2 and last[0] == last[1]


def test_a_script_gets_a_closing_report(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    fit(net(), world(), classify, TrainSettings(steps=2), device="cpu")
    assert "waited for data" in capsys.readouterr().out
