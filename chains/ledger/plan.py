"""What one plan may move on one venue, has moved, and what a leg comes to."""

from dataclasses import dataclass, field
from typing import Protocol

from chains.ledger.account import Account, Quote
from chains.legs import Header

__all__ = ["Book", "Outcome", "PlanLimits", "PlanMoney", "Refused"]

_WHOLE_PPM = 1_000_000
_UNLIMITED = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Refused:
    """The leg stays untouched for now; ``reason`` is the contract's error name."""

    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a leg moved (micro-USD; lots for a close), and whether it is done for good."""

    amount: int
    terminal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLimits:
    """What a header allows on one venue, micro-USD; without one, everything."""

    deficit: int = _UNLIMITED
    insurance: int = _UNLIMITED
    haircut_cap: int = _UNLIMITED
    remote_cap: int = _UNLIMITED
    close_cap: int = _UNLIMITED
    account_cap_ppm: int = _WHOLE_PPM
    mark_age_s_max: int

    @classmethod
    def of(cls, header: Header, *, account_cap_ppm: int, mark_age_s_max: int) -> "PlanLimits":
        """The limits that a signed header and the gate's configuration set."""
        return cls(
            deficit=header.deficit_micro,
            insurance=header.insurance_micro,
            haircut_cap=header.haircut_cap_micro,
            remote_cap=header.remote_cap_micro,
            close_cap=header.close_cap_micro,
            account_cap_ppm=account_cap_ppm,
            mark_age_s_max=mark_age_s_max,
        )


@dataclass(slots=True)
class PlanMoney:
    """Running totals of one plan on one venue, micro-USD.

    By account: ``taken`` into the pot, ``credited`` out of it, ``remote`` into boxes of edges;
    by box: ``boxes``.
    """

    need: int = 0
    drawn: int = 0
    pot: int = 0
    closed_notional: int = 0
    bankrupts: set[int] = field(default_factory=set)
    taken: dict[int, int] = field(default_factory=dict)
    credited: dict[int, int] = field(default_factory=dict)
    remote: dict[int, int] = field(default_factory=dict)
    boxes: dict[int, int] = field(default_factory=dict)
    taken_total: int = 0
    remote_total: int = 0

    def copy(self) -> "PlanMoney":
        """An independent set of totals."""
        return PlanMoney(
            self.need,
            self.drawn,
            self.pot,
            self.closed_notional,
            set(self.bankrupts),
            dict(self.taken),
            dict(self.credited),
            dict(self.remote),
            dict(self.boxes),
            self.taken_total,
            self.remote_total,
        )

    def paid(self, account: int) -> int:
        """What an account paid in this plan, here and abroad."""
        return self.taken.get(account, 0) + self.remote.get(account, 0)


class Book(Protocol):
    """What the rules may touch of a venue."""

    def load(self, account: int) -> Account: ...
    def store(self, account: int, value: Account) -> None: ...
    def __getitem__(self, instrument: int, /) -> Quote: ...
    def draw_insurance(self, wanted: int) -> int:
        """Take up to ``wanted`` out of the fund; returns what was there."""
        ...

    def room(self, box: int, /) -> int:
        """What the edge behind the box still takes, micro-USD."""
        ...

    def escrow(self, *, box: int, account: int, amount: int) -> None: ...
