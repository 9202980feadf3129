"""The book: validated once, multiplied exactly, cut by underlying."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from kernels.book import (
    Book,
    account_costs,
    gross,
    make_book,
    split_by,
    sum_segments,
    take_accounts,
    values,
)
from kernels.errors import KernelInputError

N_INSTRUMENTS = 6


def two_accounts__one_empty_between() -> dict[str, list[int]]:
    return {
        "account_starts": [0, 2, 2, 5],
        "instrument_rows": [0, 3, 1, 2, 5],
        "lots": [10, -4, 7, 7, -1],
        "costs": [100, -50, 3, 0, 9],
    }


def book_of(accounts: list[dict[int, int]], n_instruments: int = N_INSTRUMENTS) -> Book:
    """A book from one {instrument row: lots} per account."""
    rows = [row for account in accounts for row in sorted(account)]
    lots = [account[row] for account in accounts for row in sorted(account)]
    return make_book(
        account_starts=np.cumsum([0, *map(len, accounts)]),
        instrument_rows=np.array(rows, dtype=np.int64),
        lots=np.array(lots, dtype=np.int64),
        costs=np.zeros(len(rows), dtype=np.int64),
        n_instruments=n_instruments,
    )


def products_in_python(accounts: list[dict[int, int]], table: np.ndarray) -> list[list[int]]:
    rows = table.tolist()
    return [
        [
            sum(lots * rows[i][column] for i, lots in account.items())
            for column in range(len(rows[0]))
        ]
        for account in accounts
    ]


@pytest.mark.parametrize(
    ("change", "field", "row"),
    [
        ({"account_starts": [1, 2, 2, 5]}, "account_starts", None),
        ({"account_starts": []}, "account_starts", None),
        ({"account_starts": [0, 3, 2, 5]}, "account_starts", 1),
        ({"account_starts": [0, 2, 2, 4]}, "account_starts", None),
        ({"instrument_rows": [0, 3, 1, 1, 5]}, "instrument_rows", 3),
        ({"instrument_rows": [3, 0, 1, 2, 5]}, "instrument_rows", 1),
        ({"instrument_rows": [0, 3, 1, 2, 6]}, "instrument_rows", 4),
        ({"instrument_rows": [-1, 3, 1, 2, 5]}, "instrument_rows", 0),
        ({"lots": [1, 2, 3, 4]}, "lots", None),
        ({"costs": [1, 2, 3, 4]}, "costs", None),
        ({"lots": [10, -4, 2**61, 2**61, -1]}, "accounts", 2),
        ({"costs": [-(2**61), 2**61, 3, 0, 9]}, "accounts", 0),
    ],
)
def test_a_book_out_of_order_or_range_is_refused_by_field_and_row(
    change: dict[str, list[int]], field: str, row: int | None
) -> None:
    with pytest.raises(KernelInputError) as refusal:
        make_book(**(two_accounts__one_empty_between() | change), n_instruments=N_INSTRUMENTS)
    assert (refusal.value.field, refusal.value.row) == (field, row)


def test_lots_that_are_not_integers_are_refused() -> None:
    columns = two_accounts__one_empty_between() | {"lots": [1.0, 2.0, 3.0, 4.0, 5.0]}
    with pytest.raises(KernelInputError, match="lots"):
        make_book(**columns, n_instruments=N_INSTRUMENTS)


def test_a_book_cannot_be_changed_after_it_was_checked() -> None:
    book = make_book(**two_accounts__one_empty_between(), n_instruments=N_INSTRUMENTS)
    with pytest.raises(ValueError, match="read-only"):
        book.lots[0] = 1


def test_values_of_a_small_book_by_hand() -> None:
    book = make_book(**two_accounts__one_empty_between(), n_instruments=N_INSTRUMENTS)
    table = np.array([[1, 2], [10, 20], [100, 200], [5, -5], [0, 0], [7, 8]])
    assert values(book, table).tolist() == [[-10, 40], [0, 0], [763, 1532]]
    assert gross(book, np.abs(table)).tolist() == [[30, 40], [0, 0], [777, 1548]]
    assert account_costs(book).tolist() == [50, 0, 12]


@pytest.mark.parametrize("table", [np.zeros((5, 2), dtype=np.int64), np.zeros(6, dtype=np.int64)])
def test_a_table_of_another_shape_is_refused(table: np.ndarray) -> None:
    book = make_book(**two_accounts__one_empty_between(), n_instruments=N_INSTRUMENTS)
    with pytest.raises(KernelInputError, match="table"):
        values(book, table)


def test_a_value_beyond_int64_is_refused_and_names_the_account() -> None:
    book = book_of([{0: 1}, {0: 2**31, 1: 2**31}])
    table = np.full((N_INSTRUMENTS, 1), 2**29)
    assert values(book, table).tolist() == [[2**29], [2**61]]
    with pytest.raises(KernelInputError, match=r"accounts\[1\]"):
        values(book, table * 2)


accounts_of_lots = st.lists(
    st.dictionaries(st.integers(0, N_INSTRUMENTS - 1), st.integers(-(2**20), 2**20)), max_size=12
)


@given(
    accounts_of_lots,
    st.sampled_from([10, 32, 38]),
    st.sampled_from([1, 8, 9]),
    st.integers(0, 2**32),
)
def test_values_are_the_integers_of_python_on_both_sides_of_2_to_the_53(
    accounts: list[dict[int, int]], bits: int, width: int, seed: int
) -> None:
    table = np.random.default_rng(seed).integers(-(2**bits), 2**bits, (N_INSTRUMENTS, width))
    assert values(book_of(accounts), table).tolist() == products_in_python(accounts, table)


def crowd() -> tuple[Book, np.ndarray]:
    """3,000 accounts of 0 to 40 positions and one of 5,000, on 6,000 instruments."""
    rng = np.random.default_rng(7)
    lengths = rng.integers(0, 40, 3000)
    lengths[17] = 5000
    starts = np.concatenate([[0], np.cumsum(lengths)])
    rows = np.concatenate([np.sort(rng.choice(6000, size, replace=False)) for size in lengths])
    book = make_book(
        account_starts=starts,
        instrument_rows=rows,
        lots=rng.integers(-1000, 1000, rows.size),
        costs=rng.integers(-1000, 1000, rows.size),
        n_instruments=6000,
    )
    return book, rng.integers(-(10**9), 10**9, (6000, 32))


def test_a_crowd_has_the_values_of_a_sparse_product() -> None:
    book, table = crowd()
    matrix = sparse.csr_matrix(
        (book.lots, book.instrument_rows, book.account_starts), shape=(3000, 6000)
    )
    expected = matrix @ table
    assert (values(book, table) == expected).all()
    assert (values(book, table * 10**3) == expected * 10**3).all()  # the int64 path


def test_accounts_taken_in_blocks_have_the_values_of_the_whole() -> None:
    book, table = crowd()
    blocks = [values(take_accounts(book, slice(i, i + 700)), table) for i in range(0, 3000, 700)]
    assert (np.concatenate(blocks) == values(book, table)).all()


def test_pieces_by_group_add_up_to_their_account() -> None:
    book, table = crowd()
    pieces = split_by(book, np.arange(6000) // 1000)
    parts = values(pieces.book, table)
    for column in (0, 31):
        total = sum_segments(parts[:, column].copy(), pieces.account_starts)
        assert (total == values(book, table)[:, column]).all()


def test_a_split_knows_the_group_and_the_owner_of_each_piece() -> None:
    book = make_book(**two_accounts__one_empty_between(), n_instruments=N_INSTRUMENTS)
    pieces = split_by(book, [0, 0, 0, 1, 1, 4])
    assert pieces.groups.tolist() == [0, 1, 0, 4]
    assert pieces.account_starts.tolist() == [0, 2, 2, 4]
    assert pieces.book.account_starts.tolist() == [0, 1, 2, 4, 5]


@pytest.mark.parametrize("groups", [[0, 1], [0, 0, 1, 0, 2, 2]])
def test_groups_that_fall_or_miss_an_instrument_are_refused(groups: list[int]) -> None:
    book = make_book(**two_accounts__one_empty_between(), n_instruments=N_INSTRUMENTS)
    with pytest.raises(KernelInputError, match="groups"):
        split_by(book, groups)


def test_segment_sums_beyond_int64_are_refused() -> None:
    with pytest.raises(KernelInputError, match=r"accounts\[1\]"):
        sum_segments(np.array([1, 2**61, 2**61]), np.array([0, 1, 3]))


def test_a_book_without_accounts_has_no_values() -> None:
    assert values(book_of([]), np.ones((N_INSTRUMENTS, 4), dtype=np.int64)).shape == (0, 4)
