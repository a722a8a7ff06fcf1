"""CRC-32C, the checksum that TensorFlow stores beside every tensor of a checkpoint.

A CRC's register is a vector of 32 bits, and feeding it zero bytes is a linear map of
them (over the field of two elements).  So the data are cut into many short lanes whose
registers advance side by side, and neighbouring lanes are joined, pair by pair, by the
map that belongs to their length: 50 MB take about a second in NumPy.

TensorFlow stores the checksum "masked" (rotated and shifted by a constant), so that a
checksum of data that hold checksums stays meaningful.
"""

from __future__ import annotations

from functools import cache

import numpy as np

_POLYNOMIAL = 0x82F63B78  # Castagnoli's, bits reversed
_ONES = np.uint32(0xFFFFFFFF)
_LANE = 64  # words of four bytes
_BITS = np.uint32(1) << np.arange(32, dtype=np.uint32)
_MASK_DELTA = 0xA282EAD8


def crc32c(data: bytes | np.ndarray) -> int:
    """CRC-32C (Castagnoli) of some bytes.

    Args:
        data: bytes, or an array whose bytes in memory are meant.

    Returns:
        the checksum, 0 .. 2**32 - 1.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    if isinstance(data, np.ndarray):
        octets = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
    else:
        octets = np.frombuffer(data, np.uint8)
    begin = _apply(_zeros(len(octets)), np.array([_ONES]))
    return int((begin ^ _from_zero(octets) ^ _ONES)[0])


def masked_crc32c(data: bytes | np.ndarray) -> int:
    """The checksum in the form in which TensorFlow stores it.

    Args:
        data: see `crc32c`.

    Returns:
        the rotated, shifted checksum, 0 .. 2**32 - 1.

    >>> hex(masked_crc32c(b"123456789"))
    '0xc78ab0e5'
    """
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def _from_zero(octets: np.ndarray) -> np.ndarray:
    """The register after the data, begun at zero, uint32 (1,)."""
    # Zero bytes in front leave a register of zero as it is: whole lanes for free.
    lanes = max(1, -(-len(octets) // (4 * _LANE)))
    padded = np.zeros(4 * _LANE * lanes, np.uint8)
    padded[len(padded) - len(octets) :] = octets
    words = np.ascontiguousarray(padded.view("<u4").reshape(lanes, _LANE).T)
    low, high = _word_tables()
    register = np.zeros(lanes, np.uint32)
    for word in words:
        register ^= word
        register = low[register & 0xFFFF] ^ high[register >> 16]
    length = 4 * _LANE
    while len(register) > 1:
        if len(register) % 2:
            register = np.concatenate([np.zeros(1, np.uint32), register])
        register = _apply(_zeros(length), register[0::2]) ^ register[1::2]
        length *= 2
    return register


def _apply(images: np.ndarray, registers: np.ndarray) -> np.ndarray:
    """A linear map, given by its images of the 32 unit vectors, on many registers."""
    out = np.zeros(len(registers), np.uint32)
    for bit, image in enumerate(images):
        out ^= ((registers >> np.uint32(bit)) & np.uint32(1)) * image
    return out


@cache
def _zeros(count: int) -> np.ndarray:
    """What `count` zero bytes make of the 32 unit vectors, uint32 (32,)."""
    if count == 0:
        return _BITS
    if count == 1:
        images = _BITS.copy()
        for _ in range(8):
            odd = (images & np.uint32(1)) * np.uint32(_POLYNOMIAL)
            images = (images >> np.uint32(1)) ^ odd
        return images
    half = _apply(_zeros(count // 2), _zeros(count // 2))
    return _apply(_zeros(1), half) if count % 2 else half


@cache
def _word_tables() -> tuple[np.ndarray, np.ndarray]:
    """What four zero bytes make of each lower and of each upper half of a register."""
    halves = np.arange(65536, dtype=np.uint32)
    return _apply(_zeros(4), halves), _apply(_zeros(4), halves << np.uint32(16))
