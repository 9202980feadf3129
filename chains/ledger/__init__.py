"""The venue's bookkeeping in Python, integer for integer what the contracts do.

- :mod:`chains.ledger.account`: one account: trades, rolling realised profit, equity, limits.
- :mod:`chains.ledger.columns`: the same figures for a whole book, as int64 columns, exact.
- :mod:`chains.ledger.gate`: what each leg of a plan does, and why it is refused;
  :mod:`chains.ledger.plan`: the limits it keeps and the totals it moves.
- :mod:`chains.ledger.projection`: a book after a plan, at unchanged marks.
"""

from chains.ledger.account import (
    Account,
    OutOfRange,
    Position,
    Quote,
    Quotes,
    TooManyPositions,
    WindowWentBack,
    apply_trade,
    credit,
    equity,
    haircut,
    haircut_limit,
    profit,
    realised,
    refund,
    removed_cost_toward_zero,
    roll,
    unrealised,
    window_of,
)
from chains.ledger.columns import (
    equities,
    haircut_limits,
    maintenance_margins,
    profits,
    quotes_of,
    rolled_realised,
    unrealised_profits,
)
from chains.ledger.gate import carry_out
from chains.ledger.plan import Book, Outcome, PlanLimits, PlanMoney, Refused
from chains.ledger.projection import Projection, project

__all__ = [
    "Account",
    "Book",
    "OutOfRange",
    "Outcome",
    "PlanLimits",
    "PlanMoney",
    "Position",
    "Projection",
    "Quote",
    "Quotes",
    "Refused",
    "TooManyPositions",
    "WindowWentBack",
    "apply_trade",
    "carry_out",
    "credit",
    "equities",
    "equity",
    "haircut",
    "haircut_limit",
    "haircut_limits",
    "maintenance_margins",
    "profit",
    "profits",
    "project",
    "quotes_of",
    "realised",
    "refund",
    "removed_cost_toward_zero",
    "roll",
    "rolled_realised",
    "unrealised",
    "unrealised_profits",
    "window_of",
]
