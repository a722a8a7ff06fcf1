"""Looks at a file's outer boxes: is it a whole file, and if not, what is missing?

Decoders read a cut file as a shorter video without a word (Matroska, GIF) or with an
error that explains nothing (MP4 without its index).  The outer layer of the common
containers says how long the file should be, so a few bytes settle the question.
MPEG program and transport streams carry no length.  A transport stream is a row of
packets of one size, so a cut inside a packet is seen; a cut between two packets is
seen only by the decoder, if it falls inside a frame.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

ENDS_EARLY = "the file ends early"
# Transport stream packets: their size and where in them the sync byte is (plain, with
# a time stamp in front as on Blu-ray discs, with error correction behind).
_TS_PACKETS = ((188, 0), (192, 4), (204, 0))
_TS_SYNC = 0x47


def missing_part(path: str | os.PathLike) -> str | None:
    """Say what a file lacks, or None when its outer boxes are whole or unknown.

    Args:
        path: any file.

    Returns:
        A cause for a message ("the file is empty", "the file ends early: ...") or None.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     missing_part(file.name)
    'the file is empty'
    """
    path = Path(path)
    if not path.exists():
        return "no such file"
    if path.is_dir():
        return "this is a folder, not a file"
    size = path.stat().st_size
    if size == 0:
        return "the file is empty"
    try:
        with path.open("rb") as file:
            head = file.read(16)
            file.seek(0)
            return _check(head, file, size)
    except OSError as error:
        return f"the file cannot be opened ({error.strerror or error})"


def _check(head: bytes, file: BinaryIO, size: int) -> str | None:
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide"):
        return _mp4(file, size)
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        # 0 and all ones are written by programs that did not know the length.
        declared = int.from_bytes(head[4:8], "little")
        return None if declared in (0, 2**32 - 1) else _short(declared + 8, size)
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _matroska(file, size)
    if head[:4] == b"GIF8":
        file.seek(max(0, size - 64))
        # Some writers pad after the trailer byte.
        whole = file.read().rstrip(b"\x00").endswith(b"\x3b")
        return None if whole else f"{ENDS_EARLY}: the GIF has no end mark"
    return _transport_stream(file, size)


def _short(declared: int, size: int) -> str | None:
    if declared <= size + 1:  # one byte of padding may be left out
        return None
    return f"{ENDS_EARLY}: {size} of {declared} bytes are there"


def _mp4(file: BinaryIO, size: int) -> str | None:
    """Walk the top-level boxes; media and index boxes must lie inside the file."""
    at, has_index = 0, False
    while at + 8 <= size:
        file.seek(at)
        header = file.read(16)
        length, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:
            length = size - at
        has_index |= kind == b"moov"
        if length < 8:
            break
        if kind in (b"mdat", b"moov", b"moof") and at + length > size:
            return _short(at + length, size)
        at += length
    return None if has_index else f"{ENDS_EARLY}: the MP4 index (moov) is missing"


def _transport_stream(file: BinaryIO, size: int) -> str | None:
    """Packets of one size follow each other; the last one must be whole, too."""
    for length, sync in _TS_PACKETS:
        count, rest = divmod(size, length)
        starts = [*range(min(count, 5)), count - 1]
        if count < 3 or any(_byte(file, n * length + sync) != _TS_SYNC for n in starts):
            continue
        # Other bytes behind the last packet are padding, not a packet.
        if rest > sync and _byte(file, size - rest + sync) == _TS_SYNC:
            return f"{ENDS_EARLY}: its last packet is damaged or cut"
        return None
    return None


def _byte(file: BinaryIO, at: int) -> int:
    file.seek(at)
    return file.read(1)[0]


def _matroska(file: BinaryIO, size: int) -> str | None:
    """The EBML header is followed by one segment that states its own length."""
    file.seek(4)
    length, used = _ebml_length(file)
    segment_at = 4 + used + (length or 0)
    file.seek(segment_at)
    if file.read(4) != b"\x18\x53\x80\x67":
        return None
    length, used = _ebml_length(file)
    if length is None:  # a live stream: the length was not known when it was written
        return None
    return _short(segment_at + 4 + used + length, size)


def _ebml_length(file: BinaryIO) -> tuple[int | None, int]:
    """An EBML variable-length number and its bytes; None when it says "unknown"."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None, 1
    extra = 8 - first[0].bit_length()
    value = (first[0] & (0x7F >> extra)).to_bytes(1, "big") + file.read(extra)
    number = int.from_bytes(value, "big")
    return (None if number == 2 ** (7 * (extra + 1)) - 1 else number), extra + 1
