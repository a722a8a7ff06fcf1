"""Correlation, soft-argmax, the fused form: golden numbers, symmetries, gradients."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from course.motion_squeeze import tiles as tiles_module
from course.motion_squeeze.correlation import correlation, normalise
from course.motion_squeeze.fused import matched
from course.motion_squeeze.ladder import LADDER, intermediate_bytes, volume_bytes
from course.motion_squeeze.memory import peak_bytes
from course.motion_squeeze.soft_argmax import (
    FORMS,
    gaussian_mask,
    hard_argmax,
    kernel_soft_argmax,
    kernel_weights,
    peak_margin,
    soft_argmax,
    weighting_of,
)

GOLDEN = json.loads(
    (Path(__file__).parent / "golden" / "motion_squeeze.json").read_text()
)
DOUBLE = torch.float64
FEW = settings(max_examples=25, deadline=None)
PLAIN_FORMS = [form for form in FORMS if form != "compiled"]


def features(*shape: int, seed: int = 0, dtype: torch.dtype = DOUBLE) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=random, dtype=DOUBLE).to(dtype)


def rolled_pair(dy: int, dx: int, size: int = 20) -> tuple[torch.Tensor, torch.Tensor]:
    f1 = normalise(features(1, 64, size, size))
    return f1, f1.roll((dy, dx), (2, 3))


def as_printed(value: torch.Tensor | float, printed: str) -> bool:
    digits = len(printed.partition(".")[2])
    return f"{float(value):.{digits}f}".replace("-0.000000", "0.000000") == printed


@pytest.fixture(scope="module")
def golden_scores() -> torch.Tensor:
    c, y, x = torch.meshgrid(*map(torch.arange, (8, 12, 12)), indexing="ij")
    c, y, x = (axis.to(DOUBLE) for axis in (c, y, x))

    def f(y, x):
        wave = torch.sin(0.37 * (c + 1) * x + 0.53 * (c % 3 + 1) * y + 0.9 * c)
        return wave + torch.cos(0.21 * (c + 2) * y - 0.11 * c * x)

    return correlation(normalise(f(y, x)[None]), normalise(f(y + 1, x - 2)[None]))


class TestGolden:
    def test_correlation(self, golden_scores):
        golden = GOLDEN["correlation"]
        assert as_printed(golden_scores.sum(), golden["sum"])
        assert int((golden_scores == 0).sum()) == golden["exact_zeros"]
        assert as_printed(golden_scores.relu().sum(), golden["sum_after_relu"])
        for place, printed in golden["entries"].items():
            assert as_printed(
                golden_scores[0][tuple(map(int, place.split(",")))], printed
            )

    @pytest.mark.parametrize("form", PLAIN_FORMS)
    def test_kernel_soft_argmax(self, golden_scores, form):
        golden = GOLDEN["kernel_soft_argmax"]
        d, conf = kernel_soft_argmax(golden_scores.relu(), form=form)
        for place, expected in golden["at"].items():
            y, x = map(int, place.split(","))
            assert all(map(as_printed, d[0, :, y, x], expected["displacement"]))
            assert as_printed(conf[0, 0, y, x], expected.get("confidence", "1.000000"))
        assert as_printed(d[:, 0].sum(), golden["sum_dx"])
        assert as_printed(d[:, 1].sum(), golden["sum_dy"])
        assert as_printed(conf.sum(), golden["sum_confidence"])

    @pytest.mark.parametrize("normaliser", ["1d", "2d"])
    @pytest.mark.parametrize("form", PLAIN_FORMS)
    def test_prefactors(self, golden_scores, normaliser, form):
        scores = golden_scores.relu()
        d, _ = kernel_soft_argmax(scores, normaliser=normaliser, form=form)
        expected = GOLDEN["kernel_soft_argmax"][f"{normaliser}_at_5,5"]
        assert all(map(as_printed, d[0, :, 5, 5], expected))

    def test_soft_argmax(self, golden_scores):
        for temperature, expected in GOLDEN["soft_argmax_at_5,5"].items():
            d, _ = soft_argmax(golden_scores.relu(), float(temperature))
            assert all(map(as_printed, d[0, :, 5, 5], expected))

    def test_hard_argmax(self, golden_scores):
        d, _ = hard_argmax(golden_scores.relu())
        right = (d == torch.tensor([2.0, -1.0]).view(1, 2, 1, 1)).all(1)[0]
        inside = torch.zeros(12, 12, dtype=torch.bool)
        inside[1:, :10] = True  # y - 1 and x + 2 are on the map
        golden = GOLDEN["hard_argmax"]
        assert int(right[inside].sum()) == int(inside.sum()) == golden["right_inside"]
        assert int(right[~inside].sum()) == golden["right_outside"]


class TestCorrelation:
    def test_sign(self):
        """What moves down by dy and right by dx is found at (+dy, +dx)."""
        scores = correlation(*rolled_pair(-2, 3))
        assert divmod(int(scores[0, :, :, 10, 10].argmax()), 15) == (7 - 2, 7 + 3)
        d, _ = hard_argmax(scores)
        assert d[0, :, 10, 10].tolist() == [3.0, -2.0]

    @pytest.mark.parametrize("shape, reach", [((1, 3, 6, 6), 2), ((1, 8, 9, 13), 7)])
    def test_naive_loops_and_their_gradients(self, shape, reach):
        pair = [features(*shape, seed=s).requires_grad_() for s in (1, 2)]
        scores, naive = correlation(*pair, reach), LADDER["loops"](*pair, reach)
        torch.testing.assert_close(scores, naive, rtol=0, atol=1e-12)
        weights = features(*scores.shape, seed=3)
        fast = torch.autograd.grad(scores, pair, weights)
        slow = torch.autograd.grad(naive, pair, weights)
        torch.testing.assert_close(fast, slow, rtol=0, atol=1e-12)

    @FEW
    @given(
        rung=st.sampled_from(list(LADDER)),
        shape=st.tuples(*(st.integers(1, n) for n in (3, 4, 7, 6))),
        reach=st.integers(0, 4),
    )
    def test_every_rung_is_the_same(self, rung, shape, reach):
        pair = [features(*shape, seed=s).requires_grad_() for s in (1, 2)]
        results = [how(*pair, reach) for how in (LADDER[rung], LADDER["shifts"])]
        torch.testing.assert_close(*results, rtol=0, atol=1e-12)
        weights = features(*results[0].shape, seed=3)
        grads = [torch.autograd.grad(result, pair, weights) for result in results]
        torch.testing.assert_close(*grads, rtol=0, atol=1e-12)

    @FEW
    @given(
        shape=st.tuples(*(st.integers(1, n) for n in (5, 3, 11, 9))),
        reach=st.integers(0, 5),
        budget=st.sampled_from([1, 4000, 20000]),
    )
    def test_tiles_of_every_size(self, shape, reach, budget):
        """Also where portions of pairs and rows leave a rest."""
        pair = [features(*shape, seed=s).requires_grad_() for s in (1, 2)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tiles_module, "TILE_BYTES", budget)
            scores = correlation(*pair, reach)
            weights = features(*scores.shape, seed=3)
            grads = torch.autograd.grad(scores, pair, weights)
        plain = LADDER["shifts"](*pair, reach)
        torch.testing.assert_close(scores, plain, rtol=0, atol=1e-12)
        expected = torch.autograd.grad(plain, pair, weights)
        torch.testing.assert_close(grads, expected, rtol=0, atol=1e-12)

    def test_gradcheck(self):
        pair = [features(2, 2, 5, 4, seed=s).requires_grad_() for s in (1, 2)]
        assert gradcheck(lambda *fs: correlation(*fs, 2), pair)
        assert gradcheck(lambda *fs: correlation(*map(normalise, fs), 1), pair)

    def test_layout_does_not_matter(self):
        pair = [features(2, 6, 8, 5, seed=s) for s in (1, 2)]
        odd = [f.to(memory_format=torch.channels_last).requires_grad_() for f in pair]
        even = [f.clone().requires_grad_() for f in pair]
        scores = [correlation(*fs, 3) for fs in (odd, even)]
        torch.testing.assert_close(*scores, rtol=0, atol=1e-12)
        weights = scores[0].detach().flip(0).mT.contiguous().mT  # not contiguous
        grads = [
            torch.autograd.grad(s, fs, weights)
            for s, fs in zip(scores, (odd, even), strict=True)
        ]
        torch.testing.assert_close(*grads, rtol=0, atol=1e-12)

    def test_one_input_may_be_fixed(self):
        f1, f2 = features(1, 2, 4, 4), features(1, 2, 4, 4, seed=1).requires_grad_()
        correlation(f1, f2, 1).sum().backward()
        assert f1.grad is None and f2.grad is not None

    def test_no_pairs(self):
        empty = torch.zeros(0, 3, 5, 5, requires_grad=True)
        d, conf = kernel_soft_argmax(correlation(empty, empty, 2))
        assert d.shape == (0, 2, 5, 5) and conf.shape == (0, 1, 5, 5)
        (d.sum() + conf.sum()).backward()

    def test_a_lost_number_is_not_hidden(self):
        """NaN in, NaN out, so that a training stops with a message of its own."""
        f1, f2 = (features(1, 4, 6, 6, seed=s) for s in (1, 2))
        f1[0, 0, 3, 3] = torch.nan
        for d, conf in (
            kernel_soft_argmax(correlation(f1, f2, 2)),
            matched(f1, f2, 2),
            hard_argmax(correlation(f1, f2, 2)),
        ):
            assert conf[0, 0, 3, 3].isnan() and d[0, :, 0, 0].isfinite().all()

    def test_normalise(self):
        f = features(2, 16, 3, 4)
        torch.testing.assert_close(
            normalise(f), f / (f.square().sum(1, keepdim=True) + 1e-6).sqrt()
        )
        assert (normalise(f).norm(dim=1) - 1).abs().max() < 1e-5

    @pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
    def test_half_precision_is_multiplied_in_float32(self, half):
        f1, f2 = (features(1, 64, 8, 8, seed=s, dtype=half) for s in (1, 2))
        f1.requires_grad_()
        exact = correlation(normalise(f1.float()), normalise(f2.float()), 3)
        expected = torch.autograd.grad(exact.square().sum(), f1)
        with torch.autocast("cpu", torch.bfloat16):
            scores = correlation(normalise(f1), normalise(f2), 3)
            d, conf = kernel_soft_argmax(scores)
            grad = torch.autograd.grad(scores.square().sum(), f1)
        assert scores.dtype == d.dtype == conf.dtype == torch.float32
        assert grad[0].dtype == half
        torch.testing.assert_close(scores, exact, rtol=0, atol=1e-6)
        torch.testing.assert_close(grad, expected)

    def test_autocast_reaches_no_product(self):
        pair = [features(2, 32, 9, 9, seed=s, dtype=torch.float32) for s in (1, 2)]
        f1, f2 = (normalise(f).requires_grad_() for f in pair)
        exact = torch.autograd.grad(correlation(f1, f2, 3).square().sum(), (f1, f2))
        fused = torch.autograd.grad(matched(f1, f2, 3)[0].sum(), (f1, f2))
        with torch.autocast("cpu", torch.bfloat16):
            grads = torch.autograd.grad(correlation(f1, f2, 3).square().sum(), (f1, f2))
            fused_too = torch.autograd.grad(matched(f1, f2, 3)[0].sum(), (f1, f2))
        torch.testing.assert_close(grads, exact, rtol=0, atol=1e-6)
        torch.testing.assert_close(fused_too, fused)

    def test_nothing_in_nothing_out(self):
        """Features of zero give no motion, no confidence and finite gradients."""
        zeros = torch.zeros(1, 8, 9, 9, requires_grad=True)
        unit = normalise(zeros)
        for d, conf in (
            kernel_soft_argmax(correlation(unit, unit).relu()),
            soft_argmax(correlation(unit, unit)),
        ):
            grad = torch.autograd.grad(d.sum() + conf.sum(), zeros, retain_graph=True)
            assert d.abs().max() < 1e-5 and conf.abs().max() == 0
            assert grad[0].isfinite().all()
        d, conf = matched(unit, unit)
        assert d.abs().max() < 1e-5 and conf.abs().max() == 0
        (d.sum() + conf.sum()).backward()
        assert zeros.grad.isfinite().all()

    @pytest.mark.parametrize(
        "f1, f2, reach, named",
        [
            (torch.zeros(1, 2, 3), torch.zeros(1, 2, 3), 1, r"\(1, 2, 3\)"),
            (torch.zeros(1, 2, 3, 3), torch.zeros(1, 2, 3, 4), 1, r"\(1, 2, 3, 4\)"),
            (torch.zeros(1, 2, 3, 3), torch.zeros(1, 2, 3, 3).double(), 1, "float64"),
            (torch.zeros(1, 2, 3, 3).long(),) * 2 + (1, "int64"),
            (torch.zeros(1, 2, 3, 3),) * 2 + (-1, "-1"),
            (torch.zeros(1, 2, 3, 3),) * 2 + (1.5, "1.5"),
            (torch.zeros(1, 2, 3, 3),) * 2 + ("1", "whole number >= 0, got '1'"),
        ],
    )
    def test_bad_input_is_named(self, f1, f2, reach, named):
        for function in (matched, *LADDER.values()):
            with pytest.raises(ValueError, match=named):
                function(f1, f2, reach)

    def test_numpys_numbers_are_numbers(self):
        f1, f2 = (normalise(features(1, 4, 5, 6, seed=s)) for s in (1, 2))
        for function in LADDER.values():
            assert torch.equal(function(f1, f2, np.int64(2)), function(f1, f2, 2))
        for one, other in zip(
            matched(f1, f2, np.int64(2)), matched(f1, f2, 2), strict=True
        ):
            assert torch.equal(one, other)


def relu_scores(seed: int = 0, size: int = 12) -> torch.Tensor:
    pair = (normalise(features(2, 16, size, size, seed=seed + s)) for s in (0, 1))
    return correlation(*pair, 4).relu()


class TestSymmetries:
    def test_mirrored_frames_move_mirrored(self):
        f1, f2 = (normalise(features(1, 32, 10, 11, seed=s)) for s in (1, 2))
        d, conf = kernel_soft_argmax(correlation(f1, f2))
        d_mirrored, conf_mirrored = kernel_soft_argmax(
            correlation(f1.flip(3), f2.flip(3))
        )
        flipped = d_mirrored.flip(3) * torch.tensor([-1.0, 1.0]).view(1, 2, 1, 1)
        torch.testing.assert_close(flipped, d, rtol=0, atol=1e-9)
        torch.testing.assert_close(conf_mirrored.flip(3), conf, rtol=0, atol=1e-12)

    def test_exchanged_frames_move_back(self):
        f1, f2 = rolled_pair(-2, 3)
        there, _ = kernel_soft_argmax(correlation(f1, f2))
        back, _ = kernel_soft_argmax(correlation(f2, f1))
        inner = (..., slice(7, -7), slice(7, -7))
        torch.testing.assert_close(back[inner], -there[inner], rtol=0, atol=1e-9)

    def test_pairs_do_not_mix(self):
        f1, f2 = (normalise(features(5, 8, 7, 9, seed=s)) for s in (1, 2))
        alone = torch.cat(
            [correlation(f1[i : i + 1], f2[i : i + 1], 3) for i in range(5)]
        )
        torch.testing.assert_close(correlation(f1, f2, 3), alone, rtol=0, atol=1e-12)


class TestSoftArgmax:
    def test_gaussian_is_an_outer_product(self):
        scores = relu_scores()
        mask, (best, _) = gaussian_mask(scores, 3.0), hard_argmax(scores)
        offset = torch.arange(-4, 5, dtype=DOUBLE)
        dy, dx = offset.view(1, 9, 1, 1, 1), offset.view(1, 1, 9, 1, 1)
        distance = (dx - best[:, 0, None, None]) ** 2 + (
            dy - best[:, 1, None, None]
        ) ** 2
        torch.testing.assert_close(mask, (-distance / 18).exp(), rtol=0, atol=1e-12)
        assert torch.equal(mask.amax((1, 2)), torch.ones_like(mask[:, 0, 0]))
        rows, columns = mask.amax(2), mask.amax(1)
        outer = rows[:, :, None] * columns[:, None]
        torch.testing.assert_close(outer, mask, rtol=0, atol=1e-12)

    def test_weights_average_the_offsets(self):
        scores = relu_scores()
        weights = kernel_weights(scores, 3.0, 0.1)
        expected = (gaussian_mask(scores, 3.0) * scores / 0.1).flatten(1, 2).softmax(1)
        torch.testing.assert_close(weights.flatten(1, 2), expected)
        offset = torch.arange(-4, 5, dtype=DOUBLE).view(1, 9, 1, 1)
        d, _ = kernel_soft_argmax(scores, 3.0, 0.1)
        dx, dy = (weights.sum(1) * offset).sum(1), (weights.sum(2) * offset).sum(1)
        torch.testing.assert_close(d, torch.stack([dx, dy], 1), rtol=0, atol=1e-9)

    @pytest.mark.parametrize("temperature, within", [(1e-4, 0.05), (1e6, 1e-4)])
    def test_temperature_has_two_ends(self, temperature, within):
        """Cold: the best score.  Hot: the window's centre, whatever the scores are."""
        scores = torch.linspace(0, 1, 81, dtype=DOUBLE)[features(81).argsort()]
        scores = scores.view(1, 9, 9, 1, 1)
        d, _ = soft_argmax(scores, temperature)
        goal = hard_argmax(scores)[0] if temperature < 1 else torch.zeros_like(d)
        torch.testing.assert_close(d, goal, rtol=0, atol=within)

    @pytest.mark.parametrize("better", [3, -5])
    def test_two_matches(self, better):
        """Soft-argmax answers between two matches, kernel-soft-argmax with one."""
        scores = torch.zeros(1, 15, 15, 1, 1, dtype=DOUBLE)
        scores[0, 7, 7 + 3] = scores[0, 7, 7 - 5] = 0.9
        scores[0, 7, 7 + better] += 1e-6
        soft, _ = soft_argmax(scores)
        kernel, _ = kernel_soft_argmax(scores)
        assert abs(soft[0, 0, 0, 0] + 1) < 1e-3  # half-way between +3 and -5
        assert abs(kernel[0, 0, 0, 0] - better) < 1e-3

    def test_normalisers_are_temperatures(self):
        effective = [
            1 / weighting_of(5.0, 0.01, n).factor for n in ("none", "1d", "2d")
        ]
        assert [f"{t:.3g}" for t in effective] == ["0.01", "0.125", "1.57"]
        scores = relu_scores()
        for normaliser, temperature in zip(("1d", "2d"), effective[1:], strict=True):
            printed, _ = kernel_soft_argmax(scores, normaliser=normaliser)
            warmer, _ = kernel_soft_argmax(scores, temperature=temperature)
            torch.testing.assert_close(printed, warmer, rtol=0, atol=1e-9)
            peak = gaussian_mask(scores, normaliser=normaliser).amax()
            assert float(peak) == pytest.approx(0.01 / temperature)

    def test_confidence_comes_before_the_gaussian(self):
        scores = relu_scores()
        best = scores.amax((1, 2))[:, None]
        for function in (soft_argmax, kernel_soft_argmax, hard_argmax):
            assert torch.equal(function(scores)[1], best)
        assert torch.equal(kernel_soft_argmax(scores, 0.3, 7.0, "2d")[1], best)

    def test_of_equal_scores_the_first(self):
        flat = torch.ones(1, 15, 15, 2, 2, dtype=DOUBLE)
        assert hard_argmax(flat)[0].unique().tolist() == [-7.0]
        assert kernel_soft_argmax(flat)[0][0, :, 0, 0] == pytest.approx(
            [-6.88] * 2, abs=0.005
        )
        assert soft_argmax(flat)[0].abs().max() < 1e-12
        flat[0, 3, 9], flat[0, 3, 11], flat[0, 4, 0] = 2.0, 2.0, 2.0
        assert hard_argmax(flat)[0][0, :, 0, 0].tolist() == [2.0, -4.0]

    def test_margin_ignores_the_neighbours(self):
        scores = torch.zeros(1, 5, 5, 1, 1)
        scores[0, 0, 0], scores[0, 1, 1], scores[0, 2, 2] = 1.0, 0.9, 0.5
        assert peak_margin(scores).item() == 0.5
        assert peak_margin(torch.ones(1, 5, 5, 2, 3)).abs().max() == 0
        with pytest.raises(ValueError, match="1, 1, 1, 2, 2"):
            peak_margin(torch.ones(1, 1, 1, 2, 2))

    @pytest.mark.parametrize("form", PLAIN_FORMS)
    def test_gradcheck(self, form):
        scores = features(1, 5, 5, 3, 2, seed=4).requires_grad_()  # no ties
        assert gradcheck(
            lambda s: kernel_soft_argmax(s, 2.0, 0.3, form=form), (scores,)
        )
        assert gradcheck(lambda s: soft_argmax(s, 0.3), (scores,))

    def test_gradient_formula(self):
        """beta g w (q - d): only cells around the winner learn."""
        scores = relu_scores().requires_grad_()
        d, _ = kernel_soft_argmax(scores)
        (grad,) = torch.autograd.grad(d[:, 0].sum(), scores)
        offset = torch.arange(-4, 5, dtype=DOUBLE).view(1, 1, 9, 1, 1)
        expected = 100 * gaussian_mask(scores) * kernel_weights(scores)
        expected = expected * (offset - d[:, None, None, 0])
        torch.testing.assert_close(grad, expected, rtol=0, atol=1e-9)

    @pytest.mark.parametrize("sign", ["any", "negative"])
    def test_forms_agree_in_float32(self, sign):
        scores = features(3, 7, 7, 6, 5, dtype=torch.float32)
        scores = (scores if sign == "any" else -scores.abs() - 1).requires_grad_()
        results = [kernel_soft_argmax(scores, form=form) for form in PLAIN_FORMS]
        torch.testing.assert_close(*results, rtol=0, atol=1e-5)
        grads = [
            torch.autograd.grad(sum(r.sum() for r in rs), scores) for rs in results
        ]
        torch.testing.assert_close(*grads, rtol=1e-4, atol=1e-4)

    @pytest.mark.gpu
    def test_on_a_gpu(self):
        if not torch.cuda.is_available():
            pytest.skip("no CUDA device")
        pair = [features(2, 16, 12, 12, seed=s, dtype=torch.float32) for s in (1, 2)]
        slow = correlation(*pair, 4)
        fast = correlation(*(f.cuda() for f in pair), 4)
        torch.testing.assert_close(fast.cpu(), slow, rtol=0, atol=1e-4)
        expected = kernel_soft_argmax(slow)
        for form in FORMS:
            for got, want in zip(
                kernel_soft_argmax(fast, form=form), expected, strict=True
            ):
                torch.testing.assert_close(got.cpu(), want, rtol=0, atol=1e-2)

    @pytest.mark.parametrize(
        "corr, options, named",
        [
            (torch.zeros(1, 3, 5, 4, 4), {}, r"\(1, 3, 5, 4, 4\)"),
            (torch.zeros(1, 4, 4, 4, 4), {}, r"\(1, 4, 4, 4, 4\)"),
            (torch.zeros(3, 3, 4, 4), {}, r"\(3, 3, 4, 4\)"),
            (torch.zeros(1, 3, 3, 4, 4).int(), {}, "int32"),
            (torch.zeros(1, 3, 3, 4, 4), {"temperature": 0.0}, "temperature .* 0.0"),
            (torch.zeros(1, 3, 3, 4, 4), {"sigma": -1.0}, "sigma .* -1.0"),
            (torch.zeros(1, 3, 3, 4, 4), {"sigma": "5"}, "sigma .* '5'"),
            (torch.zeros(1, 3, 3, 4, 4), {"temperature": "0.01"}, "temp.* '0.01'"),
            (torch.zeros(1, 3, 3, 4, 4), {"normaliser": "3d"}, "'3d'"),
            (torch.zeros(1, 3, 3, 4, 4), {"form": "fast"}, "'fast'"),
        ],
    )
    def test_bad_input_is_named(self, corr, options, named):
        with pytest.raises(ValueError, match=named):
            kernel_soft_argmax(corr, **options)

    @pytest.mark.parametrize("kind", [torch.int64, torch.bool, torch.complex64])
    def test_scores_that_are_no_fractions_are_named(self, kind):
        corr = torch.zeros(1, 3, 3, 4, 4).to(kind)
        for function in (
            soft_argmax, kernel_soft_argmax, hard_argmax, kernel_weights,
            gaussian_mask, peak_margin,
        ):  # fmt: skip
            with pytest.raises(ValueError, match=str(kind)):
                function(corr)

    def test_a_text_is_no_temperature(self):
        with pytest.raises(ValueError, match="temperature must be .* got 'low'"):
            soft_argmax(torch.zeros(1, 3, 3, 4, 4), "low")


class TestFused:
    @FEW
    @given(
        shape=st.tuples(*(st.integers(1, n) for n in (3, 5, 10, 7))),
        reach=st.integers(0, 4),
    )
    def test_equal_to_the_plain_path(self, shape, reach):
        pair = [features(*shape, seed=s).requires_grad_() for s in (1, 2)]
        plain = kernel_soft_argmax(correlation(*pair, reach).relu(), 2.0, 0.3)
        fused = matched(*pair, reach, 2.0, 0.3)
        torch.testing.assert_close(fused, plain, rtol=0, atol=1e-9)
        weights = [features(*p.shape, seed=3) for p in plain]
        grads = [torch.autograd.grad(r, pair, weights) for r in (fused, plain)]
        torch.testing.assert_close(*grads, rtol=0, atol=1e-9)

    def test_gradcheck(self):
        pair = [features(2, 2, 5, 4, seed=s).requires_grad_() for s in (1, 2)]
        assert gradcheck(lambda *fs: matched(*fs, 2, 2.0, 0.3), pair)

    def test_no_volume_is_ever_there(self):
        pair = [features(16, 8, 28, 28, seed=s, dtype=torch.float32) for s in (1, 2)]
        f1, f2 = (normalise(f).requires_grad_() for f in pair)
        volume = volume_bytes(16, 28, 28)

        def run(match):
            d, conf = match(f1, f2)
            torch.autograd.grad(d.sum() + conf.sum(), (f1, f2))

        run(matched)
        fused = peak_bytes(lambda: run(matched))
        plain = peak_bytes(lambda: run(lambda *f: kernel_soft_argmax(correlation(*f))))
        kept = []
        with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda t: t):
            matched(f1, f2)
        assert max(t.numel() * t.element_size() for t in kept) < volume / 20
        assert fused < 0.6 * volume and 2 * volume < plain < 2.6 * volume


class TestMemory:
    @pytest.mark.parametrize("rung", [r for r in LADDER if r != "loops"])
    def test_intermediates_are_counted(self, rung):
        """A forward pass holds its maps' copies, the scores and what is counted."""
        shape = (7, 16, 20, 20)
        f1, f2 = (features(*shape, seed=s, dtype=torch.float32) for s in (1, 2))
        LADDER[rung](f1, f2, 3)
        peak = peak_bytes(lambda: LADDER[rung](f1, f2, 3))
        counted = intermediate_bytes(rung, shape, 3)
        assert peak >= counted
        assert peak <= 2.3 * counted + 3 * volume_bytes(7, 20, 20, 3) + 4 * f1.nbytes

    def test_no_such_rung(self):
        with pytest.raises(ValueError, match="'stairs'"):
            intermediate_bytes("stairs", (1, 1, 1, 1))
