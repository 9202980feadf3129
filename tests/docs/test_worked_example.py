"""The worked example of docs/adl.md, recomputed from the tables that stand there.

Books are built from what was deposited and traded; every other figure is compared with what the
program makes of them, and the money also with its own formula in fractions.
"""

from decimal import Decimal
from fractions import Fraction

import pytest

from chains.legs import OWN_POT, Close, Credit, Haircut
from chains.simulated.snapshot import chain_state
from chains.simulated.venue import Match
from chains.simulated.worlds import GENESIS_S, Funding, call, gate_address, open_book
from coordinator.decide.assess import Health, assess
from coordinator.decide.build import build_plan
from coordinator.decide.invariants import check_plan
from coordinator.decide.policy import PPM, Policy
from coordinator.decide.relations import relations
from coordinator.decide.snapshot import Carried, Snapshot
from kernels.backend import choose_backend
from oracles.model import ExpirySlice, IndexQuote, MarketView

HERE, THERE = 31_337, 31_338
INDEX_MICRO = 100_000_000_000
MONTH_MS = 30 * 86_400_000
CONTRACT = ("instrument", "strike", "mark", "value")
WORTH = ("account", "cash", "equity", "profit", "payable", "class")
RANK = ("place", "ranked", "profit", "delta", "curvature", "vega", "score")


def micro(text):
    amount = Decimal(text.replace(",", "")) * 1_000_000
    assert amount == int(amount), f"{text} is finer than a micro"
    return int(amount)


def account(text):
    chain, number = text.split("/")
    return int(chain), int(number)


def flat_market():
    now_ms = GENESIS_S * 1_000
    seen = {"underlying": "BTC", "observed_ms": now_ms, "source": "fixed"}
    index = IndexQuote(index_micro=INDEX_MICRO, half_width_micro=INDEX_MICRO // 1_000, **seen)
    # Half a volatility squared times 30/365, as SVI without any smile; 12 decimals.
    piece = ExpirySlice(
        expiry_ms=now_ms + MONTH_MS,
        forward_micro=INDEX_MICRO,
        a=20_547_945_205,
        b=0,
        rho=0,
        m=0,
        sigma=100_000_000_000,
        vol_half_width_ppm=20_000,
        **seen,
    )
    return MarketView(indices=(index,), slices=(piece,))


@pytest.fixture(scope="module")
def figures(table):
    """What the page says money-wise, micro-USD by quantity."""
    return {row["quantity"]: micro(row["amount"]) for row in table("quantity", "amount")}


@pytest.fixture(scope="module")
def snapshot(table, figures):
    contracts = table(*CONTRACT)
    assert [row["instrument"] for row in contracts] == [str(n) for n in range(len(contracts))]
    deposits = [(account(row["account"]), row["deposit"]) for row in table("account", "deposit")]
    trades = table("buyer", "seller", "call", "lots", "price")
    funding = Funding(
        insurance=figures["insurance"],
        reserve=micro("1,000"),
        credit={(THERE, gate_address(THERE)): micro("500")},
    )

    def venue(chain_id, money):
        assert [n for (on, n), _ in deposits if on == chain_id] == list(
            range(sum(on == chain_id for (on, _), _ in deposits))
        )
        world = open_book(
            chain_id=chain_id,
            listings=[call(strike=micro(c["strike"]), mark=micro(c["mark"])) for c in contracts],
            cash=[micro(cash) for (on, _), cash in deposits if on == chain_id],
            trades=[match(row) for row in trades if account(row["buyer"])[0] == chain_id],
            funding=money,
        )
        return chain_state(world.head.contracts, world.head.ref)

    return Snapshot((venue(HERE, funding), venue(THERE, None)), flat_market(), Carried(), ())


def match(row):
    (chain, buyer), (same, seller) = account(row["buyer"]), account(row["seller"])
    assert chain == same, "a trade stays on its chain"
    return Match(buyer, seller, int(row["call"]), int(row["lots"]), micro(row["price"]))


@pytest.fixture(scope="module")
def assessment(snapshot):
    return assess(snapshot, Policy(), choose_backend("numpy"))


@pytest.fixture(scope="module")
def plan(snapshot, assessment):
    return build_plan(snapshot, assessment, Policy())


def test_contracts_are_valued_as_the_page_says(table, assessment):
    pricing = assessment.pricing
    for rows, doubts in zip(pricing.rows, pricing.doubts, strict=True):
        assert not doubts.any()
        values = pricing.values[rows, pricing.grid.base].tolist()
        assert [micro(row["value"]) for row in table(*CONTRACT)] == values


def test_accounts_are_worth_what_the_page_says(table, snapshot, assessment):
    found = [
        {
            "account": f"{state.chain_id}/{number}",
            "cash": int(state.accounts.cash[number]),
            "equity": int(venue.equity[number]),
            "profit": int(venue.profit[number]),
            "payable": int(venue.payable[number]),
            "class": Health(int(venue.health[number])).name.lower(),
        }
        for state, venue in zip(snapshot.chains, assessment.venues, strict=True)
        for number in range(len(state.accounts))
    ]
    money = ("cash", "equity", "profit", "payable")
    told = [row | {name: micro(row[name]) for name in money} for row in table(*WORTH)]
    assert told == found


def test_the_ranking_is_the_one_on_the_page(table, assessment):
    found = [
        {"place": str(place), "ranked": f"{row.account.chain_id}/{row.account.account}"}
        | {part: f"{getattr(row, part):.6f}" for part in RANK[2:]}
        for place, row in enumerate(assessment.ranking(100), start=1)
    ]
    assert table(*RANK) == found


def test_scores_are_profit_times_the_risk_parts(table):
    for row in table(*RANK):
        risk = sum(Decimal(row[part]) for part in ("delta", "curvature", "vega"))
        assert abs(Decimal(row["profit"]) * risk - Decimal(row["score"])) < Decimal("0.000002")


def test_contracts_close_against_those_on_the_page(table, plan):
    found = [
        {
            "bankrupt": f"{slice_.chain_id}/{leg.account}",
            "counterparty": f"{slice_.chain_id}/{leg.counterparty}",
            "closed lots": str(leg.lots),
        }
        for slice_ in plan.slices
        for leg in slice_.legs
        if isinstance(leg, Close)
    ]
    assert table("bankrupt", "counterparty", "closed lots") == found


def test_payers_pay_what_the_page_says(table, plan):
    found = {
        (slice_.chain_id, leg.account, leg.box): leg.target_micro
        for slice_ in plan.slices
        for leg in slice_.legs
        if isinstance(leg, Haircut)
    }
    told = {
        (*account(row["payer"]), int(row["box"])): micro(row["pays"])
        for row in table("payer", "pays", "box")
    }
    assert told == found


def test_the_totals_are_those_of_the_plan(figures, plan):
    (treatment,) = plan.treatments
    paid_abroad = sum(edge.planned_micro for edge in plan.edges)
    assert figures == {
        "deficit D": plan.feasibility.deficit_micro,
        "insurance": plan.feasibility.insurance_micro,
        "remainder R": plan.feasibility.remainder_micro,
        "payable of all winners": plan.feasibility.hard_micro,
        "paid at home": treatment.local_micro - plan.feasibility.insurance_micro,
        "paid over the edge": paid_abroad,
        "uncovered": sum(entry.amount_micro for entry in plan.uncovered),
    }
    assert paid_abroad == treatment.remote_micro


def test_payments_are_floors_and_largest_remainders_of_the_remainder(table, figures):
    payable = {row["account"]: micro(row["payable"]) for row in table(*WORTH)}
    remainder, total = figures["remainder R"], figures["payable of all winners"]
    assert sum(payable.values()) == total
    exact = {name: Fraction(remainder * part, total) for name, part in payable.items() if part}
    shares = {name: int(share) for name, share in exact.items()}
    left = remainder - sum(shares.values())
    places = {row["ranked"]: int(row["place"]) for row in table(*RANK)}
    for name in sorted(exact, key=lambda one: (-(exact[one] % 1), places[one]))[:left]:
        shares[name] += 1
    assert {row["payer"]: micro(row["pays"]) for row in table("payer", "pays", "box")} == shares


def test_payable_is_profit_less_the_safety_margin(table):
    kept = PPM - Policy().capacity_safety_ppm
    for row in table(*WORTH):
        capacity = max(0, min(micro(row["profit"]), micro(row["equity"])))
        assert micro(row["payable"]) == capacity * kept // PPM


def test_the_bankrupt_ends_at_zero_and_every_invariant_holds(snapshot, assessment, plan):
    (treatment,) = plan.treatments
    credited = [leg for s in plan.slices for leg in s.legs if isinstance(leg, Credit)]
    assert [leg.target_micro for leg in credited] == [treatment.local_micro]
    assert treatment.local_micro + treatment.remote_micro == treatment.deficit_micro
    assert {leg.box for s in plan.slices for leg in s.legs if isinstance(leg, Haircut)} == {
        OWN_POT,
        plan.edges[0].box,
    }
    found = check_plan(snapshot, assessment, plan, Policy())
    again = relations(snapshot, Policy(), choose_backend("numpy"))
    assert [f.broken_by for f in (*found, *again) if not f.holds] == []
