"""Who pays: budgets over venues, own need first, then edges inside lines, reserves and cash."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.model import read_only
from coordinator.decide.money import Debtor, Payers, Payments, VenueMoney, share_money
from coordinator.decide.policy import MoneyPolicy

PLENTY = 10**15


def payers(*rows: tuple[int, int, int, int]) -> Payers:
    """Rows of (account, place in the ranking, payable, cash)."""
    columns = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    return Payers(*(read_only(column) for column in columns))


def venue(
    *,
    owes: tuple[tuple[int, int], ...] = (),
    winners: Payers | None = None,
    cap: int = PLENTY,
    free: int = PLENTY,
    room: dict[int, int] | None = None,
) -> VenueMoney:
    return VenueMoney(
        debtors=tuple(Debtor(account, micro) for account, micro in owes),
        payers=winners if winners is not None else payers(),
        cap_micro=cap,
        reserve_free_micro=free,
        room=room or {},
    )


def test_without_need_nobody_pays() -> None:
    lone = venue(winners=payers((0, 0, 100, 100)))
    assert share_money([lone], MoneyPolicy.PRO_RATA) == Payments(((),), ((),), ())


def test_own_winners_pay_pro_rata_to_the_micro() -> None:
    book = venue(owes=((9, 100),), winners=payers((0, 0, 100, 0), (1, 1, 200, 0)))
    paid = share_money([book], MoneyPolicy.PRO_RATA)
    assert paid.haircuts == (((0, 33), (1, 67)),)
    assert paid.credits == (((9, 100),),)
    assert paid.transfers == ()


def test_a_queue_exhausts_the_highest_rank_first() -> None:
    book = venue(owes=((9, 150),), winners=payers((3, 0, 100, 0), (1, 1, 200, 0)))
    assert share_money([book], MoneyPolicy.QUEUE).haircuts == (((3, 100), (1, 50)),)


def test_what_winners_cannot_pay_stays_open() -> None:
    book = venue(owes=((7, 60), (8, 60)), winners=payers((0, 0, 100, 0)))
    paid = share_money([book], MoneyPolicy.PRO_RATA)
    assert paid.credits == (((7, 60), (8, 40)),)


def test_winners_of_another_chain_pay_over_one_edge() -> None:
    debtor = venue(owes=((4, 90),), winners=payers((0, 0, 100, 100)), room={1: PLENTY})
    lender = venue(winners=payers((5, 1, 200, 200)))
    paid = share_money([debtor, lender], MoneyPolicy.PRO_RATA)
    assert paid.haircuts == (((0, 30),), ())
    assert paid.credits == (((4, 30),), ())
    (edge,) = paid.transfers
    assert (edge.debtor_venue, edge.debtor, edge.lender_venue) == (0, 4, 1)
    assert edge.payments == ((5, 60),)


def test_without_a_credit_line_the_debtors_own_winners_pay_all() -> None:
    debtor = venue(owes=((4, 90),), winners=payers((0, 0, 100, 100)))
    lender = venue(winners=payers((5, 1, 200, 200)))
    paid = share_money([debtor, lender], MoneyPolicy.PRO_RATA)
    assert paid.haircuts == (((0, 90),), ())
    assert paid.transfers == ()


@pytest.mark.parametrize(
    ("free", "room", "cash"), [(25, PLENTY, 200), (PLENTY, 25, 200), (PLENTY, PLENTY, 25)]
)
def test_an_edge_stops_at_reserve_line_or_cash_and_own_winners_fill_up(
    free: int, room: int, cash: int
) -> None:
    debtor = venue(owes=((4, 90),), winners=payers((0, 0, 100, 100)), free=free, room={1: room})
    lender = venue(winners=payers((5, 1, 200, cash)))
    paid = share_money([debtor, lender], MoneyPolicy.PRO_RATA)
    assert paid.transfers[0].amount_micro == 25
    assert paid.haircuts == (((0, 65),), ())
    assert paid.credits == (((4, 65),), ())


def test_a_venue_at_its_cap_leaves_the_rest_to_the_others() -> None:
    debtor = venue(owes=((4, 90),), winners=payers((0, 0, 100, 0)), room={1: PLENTY}, cap=10)
    lender = venue(winners=payers((5, 1, 200, 200)))
    paid = share_money([debtor, lender], MoneyPolicy.PRO_RATA)
    assert paid.haircuts == (((0, 10),), ())
    assert paid.transfers[0].amount_micro == 80


def test_local_money_goes_to_debtors_in_account_order_and_edges_to_the_rest() -> None:
    debtor = venue(owes=((1, 50), (2, 50)), winners=payers((0, 0, 60, 60)), room={1: PLENTY})
    lender = venue(winners=payers((5, 1, 40, 40)))
    paid = share_money([debtor, lender], MoneyPolicy.PRO_RATA)
    assert paid.credits == (((1, 50), (2, 10)), ())
    assert [(t.debtor, t.amount_micro) for t in paid.transfers] == [(2, 40)]


def test_one_payer_may_stand_in_two_edges() -> None:
    debtor = venue(owes=((1, 30), (2, 30)), room={1: PLENTY})
    lender = venue(winners=payers((5, 0, 60, 60)))
    paid = share_money([debtor, lender], MoneyPolicy.PRO_RATA)
    assert [t.payments for t in paid.transfers] == [((5, 30),), ((5, 30),)]


amounts = st.integers(min_value=0, max_value=10**12)


@st.composite
def venues(draw: st.DrawFn) -> list[VenueMoney]:
    count = draw(st.integers(1, 3))
    place = 0
    made = []
    for _ in range(count):
        rows = []
        for account in range(draw(st.integers(0, 4))):
            rows.append((account, place, draw(amounts) + 1, draw(amounts)))
            place += 1
        owes = tuple((100 + i, draw(amounts) + 1) for i in range(draw(st.integers(0, 3))))
        room = {w: draw(amounts) for w in range(count)}
        made.append(
            venue(
                owes=owes, winners=payers(*rows), cap=draw(amounts), free=draw(amounts), room=room
            )
        )
    for row, one in enumerate(made):
        one.room.pop(row, None)  # type: ignore[attr-defined]
    return made


@given(venues(), st.sampled_from(MoneyPolicy))
def test_money_in_equals_money_out_inside_every_cap(
    books: list[VenueMoney], policy: MoneyPolicy
) -> None:
    paid = share_money(books, policy)
    for row, book in enumerate(books):
        pays = {int(account): 0 for account in book.payers.accounts}
        for account, amount in paid.haircuts[row]:
            pays[account] += amount
        remote = dict.fromkeys(pays, 0)
        for transfer in paid.transfers:
            if transfer.lender_venue == row:
                for account, amount in transfer.payments:
                    remote[account] += amount
        limits = dict(zip(book.payers.accounts.tolist(), book.payers.payable.tolist(), strict=True))
        cash = dict(zip(book.payers.accounts.tolist(), book.payers.cash.tolist(), strict=True))
        assert all(pays[a] + remote[a] <= limits[a] for a in pays)
        assert all(remote[a] <= cash[a] for a in pays)
        assert sum(pays.values()) + sum(remote.values()) <= book.cap_micro
        assert sum(pays.values()) == sum(amount for _, amount in paid.credits[row])
        received = dict(paid.credits[row])
        borrowed = [t for t in paid.transfers if t.debtor_venue == row]
        for transfer in borrowed:
            received[transfer.debtor] = received.get(transfer.debtor, 0) + transfer.amount_micro
        owed = {debtor.account: debtor.open_micro for debtor in book.debtors}
        assert all(received[account] <= owed[account] for account in received)
        assert sum(t.amount_micro for t in borrowed) <= book.reserve_free_micro
        for lender in range(len(books)):
            used = sum(t.amount_micro for t in borrowed if t.lender_venue == lender)
            assert used <= (book.room.get(lender, 0))
        assert all(amount > 0 for _, amount in (*paid.haircuts[row], *paid.credits[row]))
    assert all(t.amount_micro > 0 and t.lender_venue != t.debtor_venue for t in paid.transfers)


@given(venues())
def test_need_is_left_only_when_own_winners_are_exhausted(books: list[VenueMoney]) -> None:
    paid = share_money(books, MoneyPolicy.PRO_RATA)
    for row, book in enumerate(books):
        owed = sum(debtor.open_micro for debtor in book.debtors)
        got = sum(amount for _, amount in paid.credits[row])
        got += sum(t.amount_micro for t in paid.transfers if t.debtor_venue == row)
        given_away = sum(amount for _, amount in paid.haircuts[row]) + sum(
            t.amount_micro for t in paid.transfers if t.lender_venue == row
        )
        room = min(book.cap_micro, int(book.payers.payable.sum())) - given_away
        assert owed == got or room == 0
