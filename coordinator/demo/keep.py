"""`--keep`: the process that holds the chains outlives the command that started it.

The kernel stops every chain whose holder is gone, so something has to stay. The command forks
before it does anything: the child plays the demo and stays; the parent only waits for its word.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable

__all__ = ["Release", "detach", "until_stopped"]

Release = Callable[[int], None]
"""Called once by the one that stays: the command may end with this exit code."""


def detach() -> Release | int:
    """Fork. The one that stays gets a Release; the command gets, later, its exit code.

    Until it is released, or if it never is, the one that stays ends with the command.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        return _exit_code_of(child, reader)
    os.close(reader)
    os.setsid()
    return lambda code: _release(writer, code)


async def until_stopped() -> None:
    """Until SIGTERM, SIGINT or SIGHUP."""
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


def _exit_code_of(child: int, reader: int) -> int:
    """The code it was released with, else the one it ended with."""
    try:
        with os.fdopen(reader, "rb") as pipe:
            word = pipe.read(1)
        if word:
            return word[0]
        _, status = os.waitpid(child, 0)
    except BaseException:
        os.kill(child, signal.SIGTERM)
        raise
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _release(writer: int, code: int) -> None:
    """Let go of the terminal first, so that whoever reads our output sees its end.

    A command that is gone raises BrokenPipeError, and nothing stays.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    os.write(writer, bytes([code]))
    os.close(writer)
