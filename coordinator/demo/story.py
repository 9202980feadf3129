"""The demo told to people: plain text of at most 100 columns from a result, nothing else."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Literal

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from coordinator.demo.result import DemoResult, PlanStory, TransactionLine

__all__ = ["kept_alive", "story"]

_WIDTH = 100
_MICRO = 1_000_000
_SIMULATED = (
    "The chains are anvil processes on this machine, at a fixed date in January 2026; their keys "
    "are public and their tokens are worth nothing.",
    "Indices are read through AggregatorV3 feeds and marks are signed by 3 of 4 keys, but all of "
    "them come from one fixed document: two fitted surfaces and an invented crash.",
    "All four verifiers run in this process with four keys; in production they are other "
    "people's, on other machines, with chains and oracles of their own.",
    "The contracts are not audited. Claims between the Reserves of two chains are booked here, "
    "and paid later by a bridge of your choice.",
)

Ink = Literal["standard"] | None
"""Colours of a terminal, or none."""


def story(result: DemoResult, *, ink: Ink = None) -> str:
    """Everything worth telling, in order; colour never is the only sign."""
    paper = StringIO()
    console = Console(
        file=paper,
        width=_WIDTH,
        color_system=ink,
        force_terminal=ink is not None,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )
    for part in _parts(result):
        console.print(part)
    lines = (line.rstrip() for line in paper.getvalue().splitlines())
    return "\n".join(lines) + "\n"


def kept_alive(result: DemoResult, *, process_id: int) -> str:
    """Where the chains are, and how to stop them."""
    lines = [f"chain {venue.chain_id}  {venue.url}  venue {venue.venue}" for venue in result.venues]
    return "\n".join(["The chains are still running:", *lines, f"Stop them: kill {process_id}", ""])


_Part = Text | Table | Padding


def _parts(result: DemoResult) -> Iterator[_Part]:
    yield from _opening(result)
    yield _heading("The venues, after the crash and at the end")
    yield _venues(result)
    for plan in result.plans:
        yield _heading(f"Plan of epoch {plan.epoch}: the waterfall, stage by stage")
        yield _stages(plan)
        yield from _transfers(plan)
    yield _heading(f"The front of the unified ranking ({result.ranked} accounts on all chains)")
    yield from _ranking(result)
    for plan in result.plans:
        yield _heading(f"Plan of epoch {plan.epoch}: what was signed")
        yield from _signed(plan)
    yield _heading("Transactions")
    yield from _transactions(result.transactions)
    yield _heading("Time taken")
    yield _timings(result)
    yield _heading("Looked at again, on the chains")
    yield from _checks(result)
    yield _heading("What is simulated")
    yield from (_indented(text) for text in _SIMULATED)
    yield from _verdict(result)


def _opening(result: DemoResult) -> Iterator[_Part]:
    accounts = sum(venue.accounts for venue in result.venues)
    positions = sum(venue.positions for venue in result.venues)
    yield Text(f"adl demo, seed {result.seed}", style="bold")
    yield _indented(
        f"{len(result.venues)} chains, {accounts} accounts of {result.owners} owners "
        f"({result.groups} margin groups over several chains), {positions} positions in "
        f"{result.instruments} instruments a chain: options on 3 expiries x 9 strikes and "
        "perpetuals."
    )
    yield _heading("The market breaks")
    for move in result.market:
        change = 100 * (move.after_micro - move.before_micro) / move.before_micro
        yield _indented(
            f"{move.underlying}  {_usd(move.before_micro)} -> {_usd(move.after_micro)} USD "
            f"({change:+.1f} %), every volatility x {move.vol_ppm / _MICRO:.2f}"
        )


@dataclass(frozen=True, slots=True)
class _Column:
    """A table's column; numbers stand on the right."""

    title: str
    justify: Literal["left", "right"] = "right"


def _table(columns: Sequence[_Column], rows: Iterable[Sequence[str]]) -> Padding:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for column in columns:
        table.add_column(column.title, justify=column.justify, no_wrap=column.justify == "right")
    for row in rows:
        table.add_row(*row)
    return Padding(table, (0, 0, 0, 2))


def _venues(result: DemoResult) -> Padding:
    columns = [
        _Column("chain", "left"),
        _Column("accounts"),
        _Column("bankrupt"),
        _Column("deficit, USD"),
        _Column("insurance, USD"),
    ]
    rows = [
        (
            str(venue.chain_id),
            str(venue.accounts),
            f"{venue.bankrupt_before} -> {venue.bankrupt_after}",
            _change(venue.deficit_before_micro, venue.deficit_after_micro),
            _change(venue.insurance_before_micro, venue.insurance_after_micro),
        )
        for venue in result.venues
    ]
    return _table(columns, rows)


def _stages(plan: PlanStory) -> Padding:
    columns = [
        _Column("chain", "left"),
        _Column("stage", "left"),
        _Column("available, USD"),
        _Column("used, USD"),
        _Column("left, USD"),
        _Column("why it stopped", "left"),
    ]
    rows = [
        (
            str(stage.chain_id),
            stage.stage,
            _usd(stage.capacity_micro),
            _usd(stage.used_micro),
            _usd(stage.left_micro),
            stage.stopped_because,
        )
        for stage in plan.stages
    ]
    return _table(columns, rows)


def _transfers(plan: PlanStory) -> Iterator[_Part]:
    local = plan.haircut_micro - plan.remote_micro
    yield _indented(
        f"{plan.treated} bankrupt accounts are closed out. Winners give {_usd(local)} USD on their "
        f"own chain and {_usd(plan.remote_micro)} USD for other chains."
    )
    columns = [
        _Column("winners on", "left"),
        _Column("payers"),
        _Column("pay for account", "left"),
        _Column("planned, USD"),
        _Column("settled, USD"),
    ]
    rows = [
        (
            f"chain {one.from_chain}",
            str(one.payers),
            f"{one.to_account} on chain {one.to_chain}",
            _usd(one.planned_micro),
            _usd(one.settled_micro),
        )
        for one in plan.transfers
    ]
    if rows:
        yield _table(columns, rows)


def _ranking(result: DemoResult) -> Iterator[_Part]:
    yield _indented(
        "score = profit x (delta + curvature + vega), each per unit of equity; the first is "
        "deleveraged first. Profit, risk and score are those of the owner's margin group."
    )
    left = ("#", "chain", "account")
    columns = [_Column(title, "left") for title in left]
    columns += [_Column(title) for title in ("score", "profit", "delta", "curvature", "vega")]
    columns.append(_Column("pays, USD"))
    rows = [
        (
            str(line.place),
            str(line.chain_id),
            f"{line.account} ({line.persona})",
            *(
                f"{part:.4f}"
                for part in (line.score, line.profit, line.delta, line.curvature, line.vega)
            ),
            f"{_usd(line.paid_micro)} of {_usd(line.payable_micro)}",
        )
        for line in result.ranking
    ]
    yield _table(columns, rows)


def _signed(plan: PlanStory) -> Iterator[_Part]:
    signers = ", ".join(str(index) for index in plan.signers)
    yield _indented(f"digest       {plan.digest}")
    yield _indented(f"fingerprint  {plan.fingerprint}")
    yield _indented(
        f"signed by verifiers {signers} ({plan.threshold} of {plan.verifiers} needed): each "
        "recomputed the whole plan and found the same digest, bit for bit"
    )
    for chain_id in sorted({chain_id for chain_id, _, _ in plan.legs}):
        legs = (f"{count} {kind}" for of, kind, count in plan.legs if of == chain_id)
        yield _indented(f"chain {chain_id}: {', '.join(legs)}")
    if plan.last_resort:
        yield _indented(f"{plan.last_resort} accounts fall a margin class, flagged as last resort")


def _transactions(lines: Sequence[TransactionLine]) -> Iterator[_Part]:
    kinds = dict.fromkeys((line.chain_id, line.kind) for line in lines)
    columns = [
        _Column("chain", "left"),
        _Column("kind", "left"),
        _Column("count"),
        _Column("gas"),
        _Column("most gas in one"),
        _Column("first hash", "left"),
    ]
    rows = []
    for chain_id, kind in sorted(kinds, key=lambda pair: pair[0]):
        same = [line for line in lines if (line.chain_id, line.kind) == (chain_id, kind)]
        gas = [line.gas_used for line in same]
        row = (str(len(same)), f"{sum(gas):,}", f"{max(gas):,}", f"{same[0].hash[:18]}...")
        rows.append((str(chain_id), kind, *row))
    yield _table(columns, rows)
    total = sum(line.gas_used for line in lines)
    yield _indented(f"{len(lines)} transactions, {total:,} gas; every hash is in the JSON report")


def _timings(result: DemoResult) -> Padding:
    rows = [(name, f"{ms:,}") for name, ms in result.timings_ms]
    for plan in result.plans:
        rows += [
            (f"epoch {plan.epoch}: {what}", f"{ms:,}")
            for what, ms in (
                ("from recorded to all legs mined", plan.mined_ms),
                ("from recorded to all legs final", plan.final_ms),
                ("from recorded to other chains' money settled", plan.settled_ms),
            )
            if ms >= 0
        ]
    return _table([_Column("phase", "left"), _Column("ms")], rows)


def _checks(result: DemoResult) -> Iterator[_Part]:
    for check in result.checks:
        if check.ok:
            yield _indented(f"ok      {check.name}")
        else:
            yield _indented(f"FAILED  {check.name}: {check.broken_by}", style="red")


def _verdict(result: DemoResult) -> Iterator[_Part]:
    before = sum(venue.deficit_before_micro for venue in result.venues)
    spent = sum(v.insurance_before_micro - v.insurance_after_micro for v in result.venues)
    yield _heading("In short")
    yield _indented(
        f"Deficits of {_usd(before)} USD: insurance paid {_usd(spent)}, winners "
        f"{_usd(result.haircut_micro)}, of which {_usd(result.cross_chain_paid_micro)} crossed "
        f"chains; {_usd(result.uncovered_micro)} stay uncovered, by name."
    )
    if result.is_good:
        yield _indented("Every venue is solvent and every check holds.", style="bold green")
    elif result.solvent:
        yield _indented("A check FAILED: see above.", style="bold red")
    else:
        yield _indented("A venue is INSOLVENT beyond what was declared.", style="bold red")


def _heading(text: str) -> Padding:
    return Padding(Text(text, style="bold"), (1, 0, 0, 0))


def _indented(text: str, style: str = "") -> Padding:
    return Padding(Text(text, style=style), (0, 0, 0, 2))


def _change(before_micro: int, after_micro: int) -> str:
    return f"{_usd(before_micro)} -> {_usd(after_micro)}"


def _usd(amount_micro: int) -> str:
    """Dollars and cents, rounded toward zero in integers."""
    dollars, cents = divmod(abs(amount_micro) // 10_000, 100)
    return f"{'-' if amount_micro < 0 else ''}{dollars:,}.{cents:02}"
