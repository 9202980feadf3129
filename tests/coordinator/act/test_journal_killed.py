"""A real process with a real file, killed with SIGKILL: what it called durable is there."""

import asyncio
import signal
import sys

import pytest

from coordinator.act.journal import open_journal
from coordinator.act.lifecycle import State
from tests.coordinator.act.test_journal import intent

WRITER = """
import asyncio, sys
from coordinator.act.journal import open_journal
from tests.coordinator.act.test_journal import intent, planned

async def main(url):
    async with open_journal(url) as journal:
        for number in range(100_000):
            await journal.append(*planned(number))
            print(intent(number).key, flush=True)

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.parametrize("durable", [1, 7, 40])
async def test_a_killed_writer_loses_nothing_it_called_durable_and_leaves_no_lock(
    tmp_path, durable
):
    url = f"sqlite+aiosqlite:///{tmp_path / 'journal.db'}"
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, url, stdout=asyncio.subprocess.PIPE
    )
    try:
        keys = [(await writer.stdout.readline()).decode().strip() for _ in range(durable)]
    finally:
        writer.send_signal(signal.SIGKILL)
        await writer.wait()
    async with open_journal(url) as journal:
        assert journal.torn is None
        assert set(keys) <= set(journal.book.entries)
        assert {e.state for e in journal.book.entries.values()} == {State.ATTESTED}
        assert intent(0).key == keys[0]
