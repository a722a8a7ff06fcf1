"""Training: one loop for every room, its checkpoints, and the records of its results.

`fit` is the loop, `TrainSettings` its recipe.  `save_run` writes one seed's metrics
into a record below `results/`; `load_records` reads them back for the claims ledger.
"""

from course.training.checkpoint import CheckpointError, load_checkpoint
from course.training.loop import fit
from course.training.processes import (
    average_gradients,
    gather_rows,
    is_main_process,
    world_size,
)
from course.training.records import (
    Record,
    is_stale,
    load_record,
    load_records,
    save_record,
    save_run,
    settings_hash,
)
from course.training.result import FitResult
from course.training.settings import TrainSettings, learning_rate_factor
from course.training.step import NonFiniteLossError

__all__ = [
    "CheckpointError",
    "FitResult",
    "NonFiniteLossError",
    "Record",
    "TrainSettings",
    "average_gradients",
    "fit",
    "gather_rows",
    "is_main_process",
    "is_stale",
    "learning_rate_factor",
    "load_checkpoint",
    "load_record",
    "load_records",
    "save_record",
    "save_run",
    "settings_hash",
    "world_size",
]
