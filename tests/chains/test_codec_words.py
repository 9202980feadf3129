"""Words <-> columns and legs: exact bytes, round trips, and every refusal by name."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chains.codec.fields import FieldOutOfRange
from chains.codec.instruments import (
    decode_instruments,
    encode_instruments,
    pack_funding,
    pack_instrument,
    pack_mark,
    pack_underlying,
    unpack_underlying,
)
from chains.codec.leg_words import chunked, pack_leg, pack_legs, unpack_leg
from chains.codec.slots import decode_slots, encode_slots
from chains.errors import ChainStateInvalid
from chains.legs import Close, Credit, Deficit, Haircut
from chains.model import (
    AccountColumns,
    Instrument,
    InstrumentKind,
    MarkColumns,
    PositionColumns,
    Right,
    read_only,
)

I64 = st.integers(-(2**63), 2**63 - 1)
U64 = st.integers(0, 2**64 - 1)
U32 = st.integers(0, 2**32 - 1)
U8 = st.integers(0, 255)
LEGS = st.one_of(
    st.builds(Deficit, U32, U64),
    st.builds(Close, U32, U32, U32, U64, I64, U8, U8),
    st.builds(Haircut, U32, U32, U64),
    st.builds(Credit, U32, U64),
)


def two_accounts_three_positions() -> tuple[AccountColumns, PositionColumns]:
    accounts = AccountColumns(
        cash=read_only([5_000_000, -7]),
        realised_now=read_only([-1, 2]),
        realised_prev=read_only([3, -4]),
        windows=read_only([490_000, 0]),
        counts=read_only([1, 2]),
        flags=read_only([0, 1]),
        owners=np.arange(40, dtype=np.uint8).reshape(2, 20),
        groups=np.arange(64, dtype=np.uint8).reshape(2, 32),
    )
    positions = PositionColumns(
        accounts=read_only([0, 1, 1]),
        instruments=read_only([7, 0, 2**32 - 1]),
        lots=read_only([-10, 10, 1]),
        costs=read_only([-(2**63), 2**63 - 1, 0]),
    )
    return accounts, positions


def raw_slots() -> bytearray:
    return bytearray(encode_slots(*two_accounts_three_positions()))


def test_slots_have_the_documented_bytes() -> None:
    raw = bytes(raw_slots())
    assert len(raw) == 32 * (3 + 1 + 3 + 2)
    assert raw[:32].hex() == (
        "00000000004c4b40"  # cash
        "ffffffffffffffff"  # realised now
        "0000000000000003"  # realised before
        "00077a10"  # window
        "01"  # count
        "00"  # flags
        "0000"
    )
    assert raw[32:64] == bytes(12) + bytes(range(20))
    assert raw[64:96] == bytes(range(32))
    assert raw[96:128].hex() == "0000000000000007fffffffffffffff68" + "0" * 31


def test_slots_survive_a_round_trip() -> None:
    accounts, positions = two_accounts_three_positions()
    decoded_accounts, decoded_positions = decode_slots(bytes(raw_slots()), accounts=2)
    for field in dataclasses.fields(AccountColumns):
        np.testing.assert_array_equal(
            getattr(decoded_accounts, field.name), getattr(accounts, field.name)
        )
    for field in dataclasses.fields(PositionColumns):
        np.testing.assert_array_equal(
            getattr(decoded_positions, field.name), getattr(positions, field.name)
        )
    assert not decoded_accounts.cash.flags.writeable
    assert not decoded_accounts.owners.flags.writeable


@given(st.lists(st.tuples(I64, I64, I64, U32, st.integers(0, 16), st.integers(0, 1)), max_size=9))
def test_every_book_survives_a_round_trip(rows: list[tuple[int, ...]]) -> None:
    columns = [read_only([row[field] for row in rows]) for field in range(6)]
    owners = np.full((len(rows), 20), 7, np.uint8)
    accounts = AccountColumns(*columns, owners, np.full((len(rows), 32), 9, np.uint8))
    numbers = read_only(np.repeat(np.arange(len(rows)), accounts.counts))
    rank = read_only(np.arange(len(numbers)) + 1)
    raw = encode_slots(accounts, PositionColumns(numbers, rank, -rank, rank * 3))
    assert encode_slots(*decode_slots(raw, accounts=len(rows))) == raw


def test_no_accounts_are_no_rows() -> None:
    accounts, positions = decode_slots(b"", accounts=0)
    assert (len(accounts), len(positions)) == (0, 0)


@pytest.mark.parametrize(
    ("byte", "value", "complaint"),
    [
        (28, 17, "their 2 accounts say|end before"),
        (29, 2, "account 0 has an unknown flag"),
        (31, 1, "account 0 has bits in the spare"),
        (32 + 11, 1, "account 0 has an owner of more than 20 bytes"),
        (96 + 3, 9, "account 0 holds a position that names another account"),
        (96 + 31, 1, "account 0 holds a position with bits in its spare field"),
    ],
)
def test_a_slot_that_cannot_be_true_is_refused(byte: int, value: int, complaint: str) -> None:
    raw = raw_slots()
    raw[byte] = value
    with pytest.raises(ChainStateInvalid, match=complaint):
        decode_slots(bytes(raw), accounts=2)


def test_a_position_of_zero_lots_is_refused() -> None:
    raw = raw_slots()
    raw[96 + 8 : 96 + 16] = bytes(8)
    with pytest.raises(FieldOutOfRange, match="account 0 holds a position of zero lots"):
        decode_slots(bytes(raw), accounts=2)


def test_more_than_sixteen_positions_are_refused() -> None:
    raw = bytes(28) + b"\x11" + bytes(3) + bytes(64) + bytes(32) * 17
    with pytest.raises(FieldOutOfRange, match="account 0 holds more than 16 positions"):
        decode_slots(raw, accounts=1)


@pytest.mark.parametrize("accounts", [1, 3])
def test_slots_of_another_number_of_accounts_are_refused(accounts: int) -> None:
    with pytest.raises(FieldOutOfRange, match=r"accounts say|end before account 2"):
        decode_slots(bytes(raw_slots()), accounts=accounts)


def test_slots_torn_inside_a_word_are_refused() -> None:
    with pytest.raises(FieldOutOfRange, match="no whole number of 32-byte words"):
        decode_slots(bytes(raw_slots())[:-1], accounts=2)


def test_a_column_of_another_type_is_refused() -> None:
    accounts, positions = two_accounts_three_positions()
    floating = dataclasses.replace(accounts, cash=accounts.cash.astype(np.float64))
    with pytest.raises(FieldOutOfRange, match="column cash has type float64"):
        encode_slots(floating, positions)


def test_a_column_out_of_range_is_refused_by_row() -> None:
    accounts, positions = two_accounts_three_positions()
    wide = dataclasses.replace(accounts, windows=read_only([0, 2**32]))
    with pytest.raises(FieldOutOfRange, match="window of row 1 = 4294967296"):
        encode_slots(wide, positions)


def btc_call_and_perpetual() -> tuple[tuple[Instrument, ...], MarkColumns]:
    call = Instrument(0, InstrumentKind.OPTION, "BTC", 1_800_000_000, 10**11, Right.CALL, 10**7)
    perpetual = Instrument(1, InstrumentKind.PERPETUAL, "ETH", 0, 0, Right.CALL, 10**8)
    marks = MarkColumns(
        marks=read_only([12_000_000, 0]),
        mm_per_lots=read_only([3_000_000, 0]),
        bands=read_only([100_000, 0]),
        times_s=read_only([1_799_999_990, 0]),
        cumulative_fundings=read_only([0, -25]),
    )
    return (call, perpetual), marks


def test_instruments_survive_a_round_trip() -> None:
    instruments, marks = btc_call_and_perpetual()
    raw = encode_instruments(instruments, marks, underlyings=("BTC", "ETH"))
    assert len(raw) == 2 * 96
    decoded, decoded_marks = decode_instruments(raw, underlyings=("BTC", "ETH"))
    assert decoded == instruments
    for field in dataclasses.fields(MarkColumns):
        np.testing.assert_array_equal(
            getattr(decoded_marks, field.name), getattr(marks, field.name)
        )


@pytest.mark.parametrize(
    ("byte", "complaint"),
    [
        (0, "instrument 0: kind 255"),
        (1, "instrument 0: kind 0, right 255"),
        (2, "underlying 65280 of 2 is unknown"),
        (4, "instrument 0: word 0x"),
        (31, "instrument 0: word 0x"),
        (32, "mark of row 0 is above"),
        (63, "the mark of instrument 0 names another"),
        (64, "cumulative funding of instrument 0"),
    ],
)
def test_an_instrument_that_cannot_be_true_is_refused(byte: int, complaint: str) -> None:
    instruments, marks = btc_call_and_perpetual()
    raw = bytearray(encode_instruments(instruments, marks, underlyings=("BTC", "ETH")))
    raw[byte] = 255 if byte != 64 else 1
    with pytest.raises(ChainStateInvalid, match=complaint):
        decode_instruments(bytes(raw), underlyings=("BTC", "ETH"))


def test_half_an_instrument_is_refused() -> None:
    with pytest.raises(FieldOutOfRange, match="no multiple of 3"):
        decode_instruments(bytes(64), underlyings=("BTC",))


def test_an_instrument_of_an_unknown_underlying_is_not_packed() -> None:
    (call, _), _ = btc_call_and_perpetual()
    with pytest.raises(FieldOutOfRange, match="underlying BTC is not one of ETH"):
        pack_instrument(call, underlyings=("ETH",))


def test_mark_and_funding_words_have_the_documented_bytes() -> None:
    mark = pack_mark(instrument=5, mark_micro=1, mm_per_lot_micro=2, band_micro=3, time_s=4)
    assert mark.hex() == "0" * 15 + "1" + "0" * 15 + "2" + "0" * 15 + "3" + "0000000400000005"
    funding = pack_funding(instrument=5, cumulative_micro=-1, sequence=9)
    assert funding.hex() == "f" * 16 + "0" * 15 + "9" + "0" * 24 + "00000005"


@pytest.mark.parametrize("name", ["", "x" * 33, "BTC\0", "Ω"])
def test_a_name_that_does_not_fit_is_refused(name: str) -> None:
    with pytest.raises(FieldOutOfRange, match="is not 1 to 32 ASCII letters"):
        pack_underlying(name)


def test_underlying_names_survive_a_round_trip() -> None:
    assert unpack_underlying(pack_underlying("BTC")) == "BTC"
    with pytest.raises(FieldOutOfRange, match="is not an ASCII name"):
        unpack_underlying(bytes(32))


def test_a_close_has_the_documented_bytes() -> None:
    assert pack_leg(Close(1, 2, 3, 4, -5, 6, 7)).hex() == (
        "020000000100000002000000030000000000000004fffffffffffffffb060700"
    )


@given(LEGS)
def test_every_leg_survives_a_round_trip(leg: Deficit | Close | Haircut | Credit) -> None:
    assert unpack_leg(pack_leg(leg)) == leg


@settings(max_examples=300)
@given(st.binary(min_size=32, max_size=32), st.integers(0, 5))
def test_a_word_is_one_leg_or_refused(tail: bytes, kind: int) -> None:
    word = bytes((kind,)) + tail[1:]
    try:
        leg = unpack_leg(word)
    except FieldOutOfRange:
        return
    assert pack_leg(leg) == word


def test_unknown_legs_and_stray_fields_are_refused() -> None:
    with pytest.raises(FieldOutOfRange, match="leg kind 5 is unknown"):
        unpack_leg(b"\x05" + bytes(31))
    with pytest.raises(FieldOutOfRange, match="uses a field its kind does not have"):
        unpack_leg(b"\x01" + bytes(30) + b"\x01")
    with pytest.raises(FieldOutOfRange, match="31 bytes"):
        unpack_leg(bytes(31))


def test_a_leg_out_of_range_is_refused_by_row_and_field() -> None:
    with pytest.raises(FieldOutOfRange, match=r"leg 1 \(Credit\): amount_micro = -1"):
        pack_legs((Deficit(0, 1), Credit(0, -1)))


def test_chunks_keep_order_and_are_at_most_32() -> None:
    words = [bytes((i,)) * 32 for i in range(7)]
    chunks = chunked(words, 3)
    assert [len(chunk) for chunk in chunks] == [3, 3, 1]
    assert [word for chunk in chunks for word in chunk] == words
    for size in (0, 33):
        with pytest.raises(FieldOutOfRange, match=f"chunk size {size}"):
            chunked(words, size)
