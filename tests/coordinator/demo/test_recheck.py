from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from chains.model import (
    AccountColumns,
    BlockRef,
    ChainState,
    CreditLine,
    Funds,
    Instrument,
    InstrumentKind,
    MarkColumns,
    PositionColumns,
    Right,
    read_only,
)
from coordinator.demo.recheck import Balances, Check, Deed, recheck

NOW_S = 1_768_554_000
A, B = 31_337, 31_338
PERPETUAL = Instrument(0, InstrumentKind.PERPETUAL, "BTC", 0, 0, Right.CALL, 10_000_000)
OPTION = Instrument(1, InstrumentKind.OPTION, "BTC", NOW_S + 86_400, 10**9, Right.PUT, 10_000_000)


def venue(
    chain_id: int,
    *,
    cash: Sequence[int],
    positions: Sequence[tuple[int, int, int, int]] = (),
    insurance: int = 0,
    line: tuple[int, int, int, int] = (1_000, 0, 0, 0),
    open_epoch: int = 0,
) -> ChainState:
    """Positions as (account, instrument, lots, cost); marks are 100 and 10."""
    n = len(cash)
    zero, rows = read_only([0] * n), list(zip(*positions, strict=True)) or [[]] * 4
    accounts, instruments, lots, costs = (read_only(row) for row in rows)
    two = read_only([NOW_S, NOW_S])
    other = B if chain_id == A else A
    return ChainState(
        chain_id=chain_id,
        gate=bytes(20),
        reserve=bytes(20),
        block=BlockRef(1, bytes(32), NOW_S),
        accounts=AccountColumns(
            read_only(cash),
            zero,
            zero,
            read_only([NOW_S // 3_600] * n),
            read_only(np.bincount(accounts, minlength=n)),
            zero,
            np.zeros((n, 20), dtype=np.uint8),
            np.zeros((n, 32), dtype=np.uint8),
        ),
        positions=PositionColumns(accounts, instruments, lots, costs),
        instruments=(PERPETUAL, OPTION),
        marks=MarkColumns(
            read_only([100, 10]), read_only([9, 9]), read_only([2, 2]), two, read_only([0, 0])
        ),
        funds=Funds(
            insurance_micro=insurance,
            reserve_free_micro=0,
            bucket_micro=0,
            plan_cap_micro=0,
            lines=(CreditLine(other, bytes(20), *line),),
            last_epoch=0,
            open_epoch=open_epoch,
            config_version=1,
            policy_digest=bytes(32),
            stopped_until_s=0,
            im_factor_ppm=1_300_000,
            mark_age_s_max=60,
        ),
        slots_digest=bytes(32),
    )


def bankrupt_on_a() -> ChainState:
    """Account 0: long 1 perpetual bought at 150, 40 of cash: -10. Account 1 is the short."""
    return venue(A, cash=(40, 60), positions=((0, 0, 1, 150), (1, 0, -1, -150)))


def closed_on_a(*, cash: Sequence[int] = (0, 110), paid: int = 10) -> ChainState:
    """Both are flat at the mark of 100, and account 0 was paid what it lacked."""
    return venue(A, cash=cash, line=(1_000, 0, paid, 0))


def winner_on_b() -> ChainState:
    """Account 0 is short 1 perpetual sold at 150 and 50 up; account 1 is the loser with money."""
    return venue(B, cash=(60, 90), positions=((0, 0, -1, -150), (1, 0, 1, 150)))


def charged_on_b(*, cash: Sequence[int] = (50, 90)) -> ChainState:
    return venue(B, cash=cash, positions=((0, 0, -1, -150), (1, 0, 1, 150)))


def rechecked(
    after: tuple[ChainState, ChainState],
    *,
    before: tuple[ChainState, ChainState] | None = None,
    settled: int = 10,
    declared: int = 0,
    held_after: tuple[Balances, Balances] = (Balances(110, 90), Balances(140, 110)),
) -> dict[str, Check]:
    first = before or (bankrupt_on_a(), winner_on_b())
    deed = Deed(first, after, {(A, B): settled})
    held = (Balances(100, 100), Balances(150, 100)), held_after
    checks = recheck([deed], states=after, declared={A: declared}, balances=held)
    return {check.name: check for check in checks}


def broken(checks: dict[str, Check]) -> list[str]:
    return [name for name, check in checks.items() if not check.ok]


def test_a_faithful_plan_breaks_nothing() -> None:
    assert broken(rechecked((closed_on_a(), charged_on_b()))) == []


def test_what_stays_below_zero_must_be_declared() -> None:
    left_alone = bankrupt_on_a(), winner_on_b()
    held = Balances(100, 100), Balances(150, 100)
    checks = rechecked(left_alone, settled=0, held_after=held)
    assert broken(checks) == ["no venue is insolvent beyond what is declared uncovered"]
    assert broken(rechecked(left_alone, settled=0, held_after=held, declared=10)) == []
    assert broken(rechecked(left_alone, settled=0, held_after=held, declared=9))


def test_missing_tokens_are_found() -> None:
    one_short = Balances(109, 91), Balances(140, 110)
    checks = rechecked((closed_on_a(), charged_on_b()), held_after=one_short)
    assert broken(checks) == ["tokens of every venue still equal its books"]
    lost = Balances(110, 89), Balances(140, 110)
    checks = rechecked((closed_on_a(), charged_on_b()), held_after=lost)
    assert broken(checks) == ["no token left a chain"]


def test_a_haircut_beyond_profit_is_found() -> None:
    before = bankrupt_on_a(), winner_on_b()
    checks = rechecked((closed_on_a(), charged_on_b(cash=(60, 80))), before=before)
    assert broken(checks) == ["nobody paid more than its profit"]
    assert "1 paid 10 of 0" in checks["nobody paid more than its profit"].broken_by


def test_a_position_that_grew_or_turned_is_found() -> None:
    for lots in (2, -1):
        grown = ((0, 0, -lots, -150), (1, 0, lots, 150))
        after = venue(B, cash=(50, 90), positions=grown)
        assert "positions only shrank" in broken(rechecked((closed_on_a(), after)))


def test_lots_that_do_not_balance_are_found() -> None:
    after = venue(B, cash=(50, 90), positions=((0, 0, -1, -150),))
    checks = rechecked((closed_on_a(), after))
    assert "lots of every instrument sum to zero" in broken(checks)


def test_money_that_was_paid_but_not_decided_is_found() -> None:
    name = "each chain paid out what another took in, as decided"
    assert name in broken(rechecked((closed_on_a(), charged_on_b()), settled=9))
    assert name in broken(rechecked((closed_on_a(paid=11), charged_on_b())))


def test_a_gift_to_an_account_is_found() -> None:
    checks = rechecked((closed_on_a(cash=(1, 110)), charged_on_b()))
    assert "deficits fell by what insurance and winners gave" in broken(checks)


def test_an_overdrawn_line_is_found() -> None:
    after = closed_on_a()
    line = replace(after.funds.lines[0], limit_micro=9)
    overdrawn = replace(after, funds=replace(after.funds, lines=(line,)))
    assert broken(rechecked((overdrawn, charged_on_b()))) == ["credit lines hold"]


def test_an_open_plan_is_found() -> None:
    after = closed_on_a()
    still_open = replace(after, funds=replace(after.funds, open_epoch=1))
    assert broken(rechecked((still_open, charged_on_b()))) == ["every plan is closed"]


@pytest.mark.parametrize("gone", [0, 1])
def test_books_that_never_matched_are_found(gone: int) -> None:
    held = [Balances(100, 100), Balances(150, 100)]
    held[gone] = replace(held[gone], venue_micro=held[gone].venue_micro - 1)
    after = closed_on_a(), charged_on_b()
    deed = Deed((bankrupt_on_a(), winner_on_b()), after, {(A, B): 10})
    there = Balances(110, 90), Balances(140, 110)
    checks = recheck([deed], states=after, declared={}, balances=(held, there))
    names = [check.name for check in checks if not check.ok]
    assert names == ["tokens of every venue equal its books", "no token left a chain"]
