"""The whole data path on one screen: collect, assess, plan, check, attest, record, drive."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from coordinator.act.attest import Attestor
from coordinator.act.collect import Collector
from coordinator.act.drive import Driver
from coordinator.decide.assess import Assessment, assess
from coordinator.decide.build import build_plan
from coordinator.decide.invariants import Finding, check_plan
from coordinator.decide.plan import Plan
from coordinator.decide.policy import Policy
from coordinator.decide.publish import PlanDocument, headers_of
from coordinator.decide.snapshot import Carried, Snapshot
from kernels.backend import Backend

__all__ = ["Engine", "Round"]
