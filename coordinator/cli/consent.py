"""``--confirm``: a plan is signed only after somebody at the terminal said yes to it."""

import asyncio
import sys
from collections.abc import Callable

from coordinator.act.attest import Verifier
from coordinator.cli.rounds_text import plan_text
from coordinator.decide.publish import PlanDocument, Signature
from coordinator.errors import PlanRejected, SettingsError

__all__ = ["AskedVerifier", "Consent", "ask_on_terminal", "require_terminal"]


class Consent:
    """One question a plan, however many verifiers wait for the answer."""

    def __init__(self, ask: Callable[[PlanDocument], bool]) -> None:
        self._ask = ask
        self._turn = asyncio.Lock()
        self._answered: tuple[bytes, bool] = (b"", False)

    async def given(self, document: PlanDocument) -> bool:
        """Whether this very plan may be signed."""
        async with self._turn:
            digest = document.plan.digest
            if self._answered[0] != digest:
                self._answered = digest, await asyncio.to_thread(self._ask, document)
            return self._answered[1]


class AskedVerifier:
    """A verifier that waits for consent before it looks at a plan."""

    def __init__(self, verifier: Verifier, consent: Consent) -> None:
        self._verifier = verifier
        self._consent = consent

    @property
    def index(self) -> int:
        """Of the verifier behind."""
        return self._verifier.index

    async def attest(self, document: PlanDocument) -> Signature:
        """Its signatures; raises PlanRejected where the answer was no."""
        if not await self._consent.given(document):
            raise PlanRejected(f"verifier {self.index}: not confirmed at the terminal")
        return await self._verifier.attest(document)


def require_terminal() -> None:
    """A daemon would wait for ever. Raises SettingsError."""
    if not sys.stdin.isatty():
        raise SettingsError(
            "--confirm asks before each plan, and there is no terminal to ask on; "
            "run it in a terminal, or without --confirm"
        )


def ask_on_terminal(document: PlanDocument) -> bool:
    """Show the plan on stderr and wait for a yes."""
    sys.stderr.write(plan_text(document) + "\nsign and send this plan? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
