"""The demo told to people: plain text of at most 100 columns from a result, nothing else."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from coordinator.demo.layout import (
    Column,
    Ink,
    Part,
    change,
    heading,
    indented,
    printed,
    table,
    usd,
)
from coordinator.demo.result import DemoResult, PlanStory, TransactionLine

__all__ = ["kept_alive", "story"]

_MICRO = 1_000_000
_SIMULATED = (
    (
        "The chains are anvil processes on this machine, at a fixed date in January 2026; their "
        "keys are public and their tokens are worth nothing."
    ),
    (
        "Indices are read through AggregatorV3 feeds and marks are signed by 3 of 4 keys, but all "
        "of them come from one fixed document: two fitted surfaces and an invented crash."
    ),
    (
        "All four verifiers run in this process with four keys; in production they are other "
        "people's, on other machines, with chains and oracles of their own."
    ),
    (
        "Owners have no keys: a devnet lets anybody act for them. The contracts are not audited. "
        "Claims between Reserves are booked here, and paid later by a bridge of your choice."
    ),
)


def story(result: DemoResult, *, ink: Ink = None) -> str:
    """Everything worth telling, in order; colour never is the only sign."""
    return printed(_parts(result), ink=ink)


def kept_alive(result: DemoResult, *, process_id: int) -> str:
    """Where the chains are, and how to stop them."""
    lines = [f"chain {venue.chain_id}  {venue.url}  venue {venue.venue}" for venue in result.venues]
    return "\n".join(["The chains are still running:", *lines, f"Stop them: kill {process_id}", ""])


def _parts(result: DemoResult) -> Iterator[Part]:
    yield from _opening(result)
    yield heading("The venues, after the crash and at the end")
    yield _venues(result)
    for plan in result.plans:
        yield heading(f"Plan of epoch {plan.epoch}: the waterfall, stage by stage")
        yield _stages(plan)
        yield from _transfers(plan)
    yield heading(f"The front of the unified ranking ({result.ranked} accounts on all chains)")
    yield from _ranking(result)
    for plan in result.plans:
        yield heading(f"Plan of epoch {plan.epoch}: what was signed")
        yield from _signed(plan)
    yield heading("Transactions")
    yield from _transactions(result.transactions)
    yield heading("Time taken")
    yield _timings(result)
    yield heading("Looked at again, on the chains")
    yield from _checks(result)
    yield heading("What is simulated")
    yield from (indented(text) for text in _SIMULATED)
    yield from _verdict(result)


def _opening(result: DemoResult) -> Iterator[Part]:
    accounts = sum(venue.accounts for venue in result.venues)
    positions = sum(venue.positions for venue in result.venues)
    yield Text(f"adl demo, seed {result.seed}", style="bold")
    yield indented(
        f"{len(result.venues)} chains, {accounts} accounts of {result.owners} owners "
        f"({result.groups} margin groups over several chains), {positions} positions in "
        f"{result.instruments} instruments a chain: options on 3 expiries x 9 strikes and "
        "perpetuals."
    )
    yield heading("The market breaks")
    for move in result.market:
        change = 100 * (move.after_micro - move.before_micro) / move.before_micro
        yield indented(
            f"{move.underlying}  {usd(move.before_micro)} -> {usd(move.after_micro)} USD "
            f"({change:+.1f} %), every volatility x {move.vol_ppm / _MICRO:.2f}"
        )


def _venues(result: DemoResult) -> Part:
    columns = [
        Column("chain", "left"),
        Column("accounts"),
        Column("bankrupt"),
        Column("deficit, USD"),
        Column("insurance, USD"),
    ]
    rows = [
        (
            str(venue.chain_id),
            str(venue.accounts),
            f"{venue.bankrupt_before} -> {venue.bankrupt_after}",
            change(venue.deficit_before_micro, venue.deficit_after_micro),
            change(venue.insurance_before_micro, venue.insurance_after_micro),
        )
        for venue in result.venues
    ]
    return table(columns, rows)


def _stages(plan: PlanStory) -> Part:
    columns = [
        Column("chain", "left"),
        Column("stage", "left"),
        Column("available, USD"),
        Column("used, USD"),
        Column("left, USD"),
        Column("why it stopped", "left"),
    ]
    rows = [
        (
            str(stage.chain_id),
            stage.stage,
            usd(stage.capacity_micro),
            usd(stage.used_micro),
            usd(stage.left_micro),
            stage.stopped_because,
        )
        for stage in plan.stages
    ]
    return table(columns, rows)


def _transfers(plan: PlanStory) -> Iterator[Part]:
    local = plan.haircut_micro - plan.remote_micro
    yield indented(
        f"{plan.treated} bankrupt accounts are closed out. Winners give {usd(local)} USD on their "
        f"own chain and {usd(plan.remote_micro)} USD for other chains."
    )
    columns = [
        Column("winners on", "left"),
        Column("payers"),
        Column("pay for account", "left"),
        Column("planned, USD"),
        Column("settled, USD"),
    ]
    rows = [
        (
            f"chain {one.from_chain}",
            str(one.payers),
            f"{one.to_account} on chain {one.to_chain}",
            usd(one.planned_micro),
            usd(one.settled_micro),
        )
        for one in plan.transfers
    ]
    if rows:
        yield table(columns, rows)


def _ranking(result: DemoResult) -> Iterator[Part]:
    yield indented(
        "score = profit x (delta + curvature + vega), each per unit of equity; the first is "
        "deleveraged first. Profit, risk and score are those of the owner's margin group."
    )
    left = ("#", "chain", "account")
    columns = [Column(title, "left") for title in left]
    columns += [Column(title) for title in ("score", "profit", "delta", "curvature", "vega")]
    columns.append(Column("pays, USD"))
    rows = [
        (
            str(line.place),
            str(line.chain_id),
            f"{line.account} ({line.persona})",
            *(
                f"{part:.4f}"
                for part in (line.score, line.profit, line.delta, line.curvature, line.vega)
            ),
            f"{usd(line.paid_micro)} of {usd(line.payable_micro)}",
        )
        for line in result.ranking
    ]
    yield table(columns, rows)


def _signed(plan: PlanStory) -> Iterator[Part]:
    signers = ", ".join(str(index) for index in plan.signers)
    yield indented(f"digest       {plan.digest}")
    yield indented(f"fingerprint  {plan.fingerprint}")
    yield indented(
        f"signed by verifiers {signers} ({plan.threshold} of {plan.verifiers} needed): each "
        "recomputed the whole plan and found the same digest, bit for bit"
    )
    for chain_id in sorted({chain_id for chain_id, _, _ in plan.legs}):
        legs = (f"{count} {kind}" for of, kind, count in plan.legs if of == chain_id)
        yield indented(f"chain {chain_id}: {', '.join(legs)}")
    if plan.last_resort:
        yield indented(f"{plan.last_resort} accounts fall a margin class, flagged as last resort")


def _transactions(lines: Sequence[TransactionLine]) -> Iterator[Part]:
    kinds = dict.fromkeys((line.chain_id, line.kind) for line in lines)
    columns = [
        Column("chain", "left"),
        Column("kind", "left"),
        Column("count"),
        Column("gas"),
        Column("most gas in one"),
        Column("first hash", "left"),
    ]
    rows = []
    for chain_id, kind in sorted(kinds, key=lambda pair: pair[0]):
        same = [line for line in lines if (line.chain_id, line.kind) == (chain_id, kind)]
        gas = [line.gas_used for line in same]
        row = (str(len(same)), f"{sum(gas):,}", f"{max(gas):,}", f"{same[0].hash[:18]}...")
        rows.append((str(chain_id), kind, *row))
    yield table(columns, rows)
    total = sum(line.gas_used for line in lines)
    yield indented(f"{len(lines)} transactions, {total:,} gas; every hash is in the JSON report")


def _timings(result: DemoResult) -> Part:
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
    return table([Column("phase", "left"), Column("ms")], rows)


def _checks(result: DemoResult) -> Iterator[Part]:
    for check in result.checks:
        if check.ok:
            yield indented(f"ok      {check.name}")
        else:
            yield indented(f"FAILED  {check.name}: {check.broken_by}", style="red")


def _verdict(result: DemoResult) -> Iterator[Part]:
    before = sum(venue.deficit_before_micro for venue in result.venues)
    spent = sum(v.insurance_before_micro - v.insurance_after_micro for v in result.venues)
    yield heading("In short")
    yield indented(
        f"Deficits of {usd(before)} USD: insurance paid {usd(spent)}, winners "
        f"{usd(result.haircut_micro)}, of which {usd(result.cross_chain_paid_micro)} crossed "
        f"chains; {usd(result.uncovered_micro)} stay uncovered."
    )
    for line in result.uncovered:
        yield indented(
            f"uncovered: account {line.account} on chain {line.chain_id}, "
            f"{usd(line.amount_micro)} USD: {line.reason}"
        )
    if result.is_good:
        yield indented("Every venue is solvent and every check holds.", style="bold green")
    elif result.solvent:
        yield indented("A check FAILED: see above.", style="bold red")
    else:
        yield indented("A venue is INSOLVENT beyond what was declared.", style="bold red")
