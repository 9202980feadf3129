"""The journal on a real SQLite file: durable, linked, locked, and silent once in doubt."""

import asyncio
import hashlib
import sqlite3

import pytest

from chains.base import Call
from chains.codec.fields import keccak256
from coordinator.act.drive import Pace
from coordinator.act.fees import Bid
from coordinator.act.intents import Intent, Kind
from coordinator.act.journal import Journal, TornTail, open_journal
from coordinator.act.lifecycle import Event, IllegalEvent, State
from coordinator.act.records import (
    GENESIS,
    Attempt,
    IntentPlanned,
    Reservation,
    Transition,
    link_of,
)
from coordinator.act.store import MemoryStore
from coordinator.errors import JournalError
from tests.coordinator.act.scenes import (
    EXECUTOR,
    THRESHOLD,
    short_call_bankrupt__one_winner_here,
    short_call_bankrupt__one_winner_here__two_there,
)

SIGNER = b"\x05" * 20


@pytest.fixture
def url(tmp_path):
    return f"sqlite+aiosqlite:///{tmp_path / 'journal.db'}"


@pytest.fixture
def sql(tmp_path):
    """Look into the file, or change it, behind the journal's back."""

    def run(statement, *values):
        connection = sqlite3.connect(tmp_path / "journal.db")
        try:
            rows = connection.execute(statement, values).fetchall()
            connection.commit()
        finally:
            connection.close()
        return rows

    return run


def intent(number=0, *, size=10):
    return Intent(
        epoch=1,
        chain_id=31_337,
        gate=b"\x01" * 20,
        kind=Kind.EXECUTE,
        number=number,
        generation=0,
        part=(0, 1),
        call=Call(b"\x02" * 20, b"\x03" * size),
        gas=500_000,
        after=(),
        deadline_s=0,
    )


def planned(number=0, **given):
    one = intent(number, **given)
    return [IntentPlanned(one, 1), Transition(one.key, Event.ATTEST, "", 1)]


def signed(number=0, *, nonce=0):
    key = intent(number).key
    attempt = Attempt(key, Bid(2, 1), 0, b"raw", hashlib.sha256(b"raw").digest(), 1, 1)
    return [Reservation(key, SIGNER, nonce, 1), attempt]


async def filled(url, count=3):
    async with open_journal(url) as journal:
        for number in range(count):
            await journal.append(*planned(number))


# ------------------------------------------------------------------------------ refused


async def test_a_second_process_is_refused_while_the_first_holds_the_journal(url):
    async with open_journal(url):
        with pytest.raises(JournalError, match=r"journal\.db is in use by another process"):
            async with open_journal(url):
                pass
    async with open_journal(url) as journal:
        assert journal.torn is None


async def test_a_folder_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(JournalError, match="cannot be opened"):
        async with open_journal(f"sqlite+aiosqlite:///{tmp_path / 'no' / 'journal.db'}"):
            pass


async def test_a_file_that_is_no_database_is_refused(tmp_path, url):
    (tmp_path / "journal.db").write_bytes(b"not a database, but long enough to look like one" * 50)
    with pytest.raises(JournalError, match="file is not a database"):
        async with open_journal(url):
            pass


async def test_a_journal_of_another_format_is_refused_by_name(url, sql):
    await filled(url)
    sql("UPDATE journal_format SET name = 'adl.journal/0'")
    with pytest.raises(JournalError, match=r"format adl\.journal/0, this program writes"):
        async with open_journal(url):
            pass
    assert sql("SELECT count(*) FROM records") == [(6,)]


async def test_a_database_that_a_power_cut_would_empty_is_refused():
    with pytest.raises(JournalError, match=r"not durable where it is \(journal mode memory\)"):
        async with open_journal("sqlite+aiosqlite:///:memory:"):
            pass


async def test_a_url_that_is_none_is_refused():
    with pytest.raises(JournalError, match="journal url"):
        async with open_journal("no url at all"):
            pass


@pytest.mark.parametrize("sequence", range(1, 6))
@pytest.mark.parametrize("column", ["body", "link", "kind"])
async def test_a_flipped_byte_before_the_last_record_is_refused_by_number(
    url, sql, sequence, column
):
    await filled(url)
    [(value,)] = sql(f"SELECT {column} FROM records WHERE sequence = ?", sequence)
    flipped = "decision" if column == "kind" else bytes([value[0] ^ 1]) + value[1:]
    sql(f"UPDATE records SET {column} = ? WHERE sequence = ?", flipped, sequence)
    with pytest.raises(JournalError, match=rf"record {sequence} does not follow.*adl recover"):
        async with open_journal(url):
            pass
    assert sql("SELECT count(*) FROM records") == [(6,)]


async def test_a_missing_record_is_refused(url, sql):
    await filled(url)
    sql("DELETE FROM records WHERE sequence = 3")
    with pytest.raises(JournalError, match="record 4 does not follow"):
        async with open_journal(url):
            pass


async def test_a_record_that_fits_its_link_but_no_type_is_refused(url, sql):
    await filled(url, count=1)
    [(previous,)] = sql("SELECT link FROM records WHERE sequence = 2")
    link = link_of(previous=previous, sequence=3, kind="intent", body=b"\x00")
    sql("INSERT INTO records VALUES (3, 'intent', ?, ?)", b"\x00", link)
    with pytest.raises(JournalError, match=r"record 3 \(intent\) is not of format"):
        async with open_journal(url):
            pass


async def test_an_illegal_event_is_refused_and_not_written(url, sql):
    async with open_journal(url) as journal:
        await journal.append(*planned())
        with pytest.raises(IllegalEvent):
            await journal.append(Transition(intent().key, Event.FINALISE, "", 1))
        await journal.append(*signed())
    assert sql("SELECT count(*) FROM records") == [(4,)]


async def test_a_nonce_that_has_an_owner_is_refused(url):
    async with open_journal(url) as journal:
        await journal.append(*planned(0), *planned(1), *signed(0, nonce=7))
        with pytest.raises(JournalError, match=r"nonce 7 .* belongs to 1/31337/.*/execute/0#0"):
            await journal.append(Reservation(intent(1).key, SIGNER, 7, 1))
        assert journal.book.free_nonces(31_337, SIGNER, spent=6, count=3) == (6, 8, 9)


async def test_an_intent_is_planned_once(url):
    async with open_journal(url) as journal:
        await journal.append(*planned())
        with pytest.raises(JournalError, match="in the journal already"):
            await journal.append(*planned())


async def test_of_several_records_all_are_written_or_none(url):
    async with open_journal(url) as journal:
        with pytest.raises(IllegalEvent):
            await journal.append(*planned(), Transition(intent().key, Event.MINE, "", 1))
        assert journal.book.entries == {}
        await journal.append(*planned())


async def fill_up(journal):
    for number in range(100):
        await journal.append(*planned(number, size=4_000))


async def test_a_full_disk_stops_the_journal_for_good(url, sql):
    async with open_journal(url, pages_max=40) as journal:
        with pytest.raises(JournalError, match=r"database or disk is full\): nothing is sent"):
            await fill_up(journal)
        kept = len(journal.book.entries)
        with pytest.raises(JournalError, match="disk is full"):
            await journal.append(*planned(1_000))
        assert len(journal.book.entries) == kept
    [(rows,)] = sql("SELECT count(*) FROM records")
    assert rows == 2 * kept
    async with open_journal(url) as journal:
        assert len(journal.book.entries) == kept
        await journal.append(*planned(1_000))


@pytest.mark.parametrize("pages_max", [8, 9, 10, 11, 12])
async def test_with_a_full_disk_nothing_is_out_that_is_not_in_the_journal(url, pages_max):
    scene = short_call_bankrupt__one_winner_here__two_there()
    async with open_journal(url, pages_max=pages_max) as journal:
        scene.start_mining(every_s=0.01)
        executor = scene.executor(journal, pace=Pace(poll_ms=5))
        with pytest.raises(JournalError, match="disk is full"):
            await asyncio.wait_for(executor.execute(scene.document, threshold=THRESHOLD), 30)
        scene.stop_mining()
    async with open_journal(url) as journal:
        entries = journal.book.entries.values()
        durable = {attempt.hash for entry in entries for attempt in entry.attempts}
    assert hashes_out_there(scene) <= durable


def hashes_out_there(scene):
    chains = scene.chains.values()
    waiting = {transaction.hash for chain in chains for transaction in chain.mempool.values()}
    mined = {m.transaction.hash for chain in chains for block in chain.blocks for m in block.mined}
    return waiting | mined


# ------------------------------------------------------------------------------ kept


async def test_what_was_appended_is_there_after_reopening(url):
    async with open_journal(url) as journal:
        await journal.append(*planned(0), *planned(1), *signed(0, nonce=3))
        before = journal.book.entries
    async with open_journal(url) as journal:
        assert journal.book.entries == before
        entry = journal.book.entries[intent(0).key]
        assert (entry.state, entry.nonce, entry.attempts[0].raw) == (State.SIGNED, 3, b"raw")
        assert journal.book.entries[intent(1).key].state is State.ATTESTED


async def test_a_plan_document_comes_back_byte_for_byte(url):
    scene = short_call_bankrupt__one_winner_here()
    async with open_journal(url) as journal:
        await scene.executor(journal).submit(scene.document, threshold=THRESHOLD)
    async with open_journal(url) as journal:
        assert (await journal.document(1)).to_bytes() == scene.document.to_bytes()
        assert journal.book.open_plans() == (1,)
        assert len(list(journal.book.of_plan(1))) == 5


async def test_a_changed_plan_document_is_refused(url, sql):
    scene = short_call_bankrupt__one_winner_here()
    async with open_journal(url) as journal:
        await scene.executor(journal).submit(scene.document, threshold=THRESHOLD)
    sql("UPDATE documents SET data = ?", b"something else")
    async with open_journal(url) as journal:
        with pytest.raises(JournalError, match="document of plan 1 was changed"):
            await journal.document(1)


async def test_sqlite_is_set_to_survive_a_power_cut(url, sql):
    await filled(url)
    assert sql("PRAGMA journal_mode") == [("wal",)]


@pytest.mark.parametrize("column", ["body", "link"])
async def test_a_torn_tail_is_cut_off_and_shown(url, sql, column):
    await filled(url)
    [(body, value)] = sql(f"SELECT body, {column} FROM records WHERE sequence = 6")
    sql(f"UPDATE records SET {column} = ? WHERE sequence = 6", value[:-1])
    async with open_journal(url) as journal:
        torn = body[:-1] if column == "body" else body
        assert journal.torn == TornTail(6, "transition", torn)
        assert journal.book.entries[intent(2).key].state is State.PLANNED
        await journal.append(Transition(intent(2).key, Event.ATTEST, "", 1))
    async with open_journal(url) as journal:
        assert journal.torn is None
        assert journal.book.entries[intent(2).key].state is State.ATTESTED


async def test_a_caller_that_is_cancelled_does_not_tear_the_write(url, sql):
    async with open_journal(url) as journal:
        task = asyncio.ensure_future(journal.append(*planned()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await journal.append(*planned(1))
        assert set(journal.book.entries) == {intent(0).key, intent(1).key}
    assert sql("SELECT count(*) FROM records") == [(4,)]


async def test_appends_from_many_tasks_stay_one_chain(url):
    async with open_journal(url) as journal:
        await asyncio.gather(*(journal.append(*planned(number)) for number in range(20)))
    async with open_journal(url) as journal:
        assert len(journal.book.entries) == 20


async def test_a_closed_journal_takes_nothing_more():
    journal = await Journal.over(MemoryStore())
    await journal.close()
    with pytest.raises(JournalError, match="closed"):
        await journal.append(*planned())


def test_links_depend_on_place_kind_and_content():
    links = {
        link_of(previous=previous, sequence=sequence, kind=kind, body=body)
        for previous in (GENESIS, bytes(32))
        for sequence in (1, 2)
        for kind in ("plan", "intent")
        for body in (b"", b"\x00")
    }
    assert len(links) == 16


async def test_a_whole_plan_over_a_real_file_leaves_no_key_in_it(tmp_path, url):
    scene = short_call_bankrupt__one_winner_here()
    async with open_journal(url) as journal:
        scene.start_mining(every_s=0.02)
        executor = scene.executor(journal, pace=Pace(poll_ms=5))
        outcome = await asyncio.wait_for(executor.execute(scene.document, threshold=THRESHOLD), 30)
        scene.stop_mining()
    assert outcome.is_achieved
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert EXECUTOR.address in written
    assert keccak256(b"executor one") not in written
    assert keccak256(b"executor one").hex().encode() not in written
