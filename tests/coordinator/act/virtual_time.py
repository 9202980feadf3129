"""An event loop whose time jumps to the next timer: hours pass in milliseconds, reproducibly."""

import asyncio
import selectors

from chains.simulated.worlds import GENESIS_S


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self):
        super().__init__()
        self.now = 0.0

    def select(self, timeout=None):
        if timeout is None:
            raise AssertionError("nothing will ever happen again: a deadlock")
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self):
        return self._jumping.now


class VirtualClock:
    def now_ms(self):
        return GENESIS_S * 1_000 + round(asyncio.get_running_loop().time() * 1_000)

    async def sleep_ms(self, duration_ms):
        await asyncio.sleep(duration_ms / 1_000)


def run(main):
    """Run a coroutine to its end in virtual time."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.run_until_complete(_drain(loop))
        loop.close()


async def _drain(loop):
    others = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
