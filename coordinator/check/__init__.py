"""``adl check``: everything that a run needs, looked at one by one, each with its cure."""

from coordinator.check.finding import Finding, Status
from coordinator.check.preflight import insist_on_live, insist_on_shadow
from coordinator.check.report import report

__all__ = ["Finding", "Status", "insist_on_live", "insist_on_shadow", "report"]
