"""The books of the demo: owners, accounts over chains, deposits and the trades that open them.

Pure and seeded: the same seed gives the same books. On the first chain the crowd stands close to
the limit and sells puts to arbitrageurs who sell them on to the next chain; so the winners there
are hedged elsewhere, owe nothing as a group, and a crash has to be paid from other chains.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chains.model import Columns
from coordinator.demo.board import Board
from coordinator.demo.dice import Dice
from coordinator.demo.makers import Lots, hedge, made_by, take_options, take_perpetuals
from coordinator.demo.personas import CROWDS, Crowd, Persona, cast, wishes
from coordinator.demo.trades import deposits, matches

__all__ = ["ACCOUNTS_PER_CHAIN_MIN", "Books", "ChainBook", "open_books"]

ACCOUNTS_PER_CHAIN_MIN = 12
_ARBITRAGEURS_PERCENT = 8
_OLD_HANDS_PERCENT = 30
_PUT_SERIES_OF_ARBITRAGEURS = 2


@dataclass(frozen=True, slots=True, eq=False)
class ChainBook:
    """One venue. Row number = account number; ``owners`` counts owners over all chains.

    ``deposits`` micro-USD, shape (n,); ``matches`` (buyer, seller, instrument, lots, price) in
    the order in which they are traded, shape (t, 5).
    """

    personas: tuple[Persona, ...]
    owners: tuple[int, ...]
    deposits: Columns
    matches: Columns

    def __len__(self) -> int:
        return len(self.owners)


@dataclass(frozen=True, slots=True)
class Books:
    """All venues in chain order. A margin group = (chain row, account) of one owner, sorted."""

    chains: tuple[ChainBook, ...]
    owners: int
    groups: tuple[tuple[tuple[int, int], ...], ...]


def open_books(*, seed: int, chains: int, accounts: int, board: Board) -> Books:
    """``accounts`` over all chains, at least ACCOUNTS_PER_CHAIN_MIN on each; ValueError below."""
    if chains < 1 or accounts < chains * ACCOUNTS_PER_CHAIN_MIN:
        raise ValueError(
            f"{accounts} accounts on {chains} chains: at least 1 chain and "
            f"{ACCOUNTS_PER_CHAIN_MIN} accounts on each are needed"
        )
    dice = Dice(seed)
    floors = _floors(dice, board, chains=chains, accounts=accounts)
    owners, pairs = _owners(floors, dice)
    books = tuple(_chain_book(floor, names, dice, board) for floor, names in zip(floors, owners))
    return Books(books, 1 + max(max(names) for names in owners), _groups(owners, pairs, dice))


@dataclass(slots=True)
class _Floor:
    """One venue while its books are made; arbitrageurs stand after the crowd.

    ``mirrors``: accounts that undo, here, what an arbitrageur of the chain before does there.
    """

    crowd: Crowd
    personas: list[Persona]
    books: list[Lots] = field(default_factory=list)
    arbitrageurs: list[int] = field(default_factory=list)
    mirrors: list[int] = field(default_factory=list)

    def of(self, persona: Persona) -> list[int]:
        return [account for account, one in enumerate(self.personas) if one is persona]
