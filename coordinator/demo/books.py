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
from coordinator.demo.makers import Lots, hedge, made_by, split, take_options, take_perpetuals
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
    owners = _owners(floors, dice)
    books = tuple(
        _chain_book(floor, names, dice, board) for floor, names in zip(floors, owners, strict=True)
    )
    return Books(
        chains=books,
        owners=1 + max(max(names) for names in owners),
        groups=tuple(_groups(floors, owners, dice)),
    )


@dataclass(slots=True)
class _Floor:
    """One venue while its books are made: mirrors first, then the crowd, then arbitrageurs.

    A mirror undoes, here, what an arbitrageur of the chain before does there.
    """

    crowd: Crowd
    personas: list[Persona]
    mirrors: int
    arbitrageurs: int
    books: list[Lots] = field(default_factory=list)

    @property
    def arbitrageur_accounts(self) -> list[int]:
        return list(range(len(self.personas) - self.arbitrageurs, len(self.personas)))

    def of(self, persona: Persona) -> list[int]:
        return [account for account, one in enumerate(self.personas) if one is persona]


def _floors(dice: Dice, board: Board, *, chains: int, accounts: int) -> list[_Floor]:
    floors: list[_Floor] = []
    for row, size in enumerate(split(accounts, chains)):
        mirrored = floors[-1].arbitrageurs if floors else 0
        is_last = row == chains - 1
        leaving = 0 if is_last else max(1, size * _ARBITRAGEURS_PERCENT // 100)
        crowd = CROWDS[row % len(CROWDS)]
        people = cast(crowd, size - mirrored - leaving, dice)
        paired = [Persona.ARBITRAGEUR]
        floor = _Floor(crowd, paired * mirrored + people + paired * leaving, mirrored, leaving)
        floor.books = _books(floor, floors[-1] if floors else None, dice, board)
        floors.append(floor)
    return floors


def _books(floor: _Floor, before: _Floor | None, dice: Dice, board: Board) -> list[Lots]:
    """What every account of a floor holds; every instrument's lots sum to zero."""
    series, makers = tuple(board.series), floor.of(Persona.MARKET_MAKER)
    made = made_by(makers, series)
    books = [wishes(persona, dice, board, made) for persona in floor.personas]
    if before is not None:
        books[: floor.mirrors] = [
            {instrument: -lots for instrument, lots in before.books[account].items()}
            for account in before.arbitrageur_accounts
        ]
    for chosen, accounts in made_by(
        floor.arbitrageur_accounts, series[:_PUT_SERIES_OF_ARBITRAGEURS]
    ).items():
        made[chosen] = made[chosen] + accounts
    take_options(books, made, board)
    for maker in makers:
        hedge(books[maker], board)
    takers = floor.of(Persona.SHORT_SELLER) + floor.arbitrageur_accounts
    take_perpetuals(books, takers, board)
    return books


def _chain_book(floor: _Floor, owners: list[int], dice: Dice, board: Board) -> ChainBook:
    trades = matches(floor.books, board, dice)
    cushions = [dice.between(*floor.crowd.cushions_ppm[one]) for one in floor.personas]
    return ChainBook(
        personas=tuple(floor.personas),
        owners=tuple(owners),
        deposits=deposits(floor.books, trades, cushions, board),
        matches=trades,
    )


def _owners(floors: Sequence[_Floor], dice: Dice) -> list[list[int]]:
    """Owner of every account by chain: mirrors are their arbitrageur's, some know other chains."""
    owners: list[list[int]] = []
    known: list[int] = []
    count = 0
    for row, floor in enumerate(floors):
        before = floors[row - 1].arbitrageur_accounts if row else []
        names = [owners[row - 1][account] for account in before]
        returning = dice.shuffled(known)
        for persona in floor.personas[floor.mirrors :]:
            is_new = persona is Persona.ARBITRAGEUR or dice.between(1, 100) > _OLD_HANDS_PERCENT
            if not is_new and returning:
                names.append(returning.pop())
                continue
            names.append(count)
            known += [] if persona is Persona.ARBITRAGEUR else [count]
            count += 1
        owners.append(names)
    return owners


def _groups(
    floors: Sequence[_Floor], owners: Sequence[Sequence[int]], dice: Dice
) -> Iterator[tuple[tuple[int, int], ...]]:
    """Every arbitrageur's accounts, and those of every second owner else with several."""
    accounts: dict[int, list[tuple[int, int]]] = {}
    for row, names in enumerate(owners):
        for account, owner in enumerate(names):
            accounts.setdefault(owner, []).append((row, account))
    for members in accounts.values():
        row, account = members[0]
        is_arbitrage = floors[row].personas[account] is Persona.ARBITRAGEUR
        if len(members) > 1 and (is_arbitrage or dice.one_of((True, False))):
            yield tuple(members)
