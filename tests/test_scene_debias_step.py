"""The debiasing step: by hand, both wirings, batch norm, resuming, and a toy world."""

from __future__ import annotations

import copy
from functools import partial
from operator import itemgetter

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course.backbones import small_r2plus1d
from course.scene_debias import (
    ConditionalSceneHead,
    Debiasing,
    SceneHead,
    adversary,
    after_warmup,
    entropy,
    human_mask_confusion_loss,
    linear_ramp,
    scene_adversarial_loss,
)
from course.training import CheckpointError, TrainSettings, fit

MASKED = itemgetter("masked")
SGD = partial(torch.optim.SGD, lr=0.2)


class Flat(nn.Module):
    """Vectors for clips, so that a step can be written out."""

    def __init__(self, inputs: int = 6, features: int = 5, actions: int = 3):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(inputs, features), nn.Tanh())
        self.fc = nn.Linear(features, actions)

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x)


def flat(**options) -> Flat:
    torch.manual_seed(3)
    return Flat(**options).double()


def head_for(net: Flat, outputs: int = 4, **options) -> SceneHead:
    torch.manual_seed(4)
    options = {"hidden": (7,), "norm": "none"} | options
    return SceneHead(net.fc.in_features, outputs, **options).double()


def vectors(items: int = 12) -> dict[str, torch.Tensor]:
    draws = torch.Generator().manual_seed(5)
    x = torch.randn(2, items, 6, generator=draws, dtype=torch.float64)
    index = torch.arange(items)
    return {"clip": x[0], "masked": x[1], "action": index % 3, "scene": index % 4}


def trained(net, data, debiasing, steps=1, **options):
    """`fit` by plain SGD on the whole set; its result."""
    recipe = {"batch_size": 12, "learning_rate": 0.1, "schedule": "constant"}
    recipe |= {"optimizer": "sgd", "momentum": 0.0, "tensorboard": False}
    names = ("folder", "identity", "on_step")
    given = {key: options.pop(key) for key in names if key in options}
    return fit(
        net,
        data,
        debiasing,
        TrainSettings(**recipe | {"steps": steps, "log_every": 1} | options),
        state=debiasing.state,
        device="cpu",
        progress=False,
        **given,
    )


def gradient(loss: torch.Tensor, module: nn.Module) -> list[torch.Tensor]:
    return [*torch.autograd.grad(loss, [*module.parameters()], retain_graph=True)]


def values(module: nn.Module) -> list[torch.Tensor]:
    return [p.detach().clone() for p in module.parameters()]


def assert_close(found, expected, tolerance=1e-15):
    for a, b in zip(found, expected, strict=True):
        assert (a - b).abs().max() <= tolerance


# -------------------------------------------------------- the two players, by hand


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0, 4.0])
def test_one_step_is_the_explicit_update_of_two_players(strength):
    net, data = flat(), vectors()
    net.scene_head = head_for(net)
    old = copy.deepcopy(net)
    trained(net, data, Debiasing(1, scene_head=net.scene_head, strength=strength))

    features = old.embed(data["clip"])
    action = F.cross_entropy(old.fc(features), data["action"])
    scene = F.cross_entropy(old.scene_head(features), data["scene"])
    rate = 0.1
    for name, moves in {
        "body": [
            a - strength * s
            for a, s in zip(
                gradient(action, old.body), gradient(scene, old.body), strict=True
            )
        ],
        "fc": gradient(action, old.fc),
        "scene_head": gradient(scene, old.scene_head),  # at full rate, whatever lambda
    }.items():
        before, after = values(getattr(old, name)), values(getattr(net, name))
        expected = [w - rate * g for w, g in zip(before, moves, strict=True)]
        assert_close(after, expected)
        assert not torch.equal(before[0], after[0])


def test_a_head_with_its_own_optimiser_steps_first_and_reverses_afterwards():
    net, data = flat(), vectors()
    head, strength = head_for(net), 0.7
    old, by_hand = copy.deepcopy(net), copy.deepcopy(head)
    debiasing = Debiasing(
        1, scene_head=head, strength=strength, head_optimizer=SGD, head_steps=2
    )
    trained(net, data, debiasing)

    features = old.embed(data["clip"])
    for _ in range(2):
        loss = F.cross_entropy(by_hand(features.detach()), data["scene"])
        with torch.no_grad():
            moves = gradient(loss, by_hand)
            for weight, move in zip(by_hand.parameters(), moves, strict=True):
                weight -= 0.2 * move
    assert_close(values(head), values(by_hand))  # and no step more
    action = F.cross_entropy(old.fc(features), data["action"])
    scene = F.cross_entropy(by_hand(features), data["scene"])
    moves = gradient(action - strength * scene, old.body)
    expected = [w - 0.1 * g for w, g in zip(values(old.body), moves, strict=True)]
    assert_close(values(net.body), expected)


def test_the_model_step_leaves_no_gradient_on_a_head_of_its_own():
    net, data = flat(), vectors()
    head = head_for(net)
    debiasing = Debiasing(1, scene_head=head, head_optimizer=SGD)
    scalars = debiasing(net, data, 0)
    kept = [p.grad.clone() for p in head.parameters()]  # of the head's own last step
    scalars["loss"].backward()
    assert all(p.requires_grad for p in head.parameters())
    for parameter, gradients in zip(head.parameters(), kept, strict=True):
        assert torch.equal(parameter.grad, gradients)


def test_an_own_head_is_averaged_over_processes_before_it_steps(monkeypatch):
    net, data = flat(), vectors()
    head, calls = head_for(net), []

    def watch(parameters):
        parameters = list(parameters)
        assert {id(p) for p in parameters} == {id(p) for p in head.parameters()}
        assert all(p.grad is not None for p in parameters)
        calls.append(parameters[0].detach().clone())

    monkeypatch.setattr(adversary, "average_gradients", watch)
    Debiasing(1, scene_head=head, head_optimizer=SGD, head_steps=3)(net, data, 0)
    assert len(calls) == 3
    assert not torch.equal(calls[0], calls[1])  # each time before another step


def test_what_is_logged_is_what_it_says():
    net, data = flat(), vectors()
    net.scene_head = head_for(net)
    schedule = after_warmup(linear_ramp(2.0), 0.2)
    debiasing = Debiasing(10, scene_head=net.scene_head, strength=schedule)
    features = net.embed(data["clip"])
    first = debiasing(net, data, 0)
    logits = net.scene_head(features)
    assert torch.equal(first["scene_loss"], F.cross_entropy(logits, data["scene"]))
    assert torch.equal(first["loss"], first["action_loss"] + first["scene_loss"])
    right = (logits.argmax(1) == data["scene"]).double().mean().item()
    assert first["head_accuracy"].item() == pytest.approx(right)
    right = (net.fc(features).argmax(1) == data["action"]).double().mean().item()
    assert first["accuracy"].item() == pytest.approx(right)
    rows = trained(net, data, debiasing, steps=10).rows
    expected = [2 * max(0, (step / 10 - 0.2) / 0.8) for step in range(10)]
    assert [row["strength"] for row in rows] == pytest.approx(expected, abs=1e-7)


def test_soft_targets_and_told_heads_reach_the_loss():
    net, data = flat(), vectors()
    soft = torch.rand(12, 4, dtype=torch.float64).softmax(1)
    told = ConditionalSceneHead(5, 4, 3, (7,), "none").double()
    net.scene_head = told
    debiasing = Debiasing(1, scene_head=told, scene="places")
    found = debiasing(net, {**data, "places": soft}, 0)
    logits = told(net.embed(data["clip"]), data["action"])
    assert torch.equal(found["scene_loss"], scene_adversarial_loss(logits, soft))
    right = (logits.argmax(1) == soft.argmax(1)).double().mean().item()
    assert found["head_accuracy"].item() == pytest.approx(right)


def test_without_heads_and_masks_it_is_a_plain_recogniser():
    net, data = flat(), vectors()
    found = Debiasing(1)(net, data, 0)
    loss = F.cross_entropy(net.fc(net.embed(data["clip"])), data["action"])
    assert torch.equal(found["loss"], loss) and set(found) == {
        *("loss", "action_loss", "accuracy")
    }


# ------------------------------------------------------------ masked clips, two steps


def confusing(net: Flat, wiring: str, **options) -> Debiasing:
    """Scene head and, where released, mask head as modules of the net."""
    net.scene_head = head_for(net)
    options = {
        "scene_head": net.scene_head,
        "masked": MASKED,
        "wiring": wiring,
    } | options
    if wiring == "released":
        net.mask_head = head_for(net, outputs=3)
        options["mask_head"] = net.mask_head
    return Debiasing(options.pop("planned_steps", 4), **options)


def masked_gradients(wiring: str) -> dict[str, bool]:
    """Which parts of the net get a gradient from masked clips."""
    net, data = flat(), vectors()
    confusing(net, wiring)(net, data, 1)["loss"].backward()
    return {
        name: all(p.grad is not None and p.grad.any() for p in part.parameters())
        for name, part in net.named_children()
    }


def test_only_the_papers_wiring_teaches_the_action_head_on_masked_clips():
    paper, released = masked_gradients("paper"), masked_gradients("released")
    assert paper == {"body": True, "fc": True, "scene_head": False}
    assert released == {
        **{"body": True, "fc": False, "scene_head": False, "mask_head": True}
    }


@pytest.mark.parametrize("wiring", ["paper", "released"])
def test_two_steps_are_one_optimiser_on_unmasked_and_masked_clips_in_turn(wiring):
    net, data, momentum = flat(), vectors(), 0.9
    debiasing = confusing(net, wiring, strength=0.5)
    nets = [copy.deepcopy(net)]

    def keep(done, scalars):
        nets.append(copy.deepcopy(net))

    rows = trained(net, data, debiasing, steps=2, momentum=momentum, on_step=keep).rows
    assert {*rows[0]} - {*rows[1]} >= {"action_loss", "scene_loss", "strength"}
    assert {*rows[1]} - {*rows[0]} == {"masked_entropy"}

    start, middle, end = nets
    features = start.embed(data["clip"])
    scene = F.cross_entropy(start.scene_head(features), data["scene"])
    action = F.cross_entropy(start.fc(features), data["action"])
    first = {
        "body": gradient(action - 0.5 * scene, start.body),
        "fc": gradient(action, start.fc),
    }
    unseen = middle.embed(data["masked"])
    if wiring == "paper":
        loss = -entropy(middle.fc(unseen)).mean()
        second = {"body": gradient(loss, middle.body), "fc": gradient(loss, middle.fc)}
    else:
        loss = -entropy(middle.mask_head(unseen)).mean()
        second = {"body": [-g for g in gradient(loss, middle.body)]}
        moved = gradient(loss, middle.mask_head)
        before, after = values(middle.mask_head), values(end.mask_head)
        assert_close(after, [w - 0.1 * g for w, g in zip(before, moved, strict=True)])
    for name, moves in first.items():
        before, after = values(getattr(start, name)), values(getattr(middle, name))
        assert_close(after, [w - 0.1 * g for w, g in zip(before, moves, strict=True)])
        before, after = values(getattr(middle, name)), values(getattr(end, name))
        if name in second:  # momentum goes on: it is the same optimiser
            moves = [momentum * a + b for a, b in zip(moves, second[name], strict=True)]
            before = [w - 0.1 * g for w, g in zip(before, moves, strict=True)]
        assert_close(after, before)  # without a gradient it stays where it was
    assert_close(values(middle.scene_head), values(end.scene_head), 0)


def test_the_masked_batch_is_of_other_clips_than_the_unmasked_one():
    net, seen = flat(), []
    data = vectors() | {"index_again": torch.arange(12)}
    debiasing = confusing(net, "paper")

    def watched(model, batch, step):
        seen.append({*batch["index_again"].tolist()})
        return debiasing(model, batch, step)

    watched.state = debiasing.state
    trained(net, data, watched, steps=2, batch_size=6)
    assert not seen[0] & seen[1] and len(seen[0] | seen[1]) == 12


def test_one_step_adds_both_losses():
    net, data = flat(), vectors()
    data["masked"] = data["masked"][:5]  # any number of masked clips
    debiasing = confusing(net, "paper", optimisation="one_step", confusion=0.3)
    found = debiasing(net, data, 1)
    first = debiasing.on_unmasked(net, net.embed(data["clip"]), data, 1)
    second = debiasing.on_masked(net, net.embed(data["masked"]))
    expected = first["loss"] + second["loss"]
    assert torch.allclose(found["loss"], expected, rtol=0, atol=1e-14)
    mean = entropy(net.fc(net.embed(data["masked"]))).mean()
    assert torch.allclose(second["loss"], -0.3 * mean, rtol=0, atol=1e-15)
    assert torch.allclose(found["masked_entropy"], mean, rtol=0, atol=1e-14)


# ---------------------------------------------- the paper's wiring and the released one


def wired(net, wiring: str, **options) -> Debiasing:
    """With the released wiring's head a copy of the action head: the same logits."""
    if wiring == "released":
        options["mask_head"] = net.mask_head = copy.deepcopy(net.fc)
    return Debiasing(2, masked=MASKED, wiring=wiring, **options)


def test_the_released_wiring_gives_the_features_exactly_the_opposite_gradient():
    net = flat()
    features = torch.randn(9, 5, dtype=torch.float64, requires_grad=True)
    found = {}
    for wiring in ("paper", "released"):
        scalars = wired(net, wiring).on_masked(net, features)
        (found[wiring],) = torch.autograd.grad(scalars["loss"], features)
        assert torch.equal(scalars["masked_entropy"], entropy(net.fc(features)).mean())
    assert torch.equal(found["released"], -found["paper"])
    assert found["paper"].norm() > 0.01
    cosine = F.cosine_similarity(
        found["paper"].flatten(), found["released"].flatten(), 0
    )
    assert cosine.item() == pytest.approx(-1, abs=1e-15)


def test_so_does_every_weight_of_a_video_backbone():
    torch.manual_seed(0)
    net = small_r2plus1d(4, (4, 6))
    clips = {"masked": torch.rand(3, 3, 2, 16, 16)}
    found = {}
    for wiring in ("paper", "released"):
        loss = wired(net, wiring)(net, clips, 1)["loss"]
        found[wiring] = gradient(loss, net.blocks)
    for one, other in zip(found["paper"], found["released"], strict=True):
        assert torch.equal(one, -other) and one.any()


@pytest.mark.parametrize(("wiring", "sign"), [("paper", 1), ("released", -1)])
def test_the_backbone_makes_that_head_less_sure_on_paper_and_surer_as_released(
    wiring, sign
):
    net, data = flat(), vectors()
    debiasing = wired(net, wiring)
    judge = copy.deepcopy(net.fc)

    def sureness():
        return -entropy(judge(net.embed(data["masked"]))).mean().item()

    before = sureness()
    for parameter, move in zip(
        net.body.parameters(),
        gradient(debiasing(net, data, 1)["loss"], net.body),
        strict=True,
    ):
        parameter.data -= 0.1 * move
    assert sign * (before - sureness()) > 1e-4


def test_a_released_mask_head_of_its_own_optimiser_raises_its_own_entropy():
    net, data = flat(), vectors()
    head = copy.deepcopy(net.fc)
    debiasing = Debiasing(
        8, masked=MASKED, wiring="released", mask_head=head, head_optimizer=SGD,
        head_steps=3,
    )  # fmt: skip
    before = human_mask_confusion_loss(head(net.embed(data["masked"])))
    debiasing(net, data, 1)
    assert human_mask_confusion_loss(head(net.embed(data["masked"]))) < before
    assert set(debiasing.state) == {"mask_head", "optimizer"}


# ------------------------------------------------------------------------ batch norm


def video(items: int = 8) -> dict[str, torch.Tensor]:
    draws = torch.Generator().manual_seed(6)
    clips = torch.rand(2, items, 3, 2, 8, 8, generator=draws)
    index = torch.arange(items)
    # Masked clips are darker: their statistics differ.
    return {
        "clip": clips[0], "masked": 0.3 * clips[1], "action": index % 4,
        "scene": index % 4,
    }  # fmt: skip


def video_net() -> nn.Module:
    torch.manual_seed(0)
    return small_r2plus1d(4, (4, 6))


def first_norm(net):
    return net.blocks[0].bn_space


def channel_means(net, clips):
    with torch.no_grad():
        return net.blocks[0].conv_space(2 * clips - 1).mean((0, 2, 3, 4))


def statistics(net) -> dict[str, torch.Tensor]:
    names = ("running_mean", "running_var", "num_batches_tracked")
    return {k: v.clone() for k, v in net.state_dict().items() if k.endswith(names)}


def test_in_two_steps_running_averages_follow_both_kinds_of_clips_in_turn():
    net, data = video_net(), video()
    clean, masked = (channel_means(net, data[key]) for key in ("clip", "masked"))
    debiasing = Debiasing(2, masked=MASKED)
    debiasing(net, data, 0)
    assert torch.allclose(first_norm(net).running_mean, 0.1 * clean, atol=1e-6)
    debiasing(net, data, 1)
    expected = 0.9 * 0.1 * clean + 0.1 * masked  # the later ones count more
    assert torch.allclose(first_norm(net).running_mean, expected, atol=1e-6)
    assert (clean - masked).abs().max() > 0.05


def test_masked_clips_can_be_kept_out_of_the_running_averages():
    net, data = video_net(), video()
    other = copy.deepcopy(net)
    kept = Debiasing(2, masked=MASKED, masked_statistics=False)
    kept(net, data, 0)
    before = statistics(net)
    found = kept(net, data, 1)
    assert all(torch.equal(v, before[k]) for k, v in statistics(net).items())
    assert all(m.track_running_stats for m in net.modules() if is_norm(m))
    # Their own normalisation, and so the loss, is the usual one.
    assert torch.equal(
        found["loss"], Debiasing(2, masked=MASKED)(other, data, 1)["loss"]
    )
    kept(net, data, 0)
    assert any(not torch.equal(v, before[k]) for k, v in statistics(net).items())


def is_norm(module):
    return isinstance(module, nn.BatchNorm3d)


def test_in_one_step_masked_clips_change_the_features_of_the_others():
    data = video()
    darker = {**data, "masked": 0.1 * data["masked"]}
    losses = {}
    for optimisation in ("two_steps", "one_step"):
        debiasing = Debiasing(2, masked=MASKED, optimisation=optimisation)
        losses[optimisation] = [
            debiasing(video_net(), batch, 0)["action_loss"].item()
            for batch in (data, darker)
        ]
    assert losses["two_steps"][0] == losses["two_steps"][1]
    assert losses["one_step"][0] != losses["one_step"][1]


def test_weight_0_is_a_control_that_differs_in_batch_norm_alone():
    net, data = video_net(), video()
    start, before = values(net), statistics(net)
    control = Debiasing(2, masked=MASKED, confusion=0.0)

    def only_masked(model, batch, step):
        return control(model, batch, 1)

    only_masked.state = {}
    trained(net, data, only_masked, steps=1, batch_size=8)
    assert_close(values(net), start, 0)
    changed = [k for k, v in statistics(net).items() if not torch.equal(v, before[k])]
    assert len(changed) == len(before)


# ---------------------------------------------------------------- through `fit`


class Stop(Exception):
    pass


def kinds(name: str, net) -> Debiasing:
    """Three ways to train that keep different things outside the model."""
    options = {"strength": linear_ramp(1.0), "masked": MASKED}
    torch.manual_seed(2)
    if name == "joint":
        net.scene_head = SceneHead(6, 4, (5,))
        return Debiasing(12, scene_head=net.scene_head, **options)
    adam = partial(torch.optim.AdamW, lr=2e-3)
    options |= {"head_optimizer": adam, "head_steps": 2}
    if name == "released":
        head, mask_head = SceneHead(6, 4, (5,)), SceneHead(6, 4, (5,))
        options |= {"wiring": "released", "mask_head": mask_head}
        return Debiasing(12, scene_head=head, **options)
    told = ConditionalSceneHead(6, 4, 4, (5,), "layer")
    return Debiasing(12, scene_head=told, optimisation="one_step", **options)


def run(name, folder=None, stop=None, **changes):
    """Train, possibly giving up after a step; (all weights, result)."""
    net = video_net()
    debiasing = kinds(name, net)

    def on_step(done, scalars):
        if done == stop:
            raise Stop

    recipe = {"batch_size": 4, "optimizer": "adamw", "learning_rate": 1e-2}
    recipe |= {"checkpoint_every": 3, "log_every": 2, "schedule": "one_cycle"}
    try:
        result = trained(
            net, video(), debiasing, 12, folder=folder, on_step=on_step,
            identity={"debiasing": debiasing}, **recipe | changes,
        )  # fmt: skip
    except Stop:
        result = None
    parts = [net, *(p for p in debiasing.state.values() if isinstance(p, nn.Module))]
    tensors = [v for part in parts for v in part.state_dict().values()]
    return [v.clone() for v in tensors], result


@pytest.mark.parametrize("name", ["joint", "released", "told"])
def test_stopped_anywhere_it_continues_exactly(tmp_path, name):
    expected, whole = run(name)
    assert whole.steps == 12 and len(whole.rows) == 6
    for stop in (1, 4, 6, 11):  # after even and odd steps
        folder = tmp_path / str(stop)
        run(name, folder, stop=stop)
        found, result = run(name, folder)
        assert result.resumed_from == (stop - 1) // 3 * 3
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
        assert result.rows == whole.rows


def test_a_folder_of_other_options_is_refused(tmp_path):
    run("released", tmp_path, stop=4)
    with pytest.raises(CheckpointError, match="debiasing: .*released.* there"):
        run("told", tmp_path)


def test_every_option_that_decides_is_in_the_identity():
    head = SceneHead(6, 4, (5,))
    usual = {"scene_head": head, "masked": MASKED, "head_optimizer": SGD}
    found = [Debiasing(4, **usual).identity()]
    for change in (
        {"strength": 0.5},
        {"strength": linear_ramp(1.0)},
        {"scene_head": SceneHead(6, 4, (6,))},
        {"head_optimizer": partial(SGD, lr=0.1)},
        {"head_optimizer": torch.optim.AdamW},
        {"head_steps": 2},
        {"confusion": 0.5},
        {"optimisation": "one_step"},
        {"masked_statistics": False},
        {"masked": None},
        {"scene": "places"},
        {"wiring": "released", "mask_head": SceneHead(6, 4)},
    ):
        found.append(Debiasing(4, **usual | change).identity())
    found.append(Debiasing(5, **usual).identity())
    assert all(a != b for i, a in enumerate(found) for b in found[:i])


def test_it_takes_its_steps_under_bf16():
    for name in ("joint", "released", "told"):
        result = run(name, mixed_precision="bf16")[1]
        rows = [torch.tensor([*row.values()]) for row in result.rows]
        assert result.steps == 12 and all(row.isfinite().all() for row in rows)


def test_under_autocast_every_head_step_sees_the_step_before():
    """Autocast keeps its copies of weights until its block ends; a head's go stale."""

    def stepped(blocks: int, steps: int) -> list[torch.Tensor]:
        net, data = flat().float(), vectors()
        batch = {k: v.float() if v.is_floating_point() else v for k, v in data.items()}
        head = head_for(net).float()
        options = {"head_optimizer": SGD, "head_steps": steps}
        debiasing = Debiasing(9, scene_head=head, **options)
        for _ in range(blocks):
            with torch.autocast("cpu", torch.bfloat16):
                debiasing(net, batch, 0)
        return values(head)

    assert_close(stepped(blocks=1, steps=4), stepped(blocks=4, steps=1), 0)


# --------------------------------------------------------------------- a toy world

CORRELATION = 0.8


class Plane(nn.Module):
    """Two numbers a clip, one for the action and one for the scene; a linear net."""

    def __init__(self):
        super().__init__()
        self.embed, self.fc = nn.Linear(2, 2, bias=False), nn.Linear(2, 2)


def plane(items: int = 1024) -> dict[str, torch.Tensor]:
    draws = torch.Generator().manual_seed(0)
    action, scene = torch.randint(2, (2, items), generator=draws)
    own = torch.rand(items, generator=draws) < CORRELATION
    scene = torch.where(own, action, scene)
    signs = 2.0 * torch.stack([action, scene], dim=1) - 1
    noisy = signs + torch.randn(items, 2, generator=draws)
    return {"clip": noisy, "action": action, "scene": scene}


def scene_share(kind: str, strength: float = 1.0) -> float:
    """How much the scene's number counts in the decision; the action's counts 1."""
    torch.manual_seed(0)
    net = Plane()
    head: nn.Module | None = {
        "none": lambda: None,
        "plain": lambda: SceneHead(2, 2, ()),
        "told": lambda: ConditionalSceneHead(2, 2, 2, ()),
    }[kind]()
    own = {"head_optimizer": partial(torch.optim.SGD, lr=0.5), "head_steps": 3}
    options = {"scene_head": head, "strength": strength, **own} if head else {}
    debiasing = Debiasing(300, **options)
    recipe = {"batch_size": 128, "schedule": "cosine", "log_every": 100}
    trained(net, plane(), debiasing, steps=300, **recipe)
    weights = (net.fc.weight @ net.embed.weight).detach()
    return ((weights[1] - weights[0])[1] / (weights[1] - weights[0])[0]).item()


def test_reversal_removes_the_scene_direction():
    assert scene_share("none") > 0.4
    assert abs(scene_share("plain")) < 0.15


def test_pushed_too_far_a_plain_head_turns_the_scene_against_the_action():
    """Features that hide the scene from a plain head must also undo what the action
    tells of it: the scene's weight goes to minus the correlation.  Told the action, a
    head wants nothing undone, and the weight goes to zero.
    """
    assert -CORRELATION < scene_share("plain", 5.0) < -0.6
    assert 0 < scene_share("told", 5.0) < scene_share("told", 1.0) < 0.35


# ----------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"planned_steps": 0}, "planned_steps must be >= 1, got 0"),
        ({"wiring": "printed"}, "wiring is one of .*'printed'"),
        ({"optimisation": "three_steps"}, "three_steps"),
        ({"strength": -1.0}, "-1.0"),
        ({"confusion": -0.5}, "confusion must be >= 0, got -0.5"),
        ({"mask_strength": float("nan")}, "mask_strength must be >= 0, got nan"),
        ({"head_steps": 0}, "0 head steps"),
        ({"head_steps": 2}, "2 head steps: at least 1, more need"),
        ({"head_optimizer": SGD}, "needs a head"),
        ({"wiring": "released", "masked": MASKED}, "mask_head None"),
        ({"mask_head": SceneHead(6, 4)}, "'paper', mask_head"),
        (
            {"masked": MASKED, "optimisation": "one_step", "masked_statistics": False},
            "needs two_steps",
        ),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Debiasing(**{"planned_steps": 4} | options)


def test_a_head_that_nothing_or_two_optimisers_would_train_is_refused():
    net, data = flat(), vectors()
    head = head_for(net)
    with pytest.raises(ValueError, match="model.scene_head = head"):
        Debiasing(1, scene_head=head)(net, data, 0)
    net.scene_head = head
    with pytest.raises(ValueError, match="stepped twice"):
        Debiasing(1, scene_head=head, head_optimizer=SGD)(net, data, 0)


def test_more_steps_than_planned_are_refused():
    net = flat()
    net.scene_head = head_for(net)
    with pytest.raises(ValueError, match="progress must be in .* got 1.25"):
        Debiasing(4, scene_head=net.scene_head)(net, vectors(), 5)


def test_no_masked_clips_are_refused():
    net, data = flat(), vectors()
    data["masked"] = data["masked"][:0]
    with pytest.raises(ValueError, match=r"\(0, 3\)"):
        Debiasing(2, masked=MASKED)(net, data, 1)
