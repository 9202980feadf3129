"""One line of ``adl check``: what was looked at, what was found, what to do."""

from collections.abc import Awaitable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from chains.errors import ChainError
from coordinator.errors import CoordinatorError
from kernels.errors import KernelError
from oracles.errors import OracleError

__all__ = ["Finding", "Status", "fail", "looked", "ok", "warn"]

T = TypeVar("T")


class Status(StrEnum):
    """How a look ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """``cure`` is empty exactly when all is well."""

    status: Status
    looked_at: str
    found: str
    cure: str


def ok(looked_at: str, found: str) -> Finding:
    """All is well."""
    return Finding(Status.OK, looked_at, found, "")


def warn(looked_at: str, found: str, cure: str) -> Finding:
    """It works, but not as somebody may think."""
    return Finding(Status.WARN, looked_at, found, cure)


def fail(looked_at: str, found: str, cure: str) -> Finding:
    """It will not work."""
    return Finding(Status.FAIL, looked_at, found, cure)


async def looked(looked_at: str, look: Awaitable[T], *, cure: str) -> T | Finding:
    """What a look returns; an error of ours is a failed look, cured as its message says."""
    try:
        return await look
    except (ChainError, OracleError, CoordinatorError, KernelError) as error:
        found, _, own_cure = str(error).rpartition("; ")
        return fail(looked_at, found or own_cure, own_cure if found else cure)
