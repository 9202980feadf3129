"""What there is against what is needed: the report that comes with every plan."""

import numpy as np

from coordinator.decide.assess import Assessment, LeftOut
from coordinator.decide.plan import Feasibility, Regime, Uncovered
from coordinator.decide.waterfall import Relief

__all__ = ["feasibility"]


def feasibility(
    assessment: Assessment, relief: Relief, uncovered: tuple[Uncovered, ...]
) -> Feasibility:
    """Totals over all venues; the regime follows from the remainder after insurance."""
    deficit = -sum(int(np.minimum(0, venue.equity).sum()) for venue in assessment.venues)
    insurance = sum(venue.insurance_micro for venue in relief.venues)
    soft = hard = equity = 0
    for venue in assessment.venues:
        winners = (venue.payable > 0) & (venue.left_out == LeftOut.NO)
        above_im = np.minimum(venue.payable, venue.equity - venue.im)
        soft += int(np.maximum(0, above_im)[winners].sum())
        hard += int(venue.payable[winners].sum())
        equity += int(venue.equity[winners].sum())
    remainder = deficit - insurance
    return Feasibility(
        deficit_micro=deficit,
        insurance_micro=insurance,
        soft_micro=soft,
        hard_micro=hard,
        equity_micro=equity,
        remainder_micro=remainder,
        regime=_regime(deficit, remainder, hard, equity, has_uncovered=bool(uncovered)),
    )


def _regime(deficit: int, remainder: int, hard: int, equity: int, *, has_uncovered: bool) -> Regime:
    if deficit == 0:
        return Regime.COVERED
    if remainder == 0:
        return Regime.INSURED
    if remainder > hard:
        return Regime.SOLVENT_BUT_NOT_COVERABLE if remainder <= equity else Regime.UNCOVERED
    return Regime.UNCOVERED if has_uncovered else Regime.ADL
