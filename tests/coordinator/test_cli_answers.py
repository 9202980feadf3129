"""Answers of the command line: verdicts on plans, rounds, rankings, questions before sending."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chains.simulated import SimulatedNode
from chains.simulated.worlds import (
    VERIFIERS,
    perpetual_long_bankrupt__one_short_on_the_same_chain,
)
from coordinator.act.attest import Attestor, LocalVerifier
from coordinator.act.clock import SystemClock
from coordinator.act.collect import Collector
from coordinator.cli.consent import AskedVerifier, Consent
from coordinator.cli.rounds_text import rank_document, rank_text, round_document, round_text
from coordinator.decide.policy import Policy
from coordinator.decide.publish import PlanDocument
from coordinator.decide.snapshot import Carried
from coordinator.engine import Engine, Round
from coordinator.errors import PlanRejected
from kernels.backend import choose_backend
from oracles.fixed import FixedSource
from tests.coordinator.act.scenes import Key
from tests.coordinator.decide.conftest import flat_market
from tests.coordinator.test_cli import adl

POLICY = Policy(
    band_ppm=1_000_000, band_floor_ppm=1_000_000, capacity_safety_ppm=0, market_age_ms_max=600_000
)
MARKET = flat_market(index_micro=100_000_000_000)


# --------------------------------------------------------------------------------------- adl verify


def _round() -> Round:
    source = FixedSource(MARKET)
    node = SimulatedNode(perpetual_long_bankrupt__one_short_on_the_same_chain())
    engine = Engine(
        Collector([node], {"BTC": source}, {"BTC": source}),
        policy=POLICY,
        backend=choose_backend(None),
        clock=_MarketClock(),
        carried=Carried(),
    )
    return asyncio.run(engine.run_round())


class _MarketClock(SystemClock):
    def now_ms(self) -> int:
        return MARKET.as_of_ms


@pytest.fixture(scope="module")
def round_() -> Round:
    return _round()


@pytest.fixture(scope="module")
def signed(round_: Round) -> PlanDocument:
    verifiers = [
        LocalVerifier(index=index, signer=Key(VERIFIERS[index]), backend=choose_backend(None))
        for index in range(3)
    ]
    return asyncio.run(Attestor(verifiers, threshold=3).attest(round_.document))


def test_a_plan_that_recomputes_is_0_and_names_its_signers(
    tmp_path: Path, signed: PlanDocument
) -> None:
    file = tmp_path / "plan.cbor"
    file.write_bytes(signed.to_bytes())
    result = adl("verify", file, "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert (answer["schema"], answer["identical"]) == ("adl.verify/1", True)
    assert answer["plan_digest"] == answer["recomputed_digest"] == "0x" + signed.plan.digest.hex()
    assert answer["signers"] == {
        str(index): "0x" + Key(VERIFIERS[index]).address.hex() for index in range(3)
    }
    text = adl("verify", "-", stdin=file.read_bytes()).stdout
    assert "identical" in text
    assert text.count("signed by") == 3


def test_a_changed_plan_is_1_and_the_first_difference_is_named(
    tmp_path: Path, signed: PlanDocument
) -> None:
    forged = replace(signed, plan=replace(signed.plan, expiry_s=signed.plan.expiry_s + 1))
    file = tmp_path / "plan.cbor"
    file.write_bytes(forged.to_bytes())
    result = adl("verify", file)
    assert result.exit_code == 1
    assert "DIFFERENT: plan.expiry_s: published" in result.stdout


def test_a_signature_that_nobody_made_is_1(tmp_path: Path, signed: PlanDocument) -> None:
    first = signed.signatures[0]
    broken = replace(first, by_slice=tuple(bytes(64) + b"\x1b" for _ in first.by_slice))
    file = tmp_path / "plan.cbor"
    file.write_bytes(replace(signed, signatures=(broken, *signed.signatures[1:])).to_bytes())
    result = adl("verify", file)
    assert result.exit_code == 1
    assert f"signature of index {first.signer} is not valid" in result.stdout


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff" * 40, b"{}"])
def test_bytes_that_are_no_plan_are_65(data: bytes) -> None:
    result = adl("verify", "-", stdin=data)
    assert (result.exit_code, result.stdout) == (65, "")
    assert "not a plan document" in result.stderr


def test_a_plan_that_is_not_there_is_65(tmp_path: Path) -> None:
    assert adl("verify", tmp_path / "nowhere").exit_code == 65
    assert adl("verify", tmp_path).exit_code == 65


# ------------------------------------------------------------------------------------------ answers


def test_a_round_is_told_in_json_and_in_words(round_: Round) -> None:
    document = round_document(round_, "shadow", None)
    assert json.loads(json.dumps(document)) == document
    assert (document["schema"], document["mode"]) == ("adl.round/1", "shadow")
    (slice_,) = document["slices"]
    assert slice_["legs"]["deficit"] == 1
    text = round_text(round_, "shadow", None)
    assert "1 deficit" in text
    assert text.endswith("nothing was sent: shadow mode")


def test_a_ranking_is_told_in_json_and_in_words(round_: Round) -> None:
    snapshot, assessment = round_.document.snapshot, round_.assessment
    document = rank_document(snapshot, assessment, "shadow", limit=1)
    assert json.loads(json.dumps(document)) == document
    (row,) = document["rows"]
    assert row["position"] == 1
    assert document["direction"] == "position 1 is deleveraged first"
    assert document["queue_length"] >= 1
    text = rank_text(snapshot, assessment, "shadow", limit=1)
    assert text.splitlines()[-1].split()[0] == "1"


# ------------------------------------------------------------------------------------------ consent


class _Asked:
    """Answers from a list, and counts the questions."""

    def __init__(self, *answers: bool) -> None:
        self.answers = list(answers)

    def __call__(self, document: PlanDocument) -> bool:
        return self.answers.pop(0)


def _attested(ask: Callable[[PlanDocument], bool], document: PlanDocument) -> PlanDocument:
    consent = Consent(ask)
    verifiers = [
        AskedVerifier(
            LocalVerifier(index=i, signer=Key(VERIFIERS[i]), backend=choose_backend(None)), consent
        )
        for i in range(3)
    ]
    return asyncio.run(Attestor(verifiers, threshold=3).attest(document))


def test_one_question_a_plan_and_a_no_signs_nothing(round_: Round) -> None:
    with pytest.raises(PlanRejected, match="not confirmed at the terminal"):
        _attested(_Asked(False), round_.document)
    assert len(_attested(_Asked(True), round_.document).signatures) == 3
