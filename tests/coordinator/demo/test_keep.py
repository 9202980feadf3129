import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]
PLAY = """
import asyncio, os, sys
from coordinator.demo.keep import detach, until_stopped

release = detach()
if isinstance(release, int):
    sys.exit(release)
{story}
"""
KEPT = PLAY.format(
    story="""
print(os.getpid(), flush=True)
release(3)
asyncio.run(until_stopped())
"""
)


def played(source: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", source],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def is_running(process: int) -> bool:
    """A zombie that nobody reaps here is gone for all purposes."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(process: int) -> bool:
    deadline = time.monotonic() + 30
    while is_running(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_running(process)


def test_the_command_ends_with_the_given_code_and_the_holder_stays() -> None:
    command = played(KEPT)
    holder = int(command.stdout)
    try:
        assert command.returncode == 3
        assert is_running(holder)
    finally:
        os.kill(holder, signal.SIGTERM)
    assert wait_until_gone(holder)


def test_a_failure_before_the_release_is_the_commands_own() -> None:
    command = played(PLAY.format(story="sys.exit(70)"))
    assert command.returncode == 70


def test_an_error_reaches_the_user() -> None:
    command = played(PLAY.format(story="raise ValueError('no anvil')"))
    assert command.returncode == 1
    assert "no anvil" in command.stderr


def test_a_holder_that_is_killed_fails_the_command() -> None:
    command = played(PLAY.format(story="os.kill(os.getpid(), 9)"))
    assert command.returncode == 137


def test_nothing_stays_when_the_command_is_gone() -> None:
    source = PLAY.format(
        story="""
import time
print(os.getpid(), flush=True)
os.kill(os.getppid(), 9)
time.sleep(0.2)
release(0)
time.sleep(60)
"""
    )
    command = played(source)
    assert wait_until_gone(int(command.stdout.split()[0]))
