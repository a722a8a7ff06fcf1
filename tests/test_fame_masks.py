"""FAME's mask: every equation against another's hand, and the algebra it must obey."""

from __future__ import annotations

import colorsys
import dataclasses
import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from sklearn.naive_bayes import CategoricalNB

from course.fame.colours import mean_frame, quantise_hsv, quantise_rgb, to_hsv
from course.fame.foreground import Posterior, foreground_mask, foreground_posterior
from course.fame.ranking import top_share
from course.fame.recipes import RECIPES, Recipe, recipe_of
from course.fame.seed import kernel_for, motion_seed, smoothed, to_unit

QUICK = settings(max_examples=15, deadline=None)
SEEDS = st.integers(0, 999)


def walking(batch=3, frames=5, height=24, width=20, seed=0) -> torch.Tensor:
    """Noisy clips of a coloured bar that walks over smooth colours."""
    random = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.rand(shape, generator=random)

    coarse = draw(batch, 3, 4, 4)
    clips = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    clips = clips[:, :, None].repeat(1, 1, frames, 1, 1)
    for t in range(frames):
        clips[:, :, t, 4:14, 2 + 2 * t : 8 + 2 * t] = draw(batch, 3)[..., None, None]
    return (clips + 0.05 * (draw(*clips.shape) - 0.5)).clamp(0, 1)


# ------------------------------------------------------------------ equation 1
@QUICK
@given(SEEDS, st.integers(2, 6))
def test_the_seed_is_the_mean_of_l1_norms(seed, frames):
    clips = walking(2, frames, seed=seed)
    pixels = clips.double().numpy()
    known = np.zeros((2, 24, 20))
    for t in range(frames - 1):
        for c in range(3):
            known += np.abs(pixels[:, c, t + 1] - pixels[:, c, t]) / (frames - 1)
    found = motion_seed(clips)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), known, atol=1e-6)


def test_what_the_seed_does_and_does_not_see():
    clips = walking() / 2
    seed = motion_seed(clips)
    still = torch.rand(3, 3, 1, 24, 20) / 2
    torch.testing.assert_close(motion_seed(clips.flip(2)), seed, rtol=0, atol=1e-6)
    torch.testing.assert_close(motion_seed(clips + still), seed, rtol=0, atol=1e-6)
    shuffled = clips[:, :, [2, 0, 4, 1, 3]]
    assert (motion_seed(shuffled) - seed).abs().max() > 0.1
    # A still frame mixed in, as BE does it, scales the seed and no more.
    mixed = motion_seed(0.7 * clips + 0.3 * clips[:, :, 1:2])
    torch.testing.assert_close(mixed, 0.7 * seed, rtol=0, atol=1e-6)
    torch.testing.assert_close(to_unit(mixed), to_unit(seed), rtol=0, atol=1e-5)


def test_the_seed_takes_any_channels_and_precision():
    clips = walking()
    assert torch.equal(motion_seed(clips[:, :1]), motion_seed(clips[:, :1]))
    half = motion_seed(clips.bfloat16())
    assert half.dtype == torch.float32
    assert torch.equal(half, motion_seed(clips.bfloat16().float()))
    assert motion_seed(clips.double()).dtype == torch.float64
    assert not motion_seed(torch.ones(1, 3, 2, 4, 4)).any()


def test_the_seed_passes_a_gradient():
    clips = walking().requires_grad_()
    motion_seed(clips).sum().backward()
    assert clips.grad is not None and clips.grad.abs().max() > 0


@pytest.mark.parametrize("kernel, sigma", [(3, 1.0), (7, 7 / 3), (11, 2.0), (39, 9.0)])
def test_smoothing_is_scipys_with_mirrored_borders(kernel, sigma):
    maps = torch.rand(2, 24, 20, generator=torch.Generator().manual_seed(0))
    places = np.arange(kernel) - kernel // 2
    window = np.exp(-0.5 * (places / sigma) ** 2)
    known = maps.double().numpy()
    for axis in (1, 2):
        known = ndimage.correlate1d(known, window / window.sum(), axis, mode="mirror")
    found = smoothed(maps, kernel, sigma)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), known, atol=1e-7)
    flat = torch.full((1, 24, 20), 0.3)
    torch.testing.assert_close(smoothed(flat, kernel, sigma), flat)


def test_smoothing_leaves_small_maps_and_passes_a_gradient():
    small = torch.rand(1, 8, 30)
    assert kernel_for(8, 30) == 1 and torch.equal(smoothed(small), small)
    maps = torch.rand(1, 9, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: smoothed(x, 5), maps)


# ------------------------------------------------------------ the colour cells
@pytest.fixture(scope="module")
def colours() -> np.ndarray:
    """Random colours, and those where hue, saturation or value have their ends."""
    ends = np.array([[r, g, b] for r in (0, 1) for g in (0, 1) for b in (0, 1)])
    drawn = np.random.default_rng(0).random((2000, 3))
    return np.concatenate([ends, ends * 0.37, drawn, drawn[:, :1].repeat(3, 1)])


def picture(colours: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(colours.T.reshape(1, 3, 1, -1))


def test_hue_saturation_and_value_are_colorsys(colours):
    known = np.array([colorsys.rgb_to_hsv(*colour) for colour in colours])
    hue, saturation, value = (x.numpy().ravel() for x in to_hsv(picture(colours)))
    assert hue.min() >= 0 and hue.max() < 2 * math.pi
    np.testing.assert_allclose(hue, known[:, 0] * 2 * math.pi, atol=1e-12)
    np.testing.assert_allclose(saturation, known[:, 1], atol=1e-6)
    np.testing.assert_allclose(value, known[:, 2], atol=1e-12)


@pytest.mark.parametrize("bins", [2, 5, 10, 11])
@pytest.mark.parametrize("hue, turns", [("once", 1), ("official", 2 * math.pi)])
def test_the_disc_of_colours_is_the_one_from_colorsys(colours, bins, hue, turns):
    cells = quantise_hsv(picture(colours), bins, hue).ravel().tolist()
    checked = 0
    for colour, cell in zip(colours, cells, strict=True):
        h, s, v = colorsys.rgb_to_hsv(*colour)
        angle = 2 * math.pi * h * turns
        axes = (s * math.cos(angle) + 1) / 2, (s * math.sin(angle) + 1) / 2, v
        exact = [(bins - 1) * axis + 1 for axis in axes]
        if min(abs(x % 1 - 0.5) for x in exact) < 1e-6 and s > 0:
            continue  # between two cells, where the last bit decides
        first, second, third = (round(x) - 1 for x in exact)  # half to even, too
        checked += 1
        assert cell == first + bins * second + bins**2 * third
    assert checked > 3000


def test_the_circle_of_hues_closes_at_red():
    """Just before red and just behind it: one cell of 11 levels, neighbours of 10."""
    hues = [0.0, 1e-9, 1 - 1e-9, 0.003, 0.997]
    reds = picture(np.array([colorsys.hsv_to_rgb(hue, 1.0, 0.7) for hue in hues]))
    for kind in (torch.float32, torch.float64):
        assert quantise_hsv(reds.to(kind), 11).unique().numel() == 1
        first, second = np.divmod(quantise_hsv(reds.to(kind)).ravel().numpy() % 100, 10)
        assert set(second) == {9} and set(first) <= {4, 5}
    # The official angle closes nowhere: 9 degrees to both sides end on one side of red.
    nine = [colorsys.hsv_to_rgb(hue, 1.0, 0.7) for hue in (0.975, 0.0, 0.025)]
    across = quantise_hsv(picture(np.array(nine)), hue="official") // 10 % 10
    assert across.ravel().tolist() == [8, 5, 8]


HUES = ("once", "official")


def test_the_disc_reaches_880_of_1000_cells_and_never_leaves_them():
    levels = torch.linspace(0, 1, 72)
    grid = torch.cartesian_prod(levels, levels, levels).T.reshape(1, 3, 72, -1)
    # Where the square's cells can be at all: some point of each is on the disc.
    places = (torch.arange(10.0) / 9 - 0.5).abs() - 1 / 18
    nearest = places.clamp(min=0) ** 2
    reachable = int((nearest[:, None] + nearest < 0.25).sum()) * 10
    assert reachable == 880
    for hue in HUES:
        cells = quantise_hsv(grid, hue=hue)
        assert 0 <= cells.min() and cells.max() <= 997
        assert cells.unique().numel() <= reachable


def test_ten_levels_split_grey_and_eleven_do_not():
    noise = torch.randn(1, 3, 100, 100, generator=torch.Generator().manual_seed(0))
    grey = (0.5 + 0.01 * noise).double()
    value = to_hsv(grey)[2]
    for bins, most in ((10, 0.3), (11, 0.99)):
        chroma = quantise_hsv(grey, bins)[value > 0] % bins**2
        share = chroma.bincount().max() / chroma.numel()
        assert share < most if bins == 10 else share > most


def test_the_mean_frame_adds_frames_in_their_order():
    clips = walking(frames=40).numpy()
    total = clips[:, :, 0].copy()
    for t in range(1, 40):
        total += clips[:, :, t]
    found = mean_frame(torch.from_numpy(clips))
    assert np.array_equal(found.numpy(), total / np.float32(40))
    np.testing.assert_allclose(found, clips.mean(2, dtype=np.float64), atol=1e-6)


@pytest.mark.parametrize("bins", [1, 4, 8])
def test_rgb_cells_are_numpys_histogram_cells(colours, bins):
    cells = quantise_rgb(picture(colours), bins).ravel()
    edges = np.linspace(0, 1, bins + 1)
    known, _ = np.histogramdd(colours[:, ::-1], (edges, edges, edges))
    counts = np.bincount(cells.numpy(), minlength=bins**3)
    assert np.array_equal(counts, known.ravel())


def test_values_out_of_range_stay_within_the_cells():
    """On a GPU nobody looks at the range; nothing may be counted out of bounds."""
    wild = torch.tensor([-9.0, 0.0, 0.5, 7.0, math.inf, math.nan])
    wild = torch.cartesian_prod(wild, wild, wild).T.reshape(1, 3, 6, 36)
    for cells in (quantise_hsv(wild), quantise_rgb(wild, 10)):
        assert 0 <= cells.min() and cells.max() < 1000


# ------------------------------------------------------------ equations 2 to 6
def by_hand(clip: np.ndarray, cells: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Equations 2 to 4 for one clip, pixel by pixel."""
    pixels = cells.size
    seed = motion_seed(torch.from_numpy(clip)[None])[0].numpy().ravel()
    order = sorted(range(pixels), key=lambda p: (-seed[p], p))
    many = int(recipe.foreground_share * pixels)
    few = int(recipe.background_share * pixels)
    colour = cells.ravel().tolist()
    foreground = Counter(colour[p] for p in order[:many])
    background = Counter(colour[p] for p in order[pixels - few :])
    found = []
    for x in colour:
        likely = (foreground[x] + recipe.foreground_pseudo_count) / (
            many + recipe.cells * recipe.foreground_pseudo_count
        )
        unlikely = (background[x] + recipe.background_pseudo_count) / (
            few + recipe.cells * recipe.background_pseudo_count
        )
        likely, unlikely = likely * recipe.prior, unlikely * (1 - recipe.prior)
        found.append(likely / (likely + unlikely) if likely else 0.0)
    return np.array(found).reshape(cells.shape)


OPTIONS = [
    {},
    {"colours": "rgb", "bins": 6},
    {"bins": 4, "hue": "official"},
    {"foreground_share": 0.2, "background_share": 0.33},
    {"background_pseudo_count": 1.0},
    {"foreground_pseudo_count": 0.5, "background_pseudo_count": 2.0, "prior": 0.2},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_the_equations_by_hand(options):
    clips = walking()
    steps = foreground_posterior(clips, **options)
    for clip, cells, found in zip(clips, steps.cells, steps.posterior, strict=True):
        known = by_hand(clip.numpy(), cells.numpy(), steps.recipe)
        np.testing.assert_allclose(found.numpy(), known, atol=1e-12)


def test_every_step_is_there_to_look_at():
    steps = foreground_posterior(walking(), "official", kernel=5)
    assert isinstance(steps, Posterior)
    posterior = steps.posterior.float()
    unit = [to_unit(smoothed(maps, 5)) for maps in (steps.seed, posterior)]
    assert torch.equal(steps.ranked_seed, unit[0]) and torch.equal(steps.soft, unit[1])
    assert steps.foreground.sum((1, 2)).tolist() == [240] * 3
    assert steps.background.sum((1, 2)).tolist() == [48] * 3
    assert not (steps.foreground & steps.background).any()
    lowest = steps.ranked_seed[steps.foreground].min()
    assert lowest >= steps.ranked_seed[steps.background].max()
    assert torch.equal(steps.cells, quantise_hsv(steps.mean_frame, hue="official"))
    for sample, counts in (
        (steps.foreground, steps.foreground_counts),
        (steps.background, steps.background_counts),
    ):
        for one, chosen, found in zip(steps.cells, sample, counts, strict=True):
            assert torch.equal(one[chosen].bincount(minlength=1000), found)
    for likelihood in (steps.foreground_likelihood, steps.background_likelihood):
        torch.testing.assert_close(likelihood.sum(1), torch.ones(3).double())
    assert torch.equal(steps.mask(0.3), top_share(steps.soft, 0.3)[:, None])


def naive_bayes(steps: Posterior, alpha: float, prior: float) -> list[np.ndarray]:
    """scikit-learn's P(foreground | cell) at each pixel, one fit a clip."""
    found = []
    for cells, fg, bg in zip(
        steps.cells, steps.foreground, steps.background, strict=True
    ):
        x = torch.cat([cells[fg], cells[bg]])[:, None].numpy()
        y = np.repeat([1, 0], [int(fg.sum()), int(bg.sum())])
        model = CategoricalNB(
            alpha=alpha,
            force_alpha=True,
            class_prior=[1 - prior, prior],
            min_categories=steps.recipe.cells,
        ).fit(x, y)
        likely = model.predict_proba(cells.reshape(-1, 1).numpy())[:, 1]
        found.append(likely.reshape(cells.shape))
    return found


@pytest.mark.parametrize("prior", [0.5, 0.1, 0.8])
@pytest.mark.parametrize("alpha", [1.0, 1e-10])
def test_the_posterior_is_scikit_learns_naive_bayes(alpha, prior):
    pseudo = {f"{side}ground_pseudo_count": round(alpha) for side in ("fore", "back")}
    steps = foreground_posterior(walking(), prior=prior, **pseudo)
    known = np.stack(naive_bayes(steps, alpha, prior))
    counted = steps.foreground_counts + steps.background_counts
    seen = counted.gather(1, steps.cells.flatten(1)).view(steps.cells.shape) > 0
    where = np.ones_like(known, dtype=bool) if alpha == 1 else seen.numpy()
    np.testing.assert_allclose(steps.posterior.numpy()[where], known[where], atol=1e-7)
    if alpha < 1:  # 0/0: there scikit-learn has a limit, ours says background
        assert not where.all() and not steps.posterior.numpy()[~where].any()


@QUICK
@given(SEEDS, st.floats(0.01, 0.99), st.sampled_from([0.1, 0.3, 0.5]))
def test_no_prior_changes_the_mask_of_the_equations(seed, prior, beta):
    clips = walking(seed=seed)
    for pseudo in (0.0, 1.0):
        masks = [
            foreground_mask(clips, beta, prior=p, background_pseudo_count=pseudo)
            for p in (0.5, prior)
        ]
        assert torch.equal(*masks)


def test_a_prior_does_change_the_mask_once_posteriors_are_averaged():
    clips = walking()
    masks = [foreground_mask(clips, 0.5, "official", prior=p) for p in (0.5, 0.1)]
    assert (masks[0] != masks[1]).sum() > 20


# ------------------------------------------------------------- limits and algebra
@QUICK
@given(SEEDS, st.floats(0, 1), st.sampled_from(list(RECIPES)))
def test_the_area_is_exact_and_limits_are_limits(seed, beta, recipe):
    clips = walking(2, seed=seed)
    mask = foreground_mask(clips, beta, recipe)
    assert mask.dtype == torch.bool and mask.shape == (2, 1, 24, 20)
    assert mask.sum((1, 2, 3)).tolist() == [int(beta * 480)] * 2
    more = foreground_mask(clips, min(1.0, beta + 0.1), recipe)
    assert not (mask & ~more).any()  # a larger share keeps what a smaller one has
    assert not foreground_mask(clips, 0.0, recipe).any()
    assert foreground_mask(clips, 1.0, recipe).all()


@pytest.mark.parametrize("recipe", RECIPES)
@QUICK
@given(seed=SEEDS)
def test_clips_of_a_batch_do_not_know_of_each_other(recipe, seed):
    clips = walking(4, seed=seed)
    mask = foreground_mask(clips, 0.4, recipe)
    order = torch.randperm(4, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(foreground_mask(clips[order], 0.4, recipe), mask[order])
    alone = torch.cat([foreground_mask(clip[None], 0.4, recipe) for clip in clips])
    assert torch.equal(alone, mask)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_mask_is_the_same_again_and_from_any_memory(recipe):
    clips = walking()
    mask = foreground_mask(clips, 0.5, recipe)
    strided = clips.permute(0, 2, 3, 4, 1).contiguous().permute(0, 4, 1, 2, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(foreground_mask(clips, 0.5, recipe), mask)
    assert torch.equal(foreground_mask(strided, 0.5, recipe), mask)
    bright = clips.requires_grad_()
    found = foreground_posterior(bright, recipe)
    assert torch.equal(found.mask(), mask) and not found.soft.requires_grad


def test_half_precision_clips_have_masks_too():
    clips = walking().bfloat16()
    known = foreground_mask(clips.float(), 0.5, "official")
    assert torch.equal(foreground_mask(clips, 0.5, "official"), known)


def test_a_clip_without_motion_gets_a_mask_of_the_right_size():
    """Everything is equal, so reading order decides; not that it means anything."""
    still = walking()[:, :, :1].expand(-1, -1, 4, -1, -1)
    for recipe in RECIPES:
        steps = foreground_posterior(still, recipe)
        assert not steps.seed.any() and torch.isfinite(steps.soft).all()
        assert steps.mask(0.5).sum((1, 2, 3)).tolist() == [240] * 3


def test_an_empty_batch_has_no_masks():
    assert foreground_mask(walking()[:0]).shape == (0, 1, 24, 20)


@pytest.mark.parametrize("recipe", RECIPES)
def test_nothing_is_read_back_from_a_gpu(recipe):
    """Tensors of torch's "meta" device have no values: whoever reads one is caught."""
    clips = torch.empty(4, 3, 8, 32, 32, device="meta")
    with pytest.raises((RuntimeError, NotImplementedError)):
        clips.sum().item()
    with pytest.raises((RuntimeError, NotImplementedError)):
        clips[clips > 0]
    mask = foreground_mask(clips, 0.5, recipe)
    assert mask.device.type == "meta" and mask.shape == (4, 1, 32, 32)


# ------------------------------------------------------------------- bad input
CLIPS = torch.zeros(2, 3, 4, 16, 16)


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        (CLIPS - 1.7, r"in \[0, 1\], before any normalisation; these span -1.7 to"),
        (CLIPS + 255, "these span 255 to 255"),
        (CLIPS + math.nan, "these span nan to nan"),
        (CLIPS.byte(), "floating point tensor, got torch.uint8"),
        (CLIPS.numpy(), "got ndarray"),
        (CLIPS[:, :, :1], r"two frames or more, got 1 in a clip of \(2, 3, 1, 16, 16"),
        (CLIPS[:, :1], r"must have 3 channels, got \(2, 1, 4, 16, 16\)"),
        (CLIPS.transpose(1, 2), r"must have 3 channels, got \(2, 4, 3, 16, 16\)"),
        (CLIPS[0], r"\(B, C, T, H, W\), got \(3, 4, 16, 16\)"),
        (CLIPS[..., :0], r"got \(2, 3, 4, 16, 0\)"),
        (CLIPS[..., :3, :3], "samples of 4 foreground and 0 background .* 3 x 3"),
    ],
)
def test_clips_that_are_none_are_refused(clips, message):
    with pytest.raises(ValueError, match=message):
        foreground_mask(clips)


@pytest.mark.parametrize("beta", [-0.01, 1.01, 50, math.nan, "half", None])
def test_a_beta_that_is_no_share_is_refused(beta):
    with pytest.raises(ValueError, match=f"beta is a share in .* got {beta!r}"):
        foreground_mask(CLIPS, beta)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipe": "mine"}, "one of paper, official; got 'mine'"),
        ({"blur": True}, "no option blur; there are foreground_share, "),
        ({"foreground_share": 0.95}, "overlap, got shares of 0.95 and 0.1"),
        ({"background_share": -1}, "background_share is a share .* got -1"),
        ({"colours": "lab"}, "got 'lab' and 'once'"),
        ({"hue": "twice"}, "got 'hsv' and 'twice'"),
        ({"bins": 1}, "whole number from 2 to 256, got 1"),
        ({"bins": 4.5}, "got 4.5"),
        ({"bins": 257}, "got 257"),
        ({"colours": "rgb", "bins": 0}, "whole number from 1 to 256, got 0"),
        ({"prior": 0.0}, "between 0 and 1, got 0.0"),
        ({"foreground_pseudo_count": -1}, "must be >= 0, got -1"),
        ({"background_pseudo_count": math.inf}, "got inf"),
        ({"smooth_seed": True, "kernel": 4}, "odd .* got 4 for maps of 16 x 16"),
        ({"smooth_seed": True, "kernel": 33}, "twice the side, got 33"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        foreground_mask(CLIPS, **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: quantise_hsv(CLIPS), r"\(B, 3, H, W\), got \(2, 3, 4, 16, 16"),
        (lambda: quantise_hsv(CLIPS[:, :, 0].byte()), "got torch.uint8"),
        (lambda: quantise_hsv(CLIPS[:, :, 0], 1), "from 2 to 256, got 1"),
        (lambda: quantise_hsv(CLIPS[:, :, 0], hue="no"), "once, official; got 'no'"),
        (lambda: quantise_rgb(CLIPS[:, :2, 0]), r"got \(2, 2, 16, 16\)"),
        (lambda: to_hsv([1.0]), "got list"),
        (lambda: smoothed(CLIPS[0]), r"\(B, H, W\), got \(3, 4, 16, 16\)"),
        (lambda: smoothed(CLIPS[0, 0], 3, 0.0), "greater than 0, got 0.0"),
        (lambda: to_unit(CLIPS[0, 0, 0]), r"got \(16, 16\)"),
        (lambda: motion_seed(CLIPS[:, :, :1]), "two frames"),
    ],
)
def test_what_a_step_cannot_use_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_recipe_of_ones_own():
    mine = recipe_of("official", hue="once", bins=8)
    assert mine == dataclasses.replace(RECIPES["official"], hue="once", bins=8)
    clips = walking()
    known = foreground_mask(clips, 0.3, "official", hue="once", bins=8)
    assert torch.equal(foreground_mask(clips, 0.3, mine), known)
    assert RECIPES["paper"] == Recipe()
