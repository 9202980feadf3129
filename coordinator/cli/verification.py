"""``adl verify``: recompute a published plan, bit for bit, from its own document."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from chains.codec.fields import FieldOutOfRange
from chains.codec.typed_data import header_digest
from chains.signatures import recover
from coordinator.cli.command import command
from coordinator.cli.console import Console
from coordinator.cli.exits import Exit, InputUnreadable
from coordinator.decide.publish import PlanDocument
from coordinator.decide.verify import Verdict, verify
from kernels.backend import choose_backend

__all__ = ["add_commands"]


def add_commands(app: typer.Typer) -> None:
    """Register them."""
    command(app, "adl verify plan.cbor", "curl -s $URL | adl verify - --json")(verify_)


def verify_(
    console: Console,
    plan: Annotated[Path, typer.Argument(help="The plan document, or - for stdin.")],
) -> Exit:
    """Recompute a plan from its own snapshot and policy, and compare every bit.

    Exit status 1 where anything differs; the first difference is named. Also says who signed it:
    compare these addresses with the signer set of the gates.
    """
    document = PlanDocument.from_bytes(_read(plan))
    verdict = verify(document, choose_backend(None))
    signers, unreadable = _signers(document)
    answer = {
        "schema": "adl.verify/1",
        "identical": verdict.is_identical,
        "first_difference": verdict.first_difference,
        "plan_digest": "0x" + verdict.plan_digest.hex(),
        "recomputed_digest": "0x" + verdict.recomputed_digest.hex(),
        "snapshot_digest": "0x" + document.snapshot.digest.hex(),
        "policy_digest": "0x" + document.policy.digest.hex(),
        "epoch": document.plan.epoch,
        "signers": {str(index): address for index, address in signers.items()},
        "unreadable_signatures": unreadable,
    }
    console.answer(answer, _text(document, verdict, signers, unreadable))
    return Exit.DONE if verdict.is_identical and not unreadable else Exit.NO


def _read(plan: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(plan) == "-" else plan.read_bytes()
    except OSError as error:
        raise InputUnreadable(f"{plan}: cannot be read: {error.strerror}") from None


def _signers(document: PlanDocument) -> tuple[dict[int, str], list[int]]:
    """Address by index of whoever signed every slice, and the indices that did not."""
    signers: dict[int, str] = {}
    unreadable = []
    for signature in document.signatures:
        try:
            found = _signed_by(document, signature.by_slice)
        except FieldOutOfRange:
            found = set()
        if len(found) == 1:
            signers[signature.signer] = "0x" + found.pop().hex()
        else:
            unreadable.append(signature.signer)
    return signers, unreadable


def _signed_by(document: PlanDocument, by_slice: tuple[bytes, ...]) -> set[bytes]:
    faces = zip(document.plan.slices, document.headers, by_slice, strict=False)
    if len(by_slice) != len(document.plan.slices):
        return set()
    return {
        recover(header_digest(header, chain_id=one.chain_id, gate=one.gate), signature)
        for one, header, signature in faces
    }


def _text(
    document: PlanDocument, verdict: Verdict, signers: dict[int, str], unreadable: list[int]
) -> str:
    plan = document.plan
    same = "identical" if verdict.is_identical else f"DIFFERENT: {verdict.first_difference}"
    lines = [
        f"plan       0x{verdict.plan_digest.hex()}  epoch {plan.epoch}",
        f"recomputed 0x{verdict.recomputed_digest.hex()}  {same}",
        f"snapshot   0x{document.snapshot.digest.hex()}",
        f"policy     0x{document.policy.digest.hex()}",
        *(f"signed by  {address}  index {index}" for index, address in signers.items()),
        *(f"signed by  nobody: signature of index {index} is not valid" for index in unreadable),
    ]
    return "\n".join(lines if document.signatures else [*lines, "signed by  nobody yet"])
