"""Local correlation beside the product of all pairs, in one run.

    pytest benchmarks/bench_motion_squeeze.py

The peer is `ladder.all_pairs`, what the paper's official code does without its compiled
extension: one product of all cells with all cells, of which the windows are picked (by
the fastest of seven ways tried).  Forward and backward for one clip of 8 frames, 7
pairs, with 64 channels and a window of 15 x 15, on maps of 28 x 28 and 56 x 56.

Beside it: kernel-soft-argmax with its gradient written out against the same equation
left to autograd, and correlation with it in one go against one after the other.

Goals, asserted: 1.5 times as fast on 28 x 28, 4 times on 56 x 56, in half the memory
(measured: 1.7 to 2.0 times, 5.6 to 8 times, a third and a tenth).  Times are medians of
many interleaved rounds, so that a busy machine slows both.  Peak memory is what torch's
allocator held at most beyond the features, from `torch.profiler`, see
`course/motion_squeeze/memory.py`.
"""

import functools
import statistics
import time

import pytest
import torch

from course.motion_squeeze.correlation import correlation, normalise
from course.motion_squeeze.fused import matched
from course.motion_squeeze.ladder import all_pairs, banded, volume_bytes
from course.motion_squeeze.memory import peak_bytes
from course.motion_squeeze.soft_argmax import kernel_soft_argmax

PAIRS, CHANNELS = 7, 64
ROUNDS = {28: 41, 56: 15}  # odd, so that a median is one of them


def feature_maps(size):
    torch.manual_seed(0)
    maps = torch.randn(2, PAIRS, CHANNELS, size, size).relu()
    return [normalise(f).requires_grad_() for f in maps]


def forward_and_backward(function, inputs):
    """A call without arguments; the gradient that comes in is the same every time."""
    outputs = as_tuple(function(*inputs))
    torch.manual_seed(1)
    grads = [torch.randn_like(output) for output in outputs]

    def step():
        return torch.autograd.grad(as_tuple(function(*inputs)), inputs, grads)

    return step


def as_tuple(outputs):
    return outputs if isinstance(outputs, tuple) else (outputs,)


@pytest.fixture
def compare(benchmark, capsys):
    """Tell how many times as long, and as much memory, the peer takes."""

    def run(title, peer, ours, rounds):
        seconds = {peer: [], ours: []}
        for _ in range(rounds):
            for step in (peer, ours):
                began = time.perf_counter()
                step()
                seconds[step].append(time.perf_counter() - began)
        times = [1e3 * statistics.median(seconds[step]) for step in (peer, ours)]
        sizes = [peak_bytes(step) / 2**20 for step in (peer, ours)]
        faster, smaller = times[0] / times[1], sizes[0] / sizes[1]
        with capsys.disabled():
            print(
                f"\n{title}:\n    {times[0]:.1f} ms, {sizes[0]:.1f} MiB against "
                f"{times[1]:.1f} ms, {sizes[1]:.1f} MiB: {faster:.2f} times as fast, "
                f"1 / {smaller:.2f} of the memory"
            )
        benchmark.group = "ours alone, in the comparisons printed above"
        benchmark.extra_info.update(faster=round(faster, 2), smaller=round(smaller, 2))
        benchmark.pedantic(ours, rounds=3)
        return faster, smaller

    return run


@pytest.mark.parametrize("size, goal", [(28, 1.5), (56, 4.0)])
def test_correlation_reaches_its_goals(compare, size, goal):
    maps = feature_maps(size)
    torch.testing.assert_close(all_pairs(*maps), correlation(*maps), rtol=0, atol=1e-5)
    steps = [forward_and_backward(how, maps) for how in (all_pairs, correlation)]
    torch.testing.assert_close(*(step() for step in steps), rtol=0, atol=1e-3)
    title = f"correlation, {size} x {size}, all pairs against tiles"
    faster, smaller = compare(title, *steps, ROUNDS[size])
    assert faster >= goal
    assert smaller >= 2


@pytest.mark.parametrize("size, least", [(28, 0.6), (56, 1.5)])
def test_head_against_autograd(compare, size, least):
    """On small maps it saves memory only: autograd's volumes stay in the cache too."""
    scores = [correlation(*feature_maps(size)).detach().requires_grad_()]
    heads = [functools.partial(kernel_soft_argmax, form=f) for f in ("plain", "lean")]
    steps = [forward_and_backward(head, scores) for head in heads]
    title = f"kernel-soft-argmax, {size} x {size}, autograd against our gradient"
    faster, smaller = compare(title, *steps, ROUNDS[size])
    assert faster > least
    assert smaller >= 2


@pytest.mark.parametrize("size", [28, 56])
def test_fused_against_one_after_the_other(compare, size):
    maps = feature_maps(size)

    def plain(f1, f2):
        return kernel_soft_argmax(correlation(f1, f2).relu())

    steps = [forward_and_backward(how, maps) for how in (plain, matched)]
    volume = volume_bytes(PAIRS, size, size) / 2**20
    title = (
        f"matching, {size} x {size}, one after the other against fused "
        f"(one volume: {volume:.1f} MiB)"
    )
    faster, smaller = compare(title, *steps, ROUNDS[size])
    assert faster > 0.5  # it computes every score twice
    assert smaller >= 1.5


@pytest.mark.parametrize("how", [all_pairs, banded, correlation])
@pytest.mark.parametrize("size", [28, 56])
def test_forward_and_backward(benchmark, size, how):
    benchmark.group = f"correlation, forward and backward, {size} x {size}"
    benchmark.extra_info["threads"] = torch.get_num_threads()
    step = forward_and_backward(how, feature_maps(size))
    benchmark.extra_info["peak MiB"] = round(peak_bytes(step) / 2**20, 1)
    benchmark.pedantic(step, rounds=ROUNDS[size], warmup_rounds=1)
