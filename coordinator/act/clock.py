"""Time as a port: a simulated run takes no real time."""

import asyncio
import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """Wall clock and sleep. It orders nothing that must be safe: chains have their own clocks."""

    def now_ms(self) -> int:
        """Unix milliseconds."""
        ...

    async def sleep_ms(self, duration_ms: int) -> None: ...


class SystemClock:
    """The machine's."""

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return time.time_ns() // 1_000_000

    async def sleep_ms(self, duration_ms: int) -> None:
        """Let others run."""
        await asyncio.sleep(duration_ms / 1_000)
