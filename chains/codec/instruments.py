"""Instruments and their marks: the bytes of ``instrumentWords(from, n)`` <-> model.

Per instrument three words. Instrument word: kind u8 | right u8 | underlying u16 | expiry u64 |
strike u64 | lot u64 | spare u32. Mark word: mark u64 | mmPerLot u64 | band u64 | time u32 |
instrument u32. Cumulative funding: int256. A funding post: cumFunding i64 | sequence u64 |
spare u96 | instrument u32.
"""

from collections.abc import Sequence
from struct import Struct

import numpy as np
import numpy.typing as npt

from chains.codec.columns import INT64_MAX, signed_column, table_of, unsigned_column
from chains.codec.fields import FieldOutOfRange, signed, unsigned
from chains.model import Instrument, InstrumentKind, MarkColumns, Right, read_only

__all__ = [
    "decode_instruments",
    "encode_instruments",
    "pack_funding",
    "pack_instrument",
    "pack_mark",
    "pack_underlying",
    "unpack_instrument",
    "unpack_underlying",
]

_INSTRUMENT = Struct(">BBHQQQI")
_MARK = Struct(">QQQII")
_FUNDING = Struct(">qQ12xI")
_MARKS = np.dtype(
    [
        ("mark", ">u8"),
        ("mm_per_lot", ">u8"),
        ("band", ">u8"),
        ("time", ">u4"),
        ("instrument", ">u4"),
    ]
)
_WORDS_PER_INSTRUMENT = 3


def decode_instruments(
    raw: bytes, *, underlyings: Sequence[str]
) -> tuple[tuple[Instrument, ...], MarkColumns]:
    """Instruments in order and their marks; raises FieldOutOfRange naming the instrument.

    A mark that was never posted is all zero and has time 0.
    """
    words = table_of("instrumentWords", raw)
    if len(words) % _WORDS_PER_INSTRUMENT:
        raise FieldOutOfRange(f"instrumentWords: {len(words)} words are no multiple of 3")
    instruments = tuple(
        unpack_instrument(words[row].tobytes(), instrument=row // 3, underlyings=underlyings)
        for row in range(0, len(words), _WORDS_PER_INSTRUMENT)
    )
    marks = np.ascontiguousarray(words[1::3]).view(_MARKS)[:, 0]
    _check_mark_rows(marks)
    return instruments, _mark_columns(marks, fundings=_fundings(words[2::3]))


def encode_instruments(
    instruments: Sequence[Instrument], marks: MarkColumns, *, underlyings: Sequence[str]
) -> bytes:
    """Inverse of :func:`decode_instruments`; raises FieldOutOfRange."""
    return b"".join(
        pack_instrument(instrument, underlyings=underlyings)
        + _stored_mark(marks, row=row)
        + int(marks.cumulative_fundings[row]).to_bytes(32, "big", signed=True)
        for row, instrument in enumerate(instruments)
    )


def pack_instrument(instrument: Instrument, *, underlyings: Sequence[str]) -> bytes:
    """The word that lists one instrument; raises FieldOutOfRange."""
    if instrument.underlying not in underlyings:
        raise FieldOutOfRange(
            f"instrument {instrument.instrument}: underlying {instrument.underlying} is not one of "
            f"{', '.join(underlyings) or 'none'}"
        )
    return _INSTRUMENT.pack(
        instrument.kind,
        instrument.right,
        unsigned("underlying", underlyings.index(instrument.underlying), bits=16),
        unsigned("expiry_s", instrument.expiry_s, bits=64),
        unsigned("strike_micro", instrument.strike_micro, bits=64),
        unsigned("lot_nano", instrument.lot_nano, bits=64),
        0,
    )


def unpack_instrument(word: bytes, *, instrument: int, underlyings: Sequence[str]) -> Instrument:
    """One listed instrument; raises FieldOutOfRange naming it."""
    kind, right, underlying, expiry_s, strike, lot, spare = _INSTRUMENT.unpack(word)
    if kind > max(InstrumentKind) or right > max(Right) or underlying >= len(underlyings):
        raise FieldOutOfRange(
            f"instrument {instrument}: kind {kind}, right {right} or underlying {underlying} "
            f"of {len(underlyings)} is unknown"
        )
    if spare or max(expiry_s, strike, lot) > INT64_MAX or lot == 0:
        raise FieldOutOfRange(f"instrument {instrument}: word 0x{word.hex()} cannot be true")
    return Instrument(
        instrument,
        InstrumentKind(kind),
        underlyings[underlying],
        expiry_s,
        strike,
        Right(right),
        lot,
    )


def pack_mark(
    *, instrument: int, mark_micro: int, mm_per_lot_micro: int, band_micro: int, time_s: int
) -> bytes:
    """The word that oracles post for one instrument, per lot; raises FieldOutOfRange."""
    return _MARK.pack(
        unsigned("mark_micro", mark_micro, bits=64),
        unsigned("mm_per_lot_micro", mm_per_lot_micro, bits=64),
        unsigned("band_micro", band_micro, bits=64),
        unsigned("time_s", time_s, bits=32),
        unsigned("instrument", instrument, bits=32),
    )


def pack_funding(*, instrument: int, cumulative_micro: int, sequence: int) -> bytes:
    """The word that oracles post for one instrument's cumulative funding per lot."""
    return _FUNDING.pack(
        signed("cumulative_micro", cumulative_micro, bits=64),
        unsigned("sequence", sequence, bits=64),
        unsigned("instrument", instrument, bits=32),
    )


def pack_underlying(name: str) -> bytes:
    """An underlying's name as bytes32, zeros on the right; ASCII, 1 to 32 letters."""
    if not name.isascii() or not 1 <= len(name) <= 32 or "\0" in name:
        raise FieldOutOfRange(f"underlying {name!r} is not 1 to 32 ASCII letters")
    return name.encode("ascii").ljust(32, b"\0")


def unpack_underlying(word: bytes) -> str:
    """Inverse of :func:`pack_underlying`."""
    name = word.rstrip(b"\0")
    if not name or b"\0" in name or not name.isascii():
        raise FieldOutOfRange(f"underlying 0x{word.hex()} is not an ASCII name")
    return name.decode("ascii")


def _check_mark_rows(marks: npt.NDArray[np.void]) -> None:
    is_wrong = (marks["time"] != 0) & (marks["instrument"] != np.arange(len(marks)))
    if is_wrong.any():
        row = int(np.argmax(is_wrong))
        raise FieldOutOfRange(f"the mark of instrument {row} names another instrument")


def _mark_columns(marks: npt.NDArray[np.void], *, fundings: Sequence[int]) -> MarkColumns:
    return MarkColumns(
        marks=unsigned_column("mark", marks["mark"]),
        mm_per_lots=unsigned_column("mm_per_lot", marks["mm_per_lot"]),
        bands=unsigned_column("band", marks["band"]),
        times_s=signed_column(marks["time"]),
        cumulative_fundings=read_only(fundings),
    )


def _fundings(words: npt.NDArray[np.uint8]) -> list[int]:
    values = [int.from_bytes(word.tobytes(), "big", signed=True) for word in words]
    for instrument, value in enumerate(values):
        signed(f"cumulative funding of instrument {instrument}", value, bits=64)
    return values


def _stored_mark(marks: MarkColumns, *, row: int) -> bytes:
    if not marks.times_s[row]:
        return bytes(32)
    return pack_mark(
        instrument=row,
        mark_micro=int(marks.marks[row]),
        mm_per_lot_micro=int(marks.mm_per_lots[row]),
        band_micro=int(marks.bands[row]),
        time_s=int(marks.times_s[row]),
    )
