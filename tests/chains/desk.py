"""Carries calls and strangers' actions out on simulated contracts, or sees them refused."""

import pytest

from chains.ledger import equity
from chains.simulated import Env, Reverted
from chains.simulated.dispatch import carry_out_call

ANYBODY = b"\xaa" * 20


class Desk:
    """One world at a time ``now_s``; a refusal leaves it as it was."""

    def __init__(self, chain):
        self.chain, self.contracts, self.now_s = (
            chain,
            chain.head.contracts.copy(),
            chain.head.ref.timestamp_s,
        )

    def does(self, call, *, sender=ANYBODY):
        attempt = self.contracts.copy()
        carry_out_call(attempt, self.env(sender), call)
        self.contracts = attempt
        return attempt.logs

    def acts(self, action, *given, sender=ANYBODY, **named):
        attempt = self.contracts.copy()
        action(attempt, self.env(sender), *given, **named)
        self.contracts = attempt

    def refuses_action(self, error, action, *given, sender=ANYBODY):
        with pytest.raises(Reverted, match=f"^{error}$"):
            self.acts(action, *given, sender=sender)

    def env(self, sender=ANYBODY):
        return Env(sender, self.chain.head.ref.number + 1, self.now_s, self.chain.hashes())

    def refuses(self, error, call, *, sender=ANYBODY):
        with pytest.raises(Reverted, match=f"^{error}$"):
            self.does(call, sender=sender)

    def equity(self, account):
        book = self.contracts.book
        return equity(book.accounts[account], book.quotes)
