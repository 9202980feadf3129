"""``adl check``: everything that a run needs, looked at one by one, each with its cure."""

from coordinator.check.finding import Finding, Status
from coordinator.check.preflight import preflight
from coordinator.check.report import report

__all__ = ["Finding", "Status", "preflight", "report"]
