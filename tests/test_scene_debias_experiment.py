"""The runs of the scene-debiasing room: finite, repeatable, at every scale."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from scene_debias_runs import CARD, METRICS, PERCENTS
from torch import nn

from course.backbones import small_r2plus1d, small_resnet3d
from course.evaluation import REPORT_CARD, missing_runs, report_card
from course.evaluation.frozen_world import report_card_world
from course.scale import seed_everything
from course.scene_debias import labeller, trainings
from course.scene_debias.claims import CLAIMS
from course.scene_debias.examine import examine, split_of
from course.scene_debias.experiment import RUNS, SETTINGS
from course.scene_debias.methods import METHODS
from course.scene_debias.trainings import learn, make_world
from course.scene_debias.trials import bias, card
from course.scene_debias.trials.localisation import rendered
from course.training import TrainSettings, fine_tune

CPU = torch.device("cpu")


def shortened(scale, batch, size, **changes):
    """A scale's settings with every training cut to two batches of small clips."""
    full = SETTINGS[scale]
    # fmt: off
    one = {"epochs": 1, "log_every": 1}
    recipes = {"recipe": replace(full.recipe, batch_size=batch, **one),
               "target_recipe": replace(full.target_recipe, batch_size=8, **one)}
    few = {"clips": 2 * batch, "target_clips": 16, "test_clips": 16, "probe_clips": 32,
           "masked": batch // 2, "videos": 3, "time_scale": 0.2}
    # fmt: on
    knobs = replace(full.knobs, size=size)
    return replace(full, knobs=knobs, **recipes, **few | changes)


TINY = shortened("cpu", 8, 16)
CARDS = ("card_baseline", "card_adversary", "card_masks", "card_both")
NATS = ("bias_", "true_", "erased")
NO_SHARES = {"seconds", "clips_per_second", "gflops_per_clip", "steps", "planned_steps"}
TIMES = {"seconds", "clips_per_second"}
# One run of each kind is done twice.
TWICE = ("bias", "both", "adversary_80", "conditional_x4", "released", "redraw",
         "missing", "soft_confusable", "soft_labeller", "adversary_seen",
         "r2plus1d_masks", "debias_videos")  # fmt: skip


@pytest.fixture
def rows(monkeypatch):
    """What all trainings log, step by step: finer than shares of 16 clips."""
    seen = []
    for place in (trainings, bias, fine_tune, labeller):
        monkeypatch.setattr(place, "fit", partial(_noted, place.fit, seen))
    return seen


def _noted(fit, seen, *given, **named):
    result = fit(*given, **named)
    seen += result.rows
    return result


def losses(rows):
    return [row["loss"] for row in rows]


def do(name, settings=TINY, seed=3, **more):
    """A run that leans on nothing: neither random numbers nor clips that were kept."""
    seed_everything(99)
    split_of.cache_clear()
    rendered.cache_clear()
    return RUNS[name](settings, seed, CPU, **more)


@pytest.fixture(autouse=True)
def quick_labeller(monkeypatch):
    """The scenes' labeller learns for two steps; its own tests let it learn."""
    recipe = replace(labeller.RECIPE, steps=2, log_every=1)
    monkeypatch.setattr(labeller, "RECIPE", recipe)


def learned(metrics):
    return {k: v for k, v in metrics.items() if k not in TIMES}


def check_shares(found):
    for key, value in found.items():
        if key.startswith(NATS):
            assert value <= math.log(8) + 1e-6, key
        elif key not in NO_SHARES:
            assert 0 <= value <= 1 + 1e-6, key


OTHERS = [name for name in RUNS if not name.startswith("card_")]


@pytest.mark.parametrize("name", OTHERS)
def test_a_run_gives_what_it_promises_and_gives_it_again(name, rows):
    found = do(name)
    assert set(found) == METRICS[name]
    assert all(map(math.isfinite, [*found.values(), *losses(rows)])) and rows
    check_shares(found)
    if name in TWICE:
        first = losses(rows)
        rows.clear()
        assert learned(do(name)) == learned(found) and losses(rows) == first


def test_another_seed_gives_other_numbers(rows):
    do("baseline_0"), do("baseline_0", seed=4)
    assert losses(rows)[:2] != losses(rows)[2:]


def test_the_runs_are_those_that_are_promised():
    assert set(RUNS) == set(METRICS)
    for settings in SETTINGS.values():
        assert [round(100 * rho) for rho in settings.correlations] == [*PERCENTS]


@pytest.mark.parametrize(("name", "strength"), [
    ("adversary_x0.3", 0.3), ("adversary_x1.5", 1.5), ("adversary_x4", 4.0),
    ("conditional", 1.0), ("conditional_x2", 2.0), ("conditional_x4", 4.0),
])  # fmt: skip
def test_runs_of_other_strengths_use_them(name, strength, rows):
    """The second of two steps begins half-way up the ramp."""
    do(name, replace(TINY, warmup=0.0))
    assert [row["strength"] for row in rows] == [0.0, pytest.approx(strength / 2)]


def test_runs_of_other_correlations_learn_from_them(monkeypatch):
    asked = []

    def noted(*given, **knobs):
        asked.append(knobs["scene_correlation"])
        return make_world(*given, **knobs)

    monkeypatch.setattr(trainings, "make_world", noted)
    for name in ("baseline_0", "adversary_80", "masks_100", "fast"):
        do(name)
    assert asked == [0.0, 0.8, 1.0, TINY.correlation]


def test_runs_on_another_network_train_it(monkeypatch):
    nets = []

    def noted(net, *given, **named):
        nets.append(type(net).__name__)
        return fit(net, *given, **named)

    fit = trainings.fit
    monkeypatch.setattr(trainings, "fit", noted)
    do("r2plus1d_masks"), do("baseline_0")
    assert nets == [type(small_r2plus1d(8)).__name__, type(small_resnet3d(8)).__name__]
    assert nets[0] != nets[1]


def test_all_methods_begin_alike_and_see_the_same_clips(rows):
    """Until the reversal acts, an adversary's network is the baseline's, bit by bit."""
    settings = replace(TINY, recipe=replace(TINY.recipe, epochs=2), warmup=0.5)
    found = {}
    for name in ("baseline", "adversary", "conditional", "hard_uniform"):
        rows.clear()
        net = learn(name, settings, 3, progress=False).net
        found[name] = [row["action_loss"] for row in rows], net.conv1.weight.clone()
    first, weight = found.pop("baseline")
    for name, (others, other) in found.items():
        assert others == first and len(first) == 4, name
        assert not other.equal(weight), name  # only the last step had a strength


@pytest.mark.parametrize("name", CARDS)
def test_a_report_card_is_complete(name, monkeypatch, rows):
    """Its world and recipe are frozen, so the test makes them small by hand."""
    tiny = replace(REPORT_CARD, recipe={**REPORT_CARD.recipe, "epochs": 1})
    monkeypatch.setattr(card, "REPORT_CARD", tiny)
    asked = []

    def training(*args, **named):
        asked.append(args[3].recipe)
        return trainings.train(*args, **named)

    monkeypatch.setattr(card, "train", training)
    small = partial(report_card_world, num_clips=16)
    monkeypatch.setattr(card, "report_card_world", small)
    few = partial(report_card, test_clips=16, probe_clips=32)
    monkeypatch.setattr(card, "report_card", few)
    found = do(name)
    assert set(found) == CARD and all(map(math.isfinite, found.values()))
    assert asked == [TrainSettings(**tiny.recipe)] and len(rows) == 1
    assert ("head_accuracy" in rows[0]) == (name in ("card_adversary", "card_both"))
    assert ("masked_entropy" in rows[0]) == (name in ("card_masks", "card_both"))


def test_the_untrained_networks_card_needs_no_training(monkeypatch):
    """Nor clips to learn from: the weights are as the seed draws them."""
    seen = []

    def examined(net, seed):
        seen.append(net)
        return report_card(net, seed, test_clips=16, probe_clips=32)

    def refuse(*args, **named):
        pytest.fail("it was trained")

    for part in ("train", "training_data"):
        monkeypatch.setattr(card, part, refuse)
    monkeypatch.setattr(card, "report_card", examined)
    found = do("card_untrained")
    assert set(found) == CARD and all(map(math.isfinite, found.values()))
    seed_everything(3)
    drawn = small_resnet3d(len(report_card_world("train", 3).action_names))
    weights = seen[0].state_dict()
    assert all(weights[key].equal(value) for key, value in drawn.state_dict().items())
    assert do("card_untrained") == found


def test_claims_refer_to_runs_and_metrics_that_exist():
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS)
    for run, metric in {ref for claim in CLAIMS for ref in claim.references}:
        assert metric in METRICS[run], (run, metric)


def test_claims_ask_for_every_run_that_figures_show():
    """Only what a claim reads is recorded; what none reads would never be drawn."""
    asked = {run for claim in CLAIMS for run, _ in claim.references}
    assert set(RUNS) - asked == {"debias_videos", "tune_videos"}


def test_the_recorded_ledger_is_of_today():
    """results/scene_debias/cpu must be complete, and made by this code's settings."""
    from course import chapters

    seeds = chapters.reported_seeds(5)
    records = chapters.load_results("scene_debias", "cpu")
    hashes = chapters.current_hashes("scene_debias", "cpu")
    assert missing_runs(CLAIMS, records, seeds, hashes) == []
    verdicts = chapters.decide("scene_debias", "cpu", seeds)
    undone = {v.claim.id for v in verdicts if v.outcome in ("stale", "not recorded")}
    assert undone == set()


# The large scales

LARGE = [
    ("gpu", name)
    for name in ("bias", "conditional", "released", "redraw", "r2plus1d_adversary")
]
LARGE += [("full", name) for name in ("both", "released", "debias_videos")]
FEW = {"masked": 2, "test_clips": 8, "probe_clips": 16, "target_clips": 12,
       "videos": 2, "time_scale": 0.08, "correlations": (0.9, 1.0)}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("scale", "name"), LARGE)
def test_large_scales_take_two_steps_on_a_cpu(scale, name, rows):
    """So that no scale rots: its network, its optimiser, its precision, its steps.

    A batch is two clips, the fewest that a head with batch norm takes, and frames have
    32 px in place of 112, which would take a CPU seconds a step.
    """
    settings = shortened(scale, 2, 32, **FEW)
    assert settings.recipe.mixed_precision == "bf16"
    found, promised = do(name, settings), METRICS[name]
    if name == "bias":
        promised = {
            key for key in promised if key.endswith(("_90", "_100", "scenes", "erased"))
        }
    assert set(found) == promised
    assert all(map(math.isfinite, [*losses(rows), *found.values()]))
    check_shares(found)
    if scale == "full" and name in ("both", "released"):
        own = rows[: 2 * 2]  # two steps on clips, and two between on masked ones
        assert ["action_loss" in row for row in own] == [True, False] * 2
        assert ["masked_entropy" in row for row in own] == [False, True] * 2
    if name == "debias_videos":
        assert found["steps"] == 4


@pytest.mark.parametrize("scale", ["gpu", "full"])
def test_large_scales_heads_have_batch_norm_and_are_asked_in_eval_mode(scale):
    """In train mode a head with batch norm answers by the clips beside it."""
    settings = SETTINGS[scale]
    net = trainings.network(SETTINGS["cpu"], 3)
    head = trainings.stepping(net, METHODS["adversary"], settings, 4, 8).scene_head
    norms = [layer for layer in head.modules() if isinstance(layer, nn.BatchNorm1d)]
    assert len(norms) == 3
    for norm in norms:
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.1, 2)
    before = [norm.running_mean.clone() for norm in norms]
    found = examine(net, TINY, 3, head=head.train())
    assert head.training and all(
        norm.running_mean.equal(mean) for norm, mean in zip(norms, before, strict=True)
    )
    assert examine(net, TINY, 3, head=head.eval())["head"] == found["head"]


@pytest.mark.parametrize("scale", SETTINGS)
@pytest.mark.parametrize("name", ["masks", "redraw", "baseline"])
def test_masked_steps_come_on_top(scale, name):
    """In two steps every second one is on masked clips: as many stay for the others."""
    settings = SETTINGS[scale]
    twice = scale == "full" and name == "masks"
    steps = trainings._recipe(settings, METHODS[name]).planned_steps(settings.clips)
    usual = settings.recipe.planned_steps(settings.clips)
    assert steps == (2 if twice else 1) * usual
    few = replace(settings, recipe=replace(settings.recipe, epochs=None, steps=7))
    assert trainings._recipe(few, METHODS[name]).steps == (14 if twice else 7)
