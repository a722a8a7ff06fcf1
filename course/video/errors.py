"""What goes wrong with video files: one error that names the file, frame and cause."""

from __future__ import annotations

import os


class VideoError(ValueError):
    """A video file that cannot be read, named together with the cause.

    Args:
        path: the file.
        cause: what is wrong, in words for the person who owns the file.
        frame: the first frame that could not be read, or None for the whole file.

    >>> str(VideoError("a.mp4", "the file is empty"))
    'a.mp4: the file is empty'
    >>> str(VideoError("a.mp4", "the file ends early", frame=7))
    'a.mp4, frame 7: the file ends early'
    """

    def __init__(self, path: str | os.PathLike, cause: str, frame: int | None = None):
        self.path, self.cause, self.frame = os.fspath(path), cause, frame
        where = self.path if frame is None else f"{self.path}, frame {frame}"
        super().__init__(f"{where}: {cause}")

    def __reduce__(self):
        """Keep all three parts when a data-loading worker sends the error home."""
        return type(self), (self.path, self.cause, self.frame)


class FrameIndexError(VideoError, IndexError):
    """A frame number outside the video (also an `IndexError`)."""
