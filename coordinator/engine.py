"""The whole data path on one screen: collect, assess, plan, check, attest, record; then drive."""

from dataclasses import dataclass

import structlog

from coordinator.act.attest import Attestor
from coordinator.act.clock import Clock
from coordinator.act.collect import Collector
from coordinator.act.execute import Executor
from coordinator.act.outcome import PlanOutcome
from coordinator.decide.assess import Assessment, assess
from coordinator.decide.build import build_plan
from coordinator.decide.invariants import Finding, check_plan
from coordinator.decide.policy import Policy
from coordinator.decide.publish import PlanDocument, headers_of
from coordinator.decide.snapshot import Carried
from coordinator.errors import IncompleteSnapshot, PlanRejected, StaleSnapshot
from kernels.backend import Backend
from kernels.errors import KernelError

__all__ = ["Engine", "Hands", "Round"]

_LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hands:
    """What a live node has and a shadow has not: a quorum to ask and an executor to send."""

    attestor: Attestor
    executor: Executor


@dataclass(frozen=True, slots=True)
class Round:
    """One round: what was seen and what was decided. Signed, and recorded, by a live node."""

    document: PlanDocument
    assessment: Assessment
    findings: tuple[Finding, ...]
    timings_ms: tuple[tuple[str, int], ...]


class Engine:
    """Runs rounds. Without ``hands`` it is a shadow: it plans and never sends."""

    def __init__(
        self,
        collector: Collector,
        *,
        policy: Policy,
        backend: Backend,
        clock: Clock,
        carried: Carried,
        hands: Hands | None = None,
    ) -> None:
        self._collector = collector
        self._policy = policy
        self._backend = backend
        self._clock = clock
        self._carried = carried
        self._hands = hands

    async def run_round(self) -> Round:
        """The data path. Raises CoordinatorError, KernelInputError; nothing is sent on doubt."""
        watch, policy = _Watch(self._clock), self._policy
        snapshot = await self._collector.collect(
            now_ms=self._clock.now_ms(), carried=self._carried, policy=policy
        )
        watch.lap("collect")
        assessment = assess(snapshot, policy, self._backend)
        watch.lap("assess")
        plan = build_plan(snapshot, assessment, policy)
        watch.lap("plan")
        found = check_plan(snapshot, assessment, plan, policy)
        document = PlanDocument(snapshot, policy, plan, headers_of(snapshot, plan, policy), ())
        watch.lap("check")
        if self._hands is not None and not plan.is_empty:
            document = await self._hands.attestor.attest(document)
            watch.lap("attest")
            await self._hands.executor.submit(document, threshold=self._hands.attestor.threshold)
            self._carried = Carried(plan.epoch)
            watch.lap("record")
        return Round(document, assessment, found, watch.laps)

    async def drive(self, round_: Round) -> PlanOutcome | None:
        """Carry a recorded round out until nothing of it is left to do; None for a shadow."""
        if self._hands is None or round_.document.plan.is_empty:
            return None
        return await self._hands.executor.drive(round_.document.plan.epoch)

    async def run_forever(self, *, pause_ms: int) -> None:
        """Round after round; what a crash left open comes first. Never overlaps plans.

        A round that cannot be planned is skipped and said; everything else is raised: a broken
        invariant, a journal or a signer in doubt stop the node.
        """
        if self._hands is not None:
            await self._hands.executor.resume()
        while True:
            await self._round_or_skip()
            await self._clock.sleep_ms(pause_ms)

    async def _round_or_skip(self) -> None:
        try:
            round_ = await self.run_round()
        except (StaleSnapshot, IncompleteSnapshot, PlanRejected, KernelError) as error:
            _LOG.warning("round skipped", reason=str(error), kind=type(error).__name__)
            return
        plan = round_.document.plan
        _LOG.info("round", epoch=plan.epoch, regime=plan.feasibility.regime, empty=plan.is_empty)
        await self.drive(round_)


class _Watch:
    """Milliseconds between laps, by the engine's clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_ms = clock.now_ms()
        self.laps: tuple[tuple[str, int], ...] = ()

    def lap(self, name: str) -> None:
        """Close the lap called ``name``."""
        now_ms = self._clock.now_ms()
        self.laps += ((name, now_ms - self._last_ms),)
        self._last_ms = now_ms
