"""Calls and results of OptionsVenue; what each means stands on ``IDeleverageVenue.sol``."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from chains.base import Call
from chains.codec.abi import Function
from chains.codec.fields import FieldOutOfRange, address, unsigned

__all__ = [
    "add_underlying_call",
    "deposit_call",
    "fund_insurance_call",
    "instrument_words_call",
    "list_instrument_call",
    "open_accounts_for_call",
    "post_funding_call",
    "post_marks_call",
    "register_group_call",
    "reserve_call",
    "settle_call",
    "slots_call",
    "trade_call",
    "underlyings_call",
    "withdraw_call",
]

_SLOTS = Function("slots", ("uint32", "uint32"))
_INSTRUMENT_WORDS = Function("instrumentWords", ("uint32", "uint32"))
_UNDERLYINGS = Function("underlyings")
_RESERVE = Function("reserve")
_ADD_UNDERLYING = Function("addUnderlying", ("bytes32",))
_LIST_INSTRUMENT = Function("listInstrument", ("bytes32",))
_OPEN_ACCOUNTS_FOR = Function("openAccountsFor", ("address[]",))
_DEPOSIT = Function("deposit", ("uint32", "uint64"))
_WITHDRAW = Function("withdraw", ("uint32", "uint64", "address"))
_REGISTER_GROUP = Function("registerGroup", ("uint32", "bytes"))
_TRADE = Function("trade", ("(uint32,uint32,uint32,uint64,uint64)[]",))
_SETTLE = Function("settle", ("uint32", "uint32"))
_POST_MARKS = Function("postMarks", ("bytes32[]", "bytes"))
_POST_FUNDING = Function("postFunding", ("bytes32[]", "bytes"))
_FUND_INSURANCE = Function("fundInsurance", ("uint64",))

_MATCH_BITS = (32, 32, 32, 64, 64)


def slots_call(venue: bytes, *, first: int, count: int) -> Call:
    """Read accounts ``first`` .. ``first + count - 1`` with their positions."""
    return _SLOTS.call(venue, first, count)


def instrument_words_call(venue: bytes, *, first: int, count: int) -> Call:
    """Read instruments, marks and cumulative funding."""
    return _INSTRUMENT_WORDS.call(venue, first, count)


def underlyings_call(venue: bytes) -> Call:
    """Read the names of underlyings."""
    return _UNDERLYINGS.call(venue)


def reserve_call(venue: bytes) -> Call:
    """Read the address of the settlement contract."""
    return _RESERVE.call(venue)


def add_underlying_call(venue: bytes, name: bytes) -> Call:
    """Governance: add an underlying by its 32-byte name."""
    return _ADD_UNDERLYING.call(venue, name)


def list_instrument_call(venue: bytes, word: bytes) -> Call:
    """Governance: list an instrument by its word."""
    return _LIST_INSTRUMENT.call(venue, word)


def open_accounts_for_call(venue: bytes, owners: Sequence[bytes]) -> Call:
    """Matcher: open one account an owner, numbered upwards in this order."""
    return _OPEN_ACCOUNTS_FOR.call(venue, owners)


def deposit_call(venue: bytes, *, account: int, amount_micro: int) -> Call:
    """Bring approved tokens into an account."""
    return _DEPOSIT.call(venue, account, amount_micro)


def withdraw_call(venue: bytes, *, account: int, amount_micro: int, to: bytes) -> Call:
    """Owner: take cash out."""
    return _WITHDRAW.call(venue, account, amount_micro, address("to", to))


def register_group_call(venue: bytes, *, account: int, members: bytes) -> Call:
    """Owner: join a margin group; ``members`` from :func:`chains.codec.merkle.pack_members`."""
    return _REGISTER_GROUP.call(venue, account, members)


def trade_call(venue: bytes, matches: npt.NDArray[np.int64]) -> Call:
    """Matcher: trade. Rows (buyer, seller, instrument, lots, price micro), shape (n, 5).

    Laid out by NumPy because a book of 10^5 positions is seeded through it.
    """
    return Call(address("to", venue), _TRADE.selector + _match_array(matches))


def settle_call(venue: bytes, *, account: int, instrument: int) -> Call:
    """Settle a position of an expired instrument at its final mark."""
    return _SETTLE.call(venue, account, instrument)


def post_marks_call(venue: bytes, words: Sequence[bytes], signatures: bytes) -> Call:
    """Post mark words under the oracles' quorum."""
    return _POST_MARKS.call(venue, words, signatures)


def post_funding_call(venue: bytes, words: Sequence[bytes], signatures: bytes) -> Call:
    """Post funding words under the oracles' quorum."""
    return _POST_FUNDING.call(venue, words, signatures)


def fund_insurance_call(venue: bytes, amount_micro: int) -> Call:
    """Bring approved tokens into the insurance fund."""
    return _FUND_INSURANCE.call(venue, amount_micro)


def _match_array(matches: npt.NDArray[np.int64]) -> bytes:
    if matches.ndim != 2 or matches.shape[1] != len(_MATCH_BITS):
        raise FieldOutOfRange(f"matches have shape {matches.shape}, (n, 5) is needed")
    for column, bits in enumerate(_MATCH_BITS):
        if len(matches):
            unsigned(f"lowest of match column {column}", int(matches[:, column].min()), bits=bits)
            unsigned(f"highest of match column {column}", int(matches[:, column].max()), bits=bits)
    words = np.zeros((matches.size, 4), dtype=">u8")
    words[:, 3] = matches.ravel()
    return (32).to_bytes(32, "big") + len(matches).to_bytes(32, "big") + words.tobytes()
