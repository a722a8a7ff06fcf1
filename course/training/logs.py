"""What a run says while it goes: a CSV table, TensorBoard curves, a progress bar.

The bar of a notebook carries no times and no losses, so that its last line is the same
on every machine; outside a notebook it does.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

from course.training.checkpoint import write_atomically


class Log:
    """Rows of scalars, kept in memory and, where a folder is given, in `log.csv`.

    Args:
        folder: where `log.csv` and `tensorboard/` go; None keeps rows in memory only.
        tensorboard: also write TensorBoard curves.
        upto: continue an earlier log, keeping its rows up to this step.

    >>> log = Log(None)
    >>> log.add({"step": 1, "loss": 0.5})
    >>> log.rows
    [{'step': 1, 'loss': 0.5}]
    """

    def __init__(self, folder: Path | None, tensorboard: bool = False, upto: int = 0):
        self.path = folder / "log.csv" if folder else None
        self.notes: list[str] = []
        self.rows = _read(self.path, upto) if self.path else []
        self._columns: list[str] = []  # of the file as it stands; empty: write it anew
        self._curves = (
            _curves(folder, upto, self.notes) if folder and tensorboard else None
        )

    def add(self, row: dict[str, float]) -> None:
        """Append a row; a disk that refuses is noted once and tried again next time."""
        self.rows.append(row)
        if self.path:
            try:
                self._write(self.path, row)
            except OSError as error:
                self._columns = []
                self._note(f"the log {self.path} cannot be written: {error.strerror}")
        if self._curves:
            try:
                for key, value in row.items():
                    if key != "step":
                        self._curves.add_scalar(key, value, row["step"])
            except OSError as error:
                self._curves = None
                self._note(f"TensorBoard curves stopped: {error.strerror}")

    def close(self) -> None:
        """Flush and close the curves."""
        if self._curves:
            try:
                self._curves.close()
            except OSError as error:
                self._note(f"TensorBoard curves stopped: {error.strerror}")

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def _write(self, path: Path, row: dict[str, float]) -> None:
        if self._columns and set(row) <= set(self._columns):
            with open(path, "a", newline="") as file:
                csv.DictWriter(file, self._columns).writerow(row)
            return
        columns = list(dict.fromkeys(key for each in self.rows for key in each))
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, columns)
        writer.writeheader()
        writer.writerows(self.rows)
        write_atomically(path, text.getvalue().encode())
        self._columns = columns


def _read(path: Path, upto: int) -> list[dict[str, float]]:
    """Rows of an earlier log up to a step; a half-written last line is left out."""
    rows: list[dict[str, float]] = []
    if not path.exists():
        return rows
    with open(path, newline="") as file:
        for line in csv.DictReader(file):
            try:
                whole = None not in line.values() and int(line["step"]) <= upto
            except ValueError:
                whole = False
            if whole:
                row = {k: float(v) for k, v in line.items() if v != ""}
                rows.append(row | {"step": int(line["step"])})
    return rows


def _curves(folder: Path, upto: int, notes: list[str]):
    """A TensorBoard writer, or None and a note where TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        notes.append("TensorBoard is not installed: log.csv holds the curves")
        return None
    return SummaryWriter(str(folder / "tensorboard"), purge_step=upto + 1)


def in_notebook() -> bool:
    """Whether this process is a Jupyter kernel."""
    return "ipykernel" in sys.modules


def progress_bar(name: str, planned: int, done: int, shown: bool):
    """A tqdm bar on standard output; plain (no times) in a notebook."""
    from tqdm import tqdm

    plain = "{desc}: {percentage:3.0f}% |{bar:30}| {n_fmt}/{total_fmt} steps"
    timed = plain + " [{elapsed}<{remaining}{postfix}]"
    return tqdm(
        total=planned,
        initial=done,
        desc=name,
        file=sys.stdout,
        ascii=True,
        disable=not shown,
        bar_format=plain if in_notebook() else timed,
    )
