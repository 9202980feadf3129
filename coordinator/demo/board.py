"""The listed instruments at their opening marks: what a trader of the demo looks at."""

from dataclasses import dataclass
from functools import cached_property

from chains.model import Instrument, InstrumentKind, Right
from coordinator.demo.marks import Marks

__all__ = ["Board", "Series"]


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """The options of one underlying, expiry and right; ``term`` counts expiries from 0."""

    term: int
    right: Right
    underlying: str


@dataclass(frozen=True, eq=False)
class Board:
    """``im_factor_ppm`` is the venues' initial over maintenance margin."""

    instruments: tuple[Instrument, ...]
    opening: Marks
    im_factor_ppm: int

    @cached_property
    def perpetuals(self) -> dict[str, int]:
        """Instrument number by underlying."""
        return {
            one.underlying: one.instrument
            for one in self.instruments
            if one.kind is InstrumentKind.PERPETUAL
        }

    @cached_property
    def series(self) -> dict[Series, tuple[int, ...]]:
        """Instrument numbers by series, lowest strike first.

        Near before far and puts before calls: whoever can make only some of them begins in front.
        """
        found: dict[Series, list[Instrument]] = {}
        for one in self.instruments:
            if one.kind is InstrumentKind.OPTION:
                term = self._expiries_s(one.underlying).index(one.expiry_s)
                found.setdefault(Series(term, one.right, one.underlying), []).append(one)
        order = sorted(found, key=lambda series: (series.term, -series.right, series.underlying))
        return {
            series: tuple(o.instrument for o in sorted(found[series], key=lambda o: o.strike_micro))
            for series in order
        }

    def lots_of(self, underlying: str, *, notional_micro: int) -> int:
        """Lots of an underlying worth about that much at the index, at least one."""
        mark = int(self.opening.marks[self.perpetuals[underlying]])
        return max(1, notional_micro // mark)

    def _expiries_s(self, underlying: str) -> list[int]:
        dated = {one.expiry_s for one in self.instruments if one.underlying == underlying}
        return sorted(dated - {0})
