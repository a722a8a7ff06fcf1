"""Is the bench's truth true, and do estimators behave on it as the room says?"""

from __future__ import annotations

import pytest
import torch

from course.motion_squeeze.flow_bench import (
    SCENES,
    FlowPair,
    confidence_auc,
    errors,
    estimate,
    indicators,
    joined,
    moved_texture,
    moving_square,
    scene,
)

SEEDS = (0, 1, 2)
MOVED: dict[str, dict] = {
    "plain": {"motion": (3, -2)},
    "far": {"motion": (-9, 12)},
    "patches": {"motion": (-4, 1), "flat_patches": 3},
    "tiles": {"motion": (2, 5), "period": 6},
}


def fetched(pair: FlowPair) -> torch.Tensor:
    """Features of the second frame at x + truth, 0 where that is off the map."""
    out = torch.zeros_like(pair.first)
    height, width = pair.truth.shape[-2:]
    for b in range(len(pair)):
        for y in range(height):
            for x in range(width):
                dx, dy = (int(v) for v in pair.truth[b, :, y, x])
                if 0 <= y + dy < height and 0 <= x + dx < width:
                    out[b, :, y, x] = pair.second[b, :, y + dy, x + dx]
    return out


def assert_truth_leads_home(pair: FlowPair) -> None:
    same = (fetched(pair) == pair.first).all(1)
    assert same[pair.visible].all()
    assert not same[~pair.visible].any()


def wrong(pair: FlowPair, estimator: str = "kernel", **settings) -> tuple[float, float]:
    found = errors(
        estimate(pair, estimator, **settings).displacement, pair.truth, pair.visible
    )
    return found.mean, found.wrong


@pytest.mark.parametrize("name", MOVED)
def test_following_the_truth_gives_the_first_frame_back(name):
    pair = moved_texture(**MOVED[name], count=2, channels=24, size=20)
    assert_truth_leads_home(pair)
    assert pair.first.min() >= 0 and (pair.first > 0).float().mean() > 0.2
    hidden = ~pair.visible
    dx, dy = (abs(int(d)) for d in MOVED[name]["motion"])
    assert hidden[0].sum() == 20 * 20 - (20 - dx) * (20 - dy)


@pytest.mark.parametrize("name", ["occlusion", "out_of_range"])
def test_it_does_so_behind_a_moving_square(name):
    pair = scene(name, 2, noise=0.0)
    assert_truth_leads_home(pair)
    moving = (pair.truth != 0).any(1)
    assert moving.flatten(1).sum(1).tolist() == [100, 100]
    assert pair.visible[moving].all()
    longest = pair.truth.abs().amax()
    assert longest > 7 if name == "out_of_range" else longest <= 5


def test_nothing_wraps_round_and_textures_differ():
    pair = moved_texture((5, 0), count=2, channels=6)
    new, lost = pair.second[..., :5], pair.first[..., -5:]
    assert not torch.isclose(new, lost, atol=1e-3).all(1).any()
    assert not torch.isclose(pair.first[0], pair.first[1]).all(0).any()


def test_a_fraction_of_a_cell_is_a_place_between_cells():
    """Bumps are smooth: halfway, a wide one is nearly the mean of its neighbours."""
    still, half, whole = (
        moved_texture((dx, 0.0), count=1, channels=8, grain=4.0).second[..., 2:]
        for dx in (0.0, 0.5, 1.0)
    )
    active = (still > 0.3) & (whole > 0.3)
    assert torch.allclose(half[active], (still + whole)[active] / 2, atol=0.05)
    assert not torch.allclose(half[active], still[active], atol=0.05)


def test_tiles_repeat():
    pair = moved_texture((0, 0), count=1, channels=4, period=6)
    assert torch.allclose(pair.first[..., 6:], pair.first[..., :-6], atol=1e-5)


def test_the_seed_decides_everything():
    for make in (
        lambda seed: moved_texture((1.5, 0), noise=0.1, seed=seed, count=1),
        lambda seed: scene("flat", 2, seed=seed),
    ):
        state = torch.random.get_rng_state()
        one, again, other = make(3), make(3), make(4)
        assert torch.equal(state, torch.random.get_rng_state())
        for name in ("first", "second", "truth", "visible"):
            assert torch.equal(getattr(one, name), getattr(again, name))
        assert not torch.equal(one.first, other.first)


def test_the_motion_does_not_change_the_texture():
    frames = [moved_texture(m, count=1, noise=0.3).first for m in ((0, 0), (-9.5, 14))]
    assert torch.equal(*frames)


def test_joined_pairs_keep_their_order():
    a, b = (moved_texture(m, count=2, channels=3) for m in ((1, 0), (0, 2)))
    both = joined([a, b])
    assert torch.equal(both.second[2:], b.second) and len(both) == 4
    assert both.truth[:, :, 0, 0].tolist() == [[1, 0], [1, 0], [0, 2], [0, 2]]


@pytest.mark.parametrize("seed", SEEDS)
def test_without_noise_matching_is_right_up_to_the_window(seed):
    for motion in ((7, -7), (-7, 3), (0, 0)):
        assert wrong(moved_texture(motion, count=2, seed=seed))[1] == 0.0
    assert wrong(moved_texture((9, 0), count=2, seed=seed))[1] > 0.95


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("noise", [0.5, 1.0])
def test_the_kernel_form_is_no_better_than_argmax_under_noise(seed, noise):
    pair = moved_texture(noise=noise, seed=seed)
    (argmax, _), (kernel, _) = (wrong(pair, name) for name in ("argmax", "kernel"))
    assert kernel == pytest.approx(argmax, rel=0.05)
    assert wrong(pair, "soft")[0] < kernel  # and soft-argmax errs less
    assert wrong(pair, normaliser="1d")[0] < kernel


@pytest.mark.parametrize("seed", SEEDS)
def test_a_density_of_the_plane_destroys_the_estimate(seed):
    mean, share = wrong(moved_texture(seed=seed), normaliser="2d")
    assert mean > 3.0 and share > 0.99
    assert wrong(moved_texture(seed=seed), normaliser="1d")[1] < 0.02


@pytest.mark.parametrize("seed", SEEDS)
def test_which_indicator_finds_which_error(seed):
    areas = {name: confidence_auc(scene(name, 6, seed=seed)) for name in SCENES}
    for name in ("occlusion", "out_of_range"):
        for indicator in ("correlation", "margin", "round_trip"):
            assert areas[name][indicator] > 0.97
    assert areas["flat"]["correlation"] < 0.2  # worse than chance
    assert areas["flat"]["margin"] > 0.85 and areas["flat"]["round_trip"] > 0.85
    shares = [areas[name]["outliers"] for name in SCENES]
    assert shares[0] < 0.1 < shares[1] < 0.4 < 0.8 < shares[2]


def test_a_round_trip_that_ends_at_home_is_trusted():
    pair = moved_texture((4, 0), count=2)
    trip = indicators(pair)["round_trip"]
    assert trip[pair.visible].min() > -0.1
    assert trip[~pair.visible].mean() < -0.3


def test_errors_count_the_cells_they_are_told():
    truth = torch.zeros(1, 2, 2, 2)
    guess = torch.tensor([[[3.0, 0.5], [0, 0]], [[4.0, 0], [0, 0]]])[None]
    everywhere = errors(guess, truth)
    assert everywhere.end_point.tolist() == [[[5.0, 0.5], [0.0, 0.0]]]
    assert (everywhere.mean, everywhere.wrong) == (1.375, 0.25)
    one = torch.tensor([[[False, True], [False, False]]])
    assert (errors(guess, truth, one).mean, errors(guess, truth, one).wrong) == (0.5, 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: moved_texture(count=0), "count must be .* >= 1, got 0"),
        (lambda: moved_texture(size="28"), "size must be .* >= 1, got '28'"),
        (lambda: moved_texture(grain=0.1), "grain .* got 0.1"),
        (lambda: moved_texture(noise=-1.0), "noise .* got -1.0"),
        (lambda: moved_texture(noise="none"), "noise .* got 'none'"),
        (lambda: moved_texture((float("nan"), 0)), "motion must be finite"),
        (lambda: moved_texture(period=1), "period .* got 1"),
        (lambda: moved_texture((0.5, 0), flat_patches=1), "patches need"),
        (lambda: scene("fog"), "scene must be one of .* got 'fog'"),
        (lambda: moving_square([(3, 0)], background="x"), "background .* 'x'"),
        (lambda: moving_square([(19, 0)]), "10 cells cannot move by 19 .* 28"),
        (lambda: moving_square([]), "count must be .* >= 1, got 0"),
        (lambda: joined([]), "must share one"),
        (lambda: estimate(moved_texture(count=1), "median"), "got 'median'"),
        (lambda: errors(torch.zeros(1, 2, 3, 3), torch.zeros(1, 2, 3, 4)), "3, 4"),
        (lambda: confidence_auc(moved_texture((0, 0), count=1)), "0 of 784"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
