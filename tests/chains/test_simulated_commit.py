"""What a header must be, and who must have signed it, to be committed."""

import pytest

from chains.codec.gate import commit_call
from chains.codec.quorum import pack_signatures
from chains.codec.typed_data import header_digest
from chains.legs import Deficit
from chains.signatures import sign
from chains.simulated.worlds import (
    GENESIS_S,
    VERIFIERS,
    perpetual_long_bankrupt__one_short_on_the_same_chain,
    usd,
)
from tests.chains.desk import Desk
from tests.chains.plan_calls import plan_calls

LEGS = [Deficit(0, usd(1_000))]


@pytest.fixture
def chain():
    return perpetual_long_bankrupt__one_short_on_the_same_chain()


@pytest.fixture
def desk(chain):
    return Desk(chain)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"config_version": 2}, "WrongConfigVersion"),
        ({"policy_digest": b"\1" * 32}, "WrongPolicy"),
        ({"epoch": 0}, "EpochNotAbove"),
        ({"not_before_s": GENESIS_S + 1}, "NotYet"),
        ({"expiry_s": GENESIS_S - 1, "not_before_s": GENESIS_S - 2}, "Expired"),
        ({"expiry_s": GENESIS_S + 601}, "WindowTooLong"),
        ({"haircut_cap_micro": 2**62, "remote_cap_micro": 1}, "PlanCapExceeded"),
        ({"snapshot_hash": bytes(32)}, "SnapshotNotCanonical"),
        ({"snapshot_block": 2}, "SnapshotNotCanonical"),
    ],
)
def test_a_header_that_breaks_a_rule_is_not_committed(chain, desk, changes, error):
    desk.refuses(error, plan_calls(chain, LEGS, **changes).commit)
    assert desk.contracts.gate.last_epoch == 0


def test_a_snapshot_is_too_old_after_its_number_of_blocks(chain):
    calls = plan_calls(chain, LEGS, expiry_s=GENESIS_S + 500)
    for _ in range(256):
        chain.mine(GENESIS_S + 1)
    desk = Desk(chain)
    desk.now_s = GENESIS_S + 1
    desk.refuses("SnapshotTooOld", calls.commit)


def _signatures(calls, chain, change):
    terms = chain.genesis.terms
    digest = header_digest(calls.header, chain_id=terms.chain_id, gate=terms.gate)
    return commit_call(terms.gate, calls.header, change(digest))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda digest: b"", "WrongSignatureCount"),
        (
            lambda digest: pack_signatures({i: sign(VERIFIERS[i], digest) for i in range(2)}),
            "WrongSignatureCount",
        ),
        (
            lambda digest: pack_signatures({i: sign(VERIFIERS[i], digest) for i in range(4)}),
            "WrongSignatureCount",
        ),
        (lambda digest: (b"\0" + sign(VERIFIERS[0], digest)) * 3, "SignersNotAscending"),
        (
            lambda digest: pack_signatures(
                {0: sign(VERIFIERS[0], digest), 1: sign(VERIFIERS[1], digest)}
                | {9: sign(VERIFIERS[2], digest)}
            ),
            "UnknownSigner",
        ),
        (
            lambda digest: pack_signatures({i: sign(VERIFIERS[0], digest) for i in range(3)}),
            "WrongSigner",
        ),
        (
            lambda digest: pack_signatures({i: sign(VERIFIERS[i], b"\1" * 32) for i in range(3)}),
            "WrongSigner",
        ),
        (
            lambda digest: pack_signatures(
                {i: _high_s(sign(VERIFIERS[i], digest)) for i in range(3)}
            ),
            "HighS",
        ),
    ],
)
def test_a_header_without_its_quorum_is_not_committed(chain, desk, change, error):
    desk.refuses(error, _signatures(plan_calls(chain, LEGS), chain, change))


def _high_s(signature):
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    s = (order - int.from_bytes(signature[32:64], "big")).to_bytes(32, "big")
    return signature[:32] + s + bytes((55 - signature[64],))


def test_a_header_signed_by_three_of_four_verifiers_is_committed(chain, desk):
    desk.does(plan_calls(chain, LEGS).commit)
    assert desk.contracts.gate.open_epoch == 1
