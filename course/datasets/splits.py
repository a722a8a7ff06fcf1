"""A manifest's videos as the two data sets of an experiment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from course.datasets.beside import Beside
from course.datasets.manifest import read_manifest
from course.datasets.videos import VideoClips


def train_and_test(
    manifest: str | os.PathLike,
    sampling: str,
    test_sampling: str,
    beside: Sequence[Beside] = (),
    **options: Any,
) -> tuple[VideoClips, VideoClips]:
    """What to learn from and what to be tested on.

    Args:
        manifest: path of a table with a split `train` and one `test` or `val`.
        sampling: of the frames at training, such as "segments" (see `VideoClips`).
        test_sampling: of the frames at the test, such as "segment_centres".
        beside: readers of what lies beside the training videos (see `VideoClips`).
        **options: of both data sets: `frames`, `size`, `seed`, ...

    Returns:
        The videos of `train`, and those of `test`, or of `val` if there is no `test`.

    Raises:
        ManifestError: the table cannot be used.
        ValueError: a split is missing, an option does not fit, or files beside the
            training videos are missing.

    >>> train_and_test("nowhere.csv", "random", "centre")
    Traceback (most recent call last):
    course.datasets.manifest.ManifestError: nowhere.csv: no such file
    """
    table = read_manifest(manifest)
    test = "test" if "test" in table.splits else "val"
    return (
        VideoClips(table, "train", sampling, beside=beside, **options),
        VideoClips(table, test, test_sampling, **options),
    )
