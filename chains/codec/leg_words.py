"""One 32-byte word a leg, and the chunks in which words are proven and executed.

Word: kind u8 | a u32 | b u32 | instrument u32 | x u64 | y i64 | slotA u8 | slotB u8 | spare u8.
Fields that a kind does not use are zero; a word with anything else in them is refused, so that
a leg has exactly one word.
"""

from collections.abc import Sequence
from struct import Struct
from typing import assert_never

from chains.codec.fields import FieldOutOfRange, signed, unsigned
from chains.legs import Close, Credit, Deficit, Haircut, Leg

__all__ = ["LEGS_PER_CHUNK_MAX", "chunked", "pack_leg", "pack_legs", "unpack_leg"]

LEGS_PER_CHUNK_MAX = 32
"""4 + 32 n bytes never look like a Merkle node, and one bitmap word serves a chunk."""

_WORD = Struct(">BIIIQqBBB")
_DEFICIT, _CLOSE, _HAIRCUT, _CREDIT = 1, 2, 3, 4


def pack_leg(leg: Leg) -> bytes:
    """The 32-byte word of one leg; raises FieldOutOfRange."""
    match leg:
        case Deficit():
            return _money_word(_DEFICIT, leg.account, 0, leg.limit_micro)
        case Close():
            return _close_word(leg)
        case Haircut():
            return _money_word(_HAIRCUT, leg.account, leg.box, leg.target_micro)
        case Credit():
            return _money_word(_CREDIT, leg.account, 0, leg.target_micro)
        case _:
            assert_never(leg)


def pack_legs(legs: Sequence[Leg]) -> tuple[bytes, ...]:
    """The words of legs in order; raises FieldOutOfRange naming the leg's row."""
    words = []
    for row, leg in enumerate(legs):
        try:
            words.append(pack_leg(leg))
        except FieldOutOfRange as error:
            raise FieldOutOfRange(f"leg {row} ({type(leg).__name__}): {error}") from None
    return tuple(words)


def unpack_leg(word: bytes) -> Leg:
    """The leg of one word; raises FieldOutOfRange for an unknown kind or a stray field."""
    if len(word) != _WORD.size:
        raise FieldOutOfRange(f"a leg word has {len(word)} bytes, 32 are needed")
    kind, a, b, instrument, x, y, slot_a, slot_b, _ = _WORD.unpack(word)
    leg: Leg
    match kind:
        case 1:
            leg = Deficit(a, x)
        case 2:
            leg = Close(a, b, instrument, x, y, slot_a, slot_b)
        case 3:
            leg = Haircut(a, b, x)
        case 4:
            leg = Credit(a, x)
        case _:
            raise FieldOutOfRange(f"leg kind {kind} is unknown (1 to 4 are known)")
    if pack_leg(leg) != word:
        raise FieldOutOfRange(f"leg word 0x{word.hex()} uses a field its kind does not have")
    return leg


def chunked(words: Sequence[bytes], size: int) -> tuple[tuple[bytes, ...], ...]:
    """Words in chunks of ``size`` (1 to 32), the last one shorter; raises FieldOutOfRange."""
    if not 1 <= size <= LEGS_PER_CHUNK_MAX:
        raise FieldOutOfRange(f"chunk size {size} is not in 1..{LEGS_PER_CHUNK_MAX}")
    return tuple(tuple(words[start : start + size]) for start in range(0, len(words), size))


def _money_word(kind: int, account: int, box: int, amount_micro: int) -> bytes:
    unsigned("account", account, bits=32)
    unsigned("box", box, bits=32)
    unsigned("amount_micro", amount_micro, bits=64)
    return _WORD.pack(kind, account, box, 0, amount_micro, 0, 0, 0, 0)


def _close_word(leg: Close) -> bytes:
    return _WORD.pack(
        _CLOSE,
        unsigned("account", leg.account, bits=32),
        unsigned("counterparty", leg.counterparty, bits=32),
        unsigned("instrument", leg.instrument, bits=32),
        unsigned("lots", leg.lots, bits=64),
        signed("price_micro", leg.price_micro, bits=64),
        unsigned("slot_account", leg.slot_account, bits=8),
        unsigned("slot_counterparty", leg.slot_counterparty, bits=8),
        0,
    )
