"""Scenes: valid layers, exact motion, variety within one, difference between two."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from course.draws import Draws
from course.synthetic.scenes import CONFUSABLE, GROUND, SCENES, paint_group
from course.synthetic.scenes.layers import Layer
from course.synthetic.shapes import cover, span, triangle
from course.synthetic.textures import (
    hashed,
    noise1,
    noise2,
    plane_waves,
    scatter,
    stripes,
)

PLACES = [name for name in SCENES if name != "texture"]
FRAMES = torch.arange(4) / 4.0


def varier(indices, seed=0):
    draws = Draws(seed, indices)

    def vary(name, low, high):
        values = torch.as_tensor(draws.uniform(name, low, high), dtype=torch.float32)
        return values[:, None, None, None]

    return vary


def axes(size, wide=1.0):
    """Coordinates of pixel centres as a row and a column, and a pixel's size."""
    y = (torch.arange(size) + 0.5) / size * 2 - 1
    x = (torch.arange(int(size * wide)) + 0.5) / size * 2 - wide
    return x.view(1, 1, 1, -1), y.view(1, 1, -1, 1), 2.0 / size


def paint(name, indices, size=32, times=FRAMES, wide=1.0, seed=0) -> list[Layer]:
    x, y, pixel = axes(size, wide)
    time = times.view(1, -1, 1, 1).expand(len(indices), -1, 1, 1)
    return paint_group(name, x, y, time, varier(indices, seed), pixel)


def flatten(layers, n, frames, size):
    """Composite, owner (last layer over half a pixel) and purity of each pixel."""
    colour = torch.zeros(3, n, frames, size, size)
    owner = torch.zeros(n, frames, size, size, dtype=torch.int64)
    pure = torch.ones(n, frames, size, size)
    for k, layer in enumerate(layers):
        alpha = layer.alpha.expand(n, frames, size, size)
        colour = torch.lerp(colour, layer.colour.expand_as(colour), alpha)
        owner = torch.where(alpha > 0.5, k, owner)
        pure = torch.where(alpha > 0.5, alpha, pure * (1 - alpha))
    return colour, owner, pure


def picture(name, indices, size=32, times=FRAMES[:1], seed=0):
    layers = paint(name, indices, size, times, seed=seed)
    return flatten(layers, len(indices), len(times), size)[0]


# ------------------------------------------------------------------------ the catalogue
def test_there_are_sixteen_places_and_a_texture():
    assert len(PLACES) == 16 and list(SCENES)[-1] == "texture"
    assert all(a in PLACES and b in PLACES for a, b in CONFUSABLE)
    assert 0.8 < GROUND < 0.85
    moving = [n for n in PLACES if any(layer.shift for layer in paint(n, [0], 8))]
    assert len(set(PLACES[:8]) & set(moving)) >= 2 and len(moving) >= 8
    with pytest.raises(ValueError, match="nowhere"):
        paint("nowhere", [0])


@pytest.mark.parametrize("name", SCENES)
def test_layers_are_valid(name):
    layers = paint(name, [0, 1, 2], size=16, wide=1.75)
    assert len(layers) <= 12  # the renderer's table of owners
    assert bool((layers[0].alpha == 1).all())
    for layer in layers:
        assert layer.colour.dtype == layer.alpha.dtype == torch.float32
        layer.colour.expand(3, 3, 4, 16, 28)
        layer.alpha.expand(3, 4, 16, 28)
        for values in (layer.colour, layer.alpha):
            assert bool(torch.isfinite(values).all())
            assert float(values.min()) >= 0 and float(values.max()) <= 1
        for shift in layer.shift or ():
            shift.expand(3, 4, 1, 1)


@pytest.mark.parametrize("name", SCENES)
def test_still_sheets_are_painted_once(name):
    for layer in paint(name, [0, 1], size=8):
        if layer.shift is None:
            assert layer.colour.shape[2] == 1 and layer.alpha.shape[-3] == 1


# ------------------------------------------------------------------------- determinism
@pytest.mark.parametrize("name", SCENES)
def test_a_clip_does_not_depend_on_its_batch(name):
    batch, alone = picture(name, [5, 9, 2]), picture(name, [9])
    assert torch.allclose(batch[:, 1:2], alone, atol=1e-6)


@pytest.mark.parametrize("name", SCENES)
def test_full_grids_give_the_same_as_rows_and_columns(name):
    x, y, pixel = axes(16)
    time = FRAMES.view(1, -1, 1, 1).expand(2, -1, 1, 1)
    slim = paint_group(name, x, y, time, varier([0, 1]), pixel)
    full = paint_group(
        name,
        x.expand(2, 4, 16, 16),
        y.expand(2, 4, 16, 16),
        time,
        varier([0, 1]),
        torch.full((2, 4, 1, 1), pixel),
    )
    a, b = (flatten(layers, 2, 4, 16)[0] for layers in (slim, full))
    assert torch.allclose(a, b, atol=1e-5)


# ------------------------------------------------------------------------------ motion
@pytest.mark.parametrize("name", SCENES)
def test_sheets_only_slide(name):
    """A sheet seen at its own displacement is the same picture at every time."""
    x, y, pixel = axes(48)
    vary = varier([3, 4])
    then, now = torch.full((2, 1, 1, 1), 0.5), torch.full((2, 1, 1, 1), 2.75)
    before = paint_group(name, x, y, then, vary, pixel)
    shifts = [layer.shift for layer in paint_group(name, x, y, now, vary, pixel)]
    for k, (first, shift) in enumerate(zip(before, shifts, strict=True)):
        dx = dy = 0.0
        if shift is not None:
            dx, dy = (b - a for a, b in zip(first.shift, shift, strict=True))
            assert float(dx.abs().max() + dy.abs().max()) > 1e-3
        later = paint_group(name, x + dx, y + dy, now, vary, pixel)[k]
        one, two = (v.alpha.expand(2, 1, 48, 48) for v in (first, later))
        assert float(((one - two).abs() > 0.01).float().mean()) < 2e-3
        c, d = (v.colour.expand(3, 2, 1, 48, 48) for v in (first, later))
        assert float(((c * one - d * two).abs() > 0.01).float().mean()) < 2e-3


@pytest.mark.parametrize("name", ["beach", "street", "pool", "stadium", "underwater"])
def test_flow_warps_the_next_frame_onto_this_one(name):
    size, n = 144, 2
    layers = paint(name, [0, 1], size, torch.tensor([0.0, 0.2]))
    colour, owner, pure = flatten(layers, n, 2, size)
    flow = torch.zeros(n, size, size, 2)
    for k, layer in enumerate(layers):
        for axis, shift in enumerate(layer.shift or ()):
            step = shift.expand(n, 2, 1, 1).diff(dim=1)[:, 0]
            flow[..., axis] = torch.where(owner[:, 0] == k, step, flow[..., axis])
    x, y, _ = axes(size)
    # grid_sample counts from -1 to 1 over the frame: these are world units.
    grid = torch.stack(torch.broadcast_tensors(x[0, 0], y[0, 0]), -1) + flow
    now, after = colour[:, :, 0].transpose(0, 1), colour[:, :, 1].transpose(0, 1)
    warped = F.grid_sample(after, grid, align_corners=False, padding_mode="border")
    # A target pixel counts if it and its neighbours belong to the same sheet alone.
    clear = -F.max_pool2d(-pure[:, 1], 3, 1, 1)
    at = ((grid + 1) * size / 2 - 0.5).round().long().clamp(0, size - 1)
    at = (at[..., 1] * size + at[..., 0]).flatten(1)
    same = owner[:, 1].flatten(1).gather(1, at).view(n, size, size) == owner[:, 0]
    sure = clear.flatten(1).gather(1, at).view(n, size, size) > 0.97
    inside = (grid.abs() < 1 - 2 / size).all(-1)
    valid = same & sure & inside & (pure[:, 0] > 0.97)
    moving = (flow.abs().amax(-1) > 0.5 / size) & valid
    assert float(valid.float().mean()) > 0.4 and int(moving.sum()) > 50
    error, still = (warped - now).abs().mean(1), (after - now).abs().mean(1)
    assert float(error[valid].mean()) < 0.01
    assert float(error[moving].mean()) < 0.3 * float(still[moving].mean())


def test_no_motion_when_time_stands_still():
    for name in PLACES:
        clip = picture(name, [0], 16, torch.tensor([1.5, 1.5]))
        assert torch.equal(clip[:, :, 0], clip[:, :, 1])


# -------------------------------------------------------------- variety and difference
@pytest.fixture(scope="module")
def thumbnails():
    """Colours on an 8 x 8 grid, (scene, clip, feature)."""
    rows = [picture(name, list(range(24)), 32)[:, :, 0] for name in PLACES]
    return torch.stack([F.avg_pool2d(v.transpose(0, 1), 4).flatten(1) for v in rows])


def test_clips_of_one_scene_differ(thumbnails):
    spread = thumbnails.std(1).mean(-1)
    assert float(spread.min()) > 0.03, dict(zip(PLACES, spread.tolist(), strict=True))


def test_scenes_can_be_told_apart_by_colour_alone(thumbnails):
    means = thumbnails[:, :12].mean(1)
    nearest = torch.cdist(thumbnails[:, 12:].flatten(0, 1), means).argmin(1)
    truth = torch.arange(len(PLACES)).repeat_interleave(12)
    assert float((nearest == truth).float().mean()) > 0.9


def test_confusable_pairs_are_close(thumbnails):
    means = thumbnails.mean(1)
    distance = torch.cdist(means, means)
    upper = torch.triu_indices(len(PLACES), len(PLACES), 1)
    typical = distance[upper[0], upper[1]].median()
    for a, b in CONFUSABLE:
        assert distance[PLACES.index(a), PLACES.index(b)] < 0.65 * typical, (a, b)


def test_scenes_leave_room_for_bright_clothes():
    for name in PLACES:
        colour = picture(name, list(range(8)), 16)
        strength = colour.amax(0) - colour.amin(0)
        assert float(strength.mean()) < 0.45, name


# -------------------------------------------------------------------------- primitives
def test_bars_keep_their_area_at_any_size():
    for size in (7, 16, 61):
        x, _, pixel = axes(size)
        assert float(span(x, -0.03, 0.05, pixel).sum() * pixel) == pytest.approx(0.08)
        bars = stripes(x * 2.5, 0.3, pixel * 2.5)  # five periods in the frame
        assert float(bars.mean()) == pytest.approx(0.3, abs=1e-5)


def test_steps_are_averaged_over_a_pixel():
    u = torch.linspace(-5, 5, 4001)
    fine, coarse = noise1(u, 7, width=1e-6), noise1(u, 7, width=0.5)
    kernel = torch.ones(1, 1, 200) / 200  # half a cell
    mean = F.conv1d(fine.view(1, 1, -1), kernel).flatten()
    assert float((mean - coarse[100 : 100 + len(mean)]).abs().max()) < 0.01


def test_lattices_are_uniform_and_frozen():
    i = torch.arange(-128, 128)
    values = hashed(i[:, None], i[None, :], 12345)
    assert abs(float(values.mean()) - 0.5) < 0.01
    assert abs(float(values.var()) - 1 / 12) < 0.002
    neighbours = torch.corrcoef(
        torch.stack([values[1:].flatten(), values[:-1].flatten()])
    )
    assert abs(float(neighbours[0, 1])) < 0.02
    assert hashed(torch.tensor([-3, 0, 41]), 5, 99).mul(65536).long().tolist() == FROZEN


FROZEN = [38270, 65479, 64129]  # a change would repaint every cached world


def test_smooth_noise_is_continuous():
    u = torch.linspace(-3, 3, 6001)
    assert float(noise2(u, 0.3 * u, 1).diff().abs().max()) < 0.003


def test_scattered_points_stay_in_their_cells():
    u = torch.rand(5000, generator=torch.Generator().manual_seed(0)) * 40 - 20
    v = u.flip(0)
    du, dv, which = scatter(u, v, 3, margin=0.2)
    for at, offset in ((u, du), (v, dv)):
        place = at - at.floor() - offset
        assert float(place.min()) > 0.19 and float(place.max()) < 0.81
    assert float(which.min()) >= 0 and float(which.max()) < 1


def test_triangle_points_up():
    x, y, pixel = axes(64)
    inside = cover(triangle(x, y - 0.5, 0.5, 1.0), pixel)[0, 0]
    assert float(inside.sum() * pixel**2) == pytest.approx(0.5, rel=0.02)
    assert inside[20].sum() < inside[40].sum()


def test_texture_has_unit_variance_and_the_wavelengths_asked():
    x, y, _ = axes(48)
    waves = plane_waves(x * 20, y * 20, varier(range(64)))
    assert float(waves.var()) == pytest.approx(1.0, abs=0.15)
    assert abs(float(waves.mean())) < 0.1
