"""One byte form for every value that is digested."""

from dataclasses import dataclass
from enum import IntEnum

import cbor2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.legs import Credit, Deficit, Haircut, Leg, Slice
from chains.model import Columns, read_only
from coordinator.decide.canonical import CanonicalError, decode, digest, encode


class Colour(IntEnum):
    RED = 1
    BLUE = 2


@dataclass(frozen=True, slots=True)
class Inner:
    number: int
    name: str


@dataclass(frozen=True, slots=True)
class Outer:
    raw: bytes
    colour: Colour
    inners: tuple[Inner, ...]
    column: Columns


VALUE = Outer(b"\x01\x02", Colour.BLUE, (Inner(-5, "é"),), read_only([1, -2]))


def test_a_golden_vector_fixes_the_form() -> None:
    column = b"\x00" * 7 + b"\x01" + b"\xff" * 7 + b"\xfe"
    assert encode(VALUE) == cbor2.dumps([b"\x01\x02", 2, [[-5, "é"]], [[2], column]])
    assert digest("tag", Inner(1, "x")).hex() == (
        "586fad836bf184fadbcfaf51562a9fd9d287b9bd54aabd0e81dbbfaa62405bbe"
    )


def test_text_is_digested_in_one_normal_form() -> None:
    assert encode(Inner(1, "e\u0301")) == encode(Inner(1, "é"))


@pytest.mark.parametrize("bad", [1.5, None, True, {"a": 1}, [1]])
def test_floats_booleans_nulls_maps_and_lists_have_no_form(bad: object) -> None:
    with pytest.raises(CanonicalError, match="no canonical form"):
        encode((bad,))


def test_what_was_encoded_reads_back_equal() -> None:
    again = decode(Outer, encode(VALUE))
    assert (again.raw, again.colour, again.inners) == (VALUE.raw, VALUE.colour, VALUE.inners)
    assert again.column.tolist() == [1, -2]
    assert not again.column.flags.writeable


@pytest.mark.parametrize(
    ("plain", "named"),
    [
        ([b"", 2, []], "Outer: expected 4 fields"),
        (["x", 2, [], [[0], b""]], "Outer.raw: expected bytes"),
        ([b"", 9, [], [[0], b""]], "Outer.colour"),
        ([b"", 2, [[1]], [[0], b""]], r"Outer.inners\[0\]: expected 2 fields"),
        ([b"", 2, [], [[2], b"\x00" * 8]], "Outer.column"),
        ([b"", 2, [], b""], "Outer.column: expected"),
    ],
)
def test_a_wrong_shape_is_refused_by_name(plain: object, named: str) -> None:
    with pytest.raises(CanonicalError, match=named):
        decode(Outer, cbor2.dumps(plain))


def test_another_encoding_of_the_same_value_is_refused() -> None:
    long_form = b"\x82\x19\x00\x05\x61x"
    assert cbor2.loads(long_form) == [5, "x"]
    with pytest.raises(CanonicalError, match="not in canonical form"):
        decode(Inner, long_form)


@given(st.binary(max_size=64))
def test_random_bytes_never_raise_anything_else(data: bytes) -> None:
    try:
        value = decode(Slice, data)
    except CanonicalError:
        return
    assert encode(value) == data


legs = st.lists(
    st.one_of(
        st.builds(Deficit, st.integers(0, 9), st.integers(0, 9)),
        st.builds(Credit, st.integers(0, 9), st.integers(0, 9)),
        st.builds(Haircut, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)),
    )
)


@given(legs)
def test_members_of_a_union_keep_their_kind(some: list[Leg]) -> None:
    slice_ = Slice(1, b"\x01" * 20, tuple(some))
    assert decode(Slice, encode(slice_)) == slice_


def test_columns_of_other_shapes_are_kept() -> None:
    @dataclass(frozen=True, slots=True)
    class Table:
        rows: np.ndarray[tuple[int, int], np.dtype[np.uint8]]

    assert encode(Table(np.array([[1, 2]], dtype=np.uint8))) == cbor2.dumps([[[1, 2], b"\x01\x02"]])
