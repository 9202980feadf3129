"""What a step wants to be true, judged on what one gate and its Reserve say at one block. Pure.

The same three questions are asked at two levels: at LATEST they decide what is sent next, at FINAL
they decide what is DONE or EXPIRED.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from chains.base import EdgeSide, PlanProgress
from chains.legs import Header
from coordinator.act.intents import Intent, Kind

__all__ = ["View", "holds", "is_dead", "is_due", "open_part"]

PREPARED, OPENED, DECIDED, APPLIED = 1, 2, 3, 4
"""``EdgeSide.state`` as the Reserve stores it."""

_WANTED_STATE = {
    Kind.OPEN_EDGE: OPENED,
    Kind.PREPARE: PREPARED,
    Kind.REGISTER: DECIDED,
    Kind.APPLY: APPLIED,
}
_COURTESY = frozenset({Kind.REFUND, Kind.REFUND_ESCROW})


@dataclass(frozen=True, slots=True)
class View:
    """One plan on one gate at one level. ``sides``: by box, this Reserve's side of each edge.

    ``settled``: steps of refunds that the contract refuses: it shows no other state of them.
    """

    header: Header
    progress: PlanProgress
    sides: Mapping[int, EdgeSide]
    settled: frozenset[str] = frozenset()

    @property
    def is_ours(self) -> bool:
        """The gate accepted this very plan under its epoch."""
        return self.progress.committed and self.progress.plan_root == self.header.plan_root

    @property
    def now_s(self) -> int:
        """The chain's own clock."""
        return self.progress.block.timestamp_s

    @property
    def is_over(self) -> bool:
        """Nothing of the plan can be executed any more, or nothing is left."""
        return self.now_s > self.header.expiry_s or self._legs_left == 0

    @property
    def _legs_left(self) -> int:
        return self.header.leg_count - self.progress.legs_done


def holds(intent: Intent, view: View) -> bool:
    """The step's effect stands."""
    match intent.kind:
        case Kind.COMMIT:
            return view.is_ours
        case Kind.EXECUTE:
            return view.is_ours and not open_part(intent, view)
        case Kind.CLOSE_PLAN:
            return view.is_ours and view.progress.closed
        case Kind.REFUND:
            return intent.step in view.settled and view.progress.closed
        case Kind.REFUND_ESCROW:
            has_rest = view.sides[intent.number].state >= APPLIED
            return intent.step in view.settled and has_rest
        case _:
            return view.sides[intent.number].state >= _WANTED_STATE[intent.kind]


def is_dead(intent: Intent, view: View) -> bool:
    """The step's effect can never come any more, provided that the view is FINAL."""
    if intent.deadline_s and view.now_s > intent.deadline_s:
        return True
    match intent.kind:
        case Kind.COMMIT:
            return view.progress.committed and not view.is_ours
        case Kind.EXECUTE:
            return view.progress.closed
        case Kind.CLOSE_PLAN | Kind.REFUND:
            return not view.is_ours and view.now_s > view.header.expiry_s
        case _:
            return False


def is_due(intent: Intent, view: View) -> bool:
    """Worth a simulation now, besides the steps that it comes after."""
    match intent.kind:
        case Kind.COMMIT:
            return view.now_s >= view.header.not_before_s
        case Kind.CLOSE_PLAN:
            return view.is_over
        case Kind.EXECUTE:
            return view.is_ours and not view.progress.closed
        case _:
            return True


def open_part(intent: Intent, view: View) -> tuple[int, ...]:
    """The parts of the step that are still to be done: words of the chunk, else all of it."""
    if intent.kind is not Kind.EXECUTE:
        return intent.part
    bits = view.progress.leg_bits
    done = bits[intent.number] if intent.number < len(bits) else 0
    return tuple(index for index in intent.part if not done >> index & 1)


def is_courtesy(intent: Intent) -> bool:
    """A refund: the contract shows no state for it, so a simulation says what is left."""
    return intent.kind in _COURTESY
