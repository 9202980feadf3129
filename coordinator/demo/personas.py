"""Who trades in the demo, how tightly, and what each of them wants to hold."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chains.model import Right
from coordinator.demo.board import Board, Series
from coordinator.demo.dice import Dice

__all__ = ["CROWDS", "Crowd", "Persona", "cast", "wishes"]

_USD: Final = 1_000_000


class Persona(StrEnum):
    """What an account is up to. The last three take what the others leave over."""

    LEVERED_LONG = "levered long"
    PUT_SELLER = "put seller"
    FUND = "put fund"
    PUT_BUYER = "put buyer"
    PUT_SPREADER = "put spreader"
    HEDGER = "hedger"
    COLLAR = "collar"
    CALENDAR = "calendar"
    ARBITRAGEUR = "arbitrageur"
    MARKET_MAKER = "market maker"
    SHORT_SELLER = "short seller"


@dataclass(frozen=True, slots=True)
class Crowd:
    """One venue's people: how many percent are what, and their deposit in ppm of initial margin.
    What is missing to a hundred sells puts.

    Arbitrageurs come on top: they buy puts and sell perpetuals here, and do the opposite, under
    one margin group, on the next chain.
    """

    percents: dict[Persona, int]
    cushions_ppm: dict[Persona, tuple[int, int]]


_CALM_CUSHIONS: Final = {
    Persona.LEVERED_LONG: (1_250_000, 2_200_000),
    Persona.PUT_SELLER: (1_500_000, 2_800_000),
    Persona.FUND: (1_500_000, 2_800_000),
    Persona.PUT_BUYER: (1_050_000, 1_600_000),
    Persona.PUT_SPREADER: (1_050_000, 1_600_000),
    Persona.HEDGER: (1_150_000, 2_200_000),
    Persona.COLLAR: (1_150_000, 2_200_000),
    Persona.CALENDAR: (1_200_000, 2_400_000),
    Persona.ARBITRAGEUR: (1_900_000, 2_300_000),
    Persona.MARKET_MAKER: (1_300_000, 1_900_000),
    Persona.SHORT_SELLER: (1_050_000, 1_700_000),
}
_RETAIL: Final = Crowd(
    percents={
        Persona.LEVERED_LONG: 36,
        Persona.PUT_SELLER: 20,
        Persona.FUND: 1,
        Persona.HEDGER: 14,
        Persona.COLLAR: 8,
        Persona.CALENDAR: 8,
        Persona.MARKET_MAKER: 10,
    },
    cushions_ppm=_CALM_CUSHIONS
    | {
        Persona.LEVERED_LONG: (1_000_000, 1_300_000),
        Persona.PUT_SELLER: (1_050_000, 2_100_000),
        Persona.FUND: (1_000_000, 1_050_000),
    },
)
_MIXED: Final = Crowd(
    percents={
        Persona.LEVERED_LONG: 20,
        Persona.PUT_SELLER: 14,
        Persona.PUT_BUYER: 4,
        Persona.PUT_SPREADER: 4,
        Persona.HEDGER: 10,
        Persona.COLLAR: 12,
        Persona.CALENDAR: 10,
        Persona.MARKET_MAKER: 12,
        Persona.SHORT_SELLER: 12,
    },
    cushions_ppm=_CALM_CUSHIONS
    | {
        Persona.LEVERED_LONG: (1_050_000, 1_500_000),
        Persona.PUT_SELLER: (1_200_000, 2_000_000),
    },
)
_PROFESSIONAL: Final = Crowd(
    percents={
        Persona.LEVERED_LONG: 14,
        Persona.PUT_SELLER: 6,
        Persona.PUT_BUYER: 5,
        Persona.PUT_SPREADER: 5,
        Persona.HEDGER: 12,
        Persona.COLLAR: 14,
        Persona.CALENDAR: 12,
        Persona.MARKET_MAKER: 14,
        Persona.SHORT_SELLER: 16,
    },
    cushions_ppm=_CALM_CUSHIONS,
)
CROWDS: Final = (_RETAIL, _MIXED, _PROFESSIONAL)
"""By chain in order, and over again."""

_NEVER_FEWER_THAN: Final = {Persona.MARKET_MAKER: 2, Persona.FUND: 1}


def cast(crowd: Crowd, accounts: int, dice: Dice) -> list[Persona]:
    """``accounts`` (at least 8) people of a crowd in any order."""
    people = [
        persona
        for persona, percent in crowd.percents.items()
        for _ in range(max(accounts * percent // 100, _NEVER_FEWER_THAN.get(persona, 0)))
    ]
    return dice.shuffled(people + [Persona.PUT_SELLER] * (accounts - len(people)))


def wishes(persona: Persona, dice: Dice, board: Board, made: Collection[Series]) -> dict[int, int]:
    """Signed lots by instrument that a persona opens with; options only of series that are made.

    Nothing for those who take what is left over.
    """
    wish = _WISHES.get(persona)
    if wish is None:
        return {}
    found = wish(_Look(dice, board, made, dice.one_of(sorted(board.perpetuals))))
    return {instrument: lots for instrument, lots in found if lots}


_Wish = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class _Look:
    """A trader in front of the board, about to open in one underlying."""

    dice: Dice
    board: Board
    made: Collection[Series]
    underlying: str

    @property
    def perpetual(self) -> int:
        return self.board.perpetuals[self.underlying]

    def lots(self, *, low_usd: int, high_usd: int) -> int:
        notional = self.dice.between(low_usd, high_usd) * _USD
        return self.board.lots_of(self.underlying, notional_micro=notional)

    def option(self, right: Right, *, term: int, strikes: slice, lots: int) -> _Wish:
        """One option of the wanted strikes (lowest first), or nothing where none is made."""
        series = Series(term, right, self.underlying)
        if series not in self.made:
            return []
        return [(self.dice.one_of(self.board.series[series][strikes]), lots)]


def _levered_long(look: _Look) -> _Wish:
    lots = look.lots(low_usd=20_000, high_usd=160_000)
    return [(look.perpetual, lots)]


def _put_seller(look: _Look) -> _Wish:
    lots = look.lots(low_usd=40_000, high_usd=250_000)
    near = look.option(Right.PUT, term=0, strikes=slice(3, 7), lots=-lots)
    far = look.option(Right.PUT, term=1, strikes=slice(2, 6), lots=-(lots // 2))
    return near + far


def _put_buyer(look: _Look) -> _Wish:
    lots = look.lots(low_usd=40_000, high_usd=200_000)
    near = look.option(Right.PUT, term=0, strikes=slice(3, 7), lots=lots)
    return near + look.option(Right.PUT, term=2, strikes=slice(2, 5), lots=lots // 2)


def _put_spreader(look: _Look) -> _Wish:
    lots = look.lots(low_usd=60_000, high_usd=250_000)
    high = look.option(Right.PUT, term=1, strikes=slice(5, 7), lots=lots)
    return high + look.option(Right.PUT, term=1, strikes=slice(0, 2), lots=-lots)


def _fund(look: _Look) -> _Wish:
    lots = look.lots(low_usd=3_500_000, high_usd=4_500_000)
    return look.option(Right.PUT, term=0, strikes=slice(5, 7), lots=-lots)


def _hedger(look: _Look) -> _Wish:
    lots = look.lots(low_usd=30_000, high_usd=200_000)
    puts = look.option(Right.PUT, term=look.dice.between(0, 2), strikes=slice(3, 6), lots=lots)
    return [(look.perpetual, lots), *puts]


def _collar(look: _Look) -> _Wish:
    lots = look.lots(low_usd=30_000, high_usd=200_000)
    term = look.dice.between(0, 1)
    puts = look.option(Right.PUT, term=term, strikes=slice(2, 5), lots=lots)
    calls = look.option(Right.CALL, term=term, strikes=slice(7, 9), lots=-lots)
    return [(look.perpetual, lots), *puts, *calls]


def _calendar(look: _Look) -> _Wish:
    lots, right = look.lots(low_usd=20_000, high_usd=120_000), look.dice.one_of(tuple(Right))
    at_the_money = slice(6, 7)
    near = look.option(right, term=0, strikes=at_the_money, lots=-lots)
    return [*near, *look.option(right, term=2, strikes=at_the_money, lots=lots)]


_WISHES: Final[dict[Persona, Callable[[_Look], _Wish]]] = {
    Persona.LEVERED_LONG: _levered_long,
    Persona.PUT_SELLER: _put_seller,
    Persona.FUND: _fund,
    Persona.PUT_SPREADER: _put_spreader,
    Persona.PUT_BUYER: _put_buyer,
    Persona.HEDGER: _hedger,
    Persona.COLLAR: _collar,
    Persona.CALENDAR: _calendar,
}
