"""Reading clips: decord beside PyAV, on the same file, in one run.

    pytest benchmarks/bench_decode.py

The file is made here: 300 frames of 340 x 256 px (as Kinetics clips are stored), H.264
with the key frames that x264 chooses.  Two tasks: 16 frames with stride 4 from the
middle (training), and all frames (feature extraction).
"""

import numpy as np
import pytest

from course.video import probe, read_clip, write_video

TASKS = {"clip": np.arange(120, 184, 4), "whole": None}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    t, y, x = np.mgrid[0:300, 0:256, 0:340].astype(np.float32)
    grey = np.sin(x / 17 + t / 5) * np.cos(y / 23 - t / 9) * 90 + 128
    frames = np.repeat(grey[..., None].astype(np.uint8), 3, axis=-1)
    return write_video(tmp_path_factory.mktemp("bench") / "a.mp4", frames, fps=30)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("backend", ["decord", "pyav"])
def test_read_clip(benchmark, file, task, backend):
    if backend == "decord":
        pytest.importorskip("decord")
    benchmark.group = f"read {task}"
    probe(file)  # the index is built once per file, so it is not timed here
    clip = benchmark.pedantic(
        read_clip, (file, TASKS[task], 128, backend), rounds=5, warmup_rounds=1
    )
    rate = len(clip) / benchmark.stats.stats.median
    benchmark.extra_info["frames_per_second"] = round(rate)


def test_index(benchmark, file):
    from course.video import index

    def fresh():
        index._cached.cache_clear()
        return probe(file)

    benchmark.group = "index"
    assert benchmark.pedantic(fresh, rounds=5, warmup_rounds=1).frames == 300
