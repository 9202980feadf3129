"""README and docs name only what exists, and say what the code says."""

import re
from dataclasses import fields
from enum import StrEnum

import pytest
import typer

from chains.simulated.snapshot import chain_state
from chains.simulated.worlds import perpetual_long_bankrupt__one_short_on_the_same_chain
from coordinator.cli.app import app
from coordinator.decide.assess import assess
from coordinator.decide.build import build_plan
from coordinator.decide.invariants import findings
from coordinator.decide.policy import Policy
from coordinator.decide.relations import relations
from coordinator.decide.snapshot import Carried, Snapshot
from kernels.backend import choose_backend
from oracles.model import IndexQuote, MarketView

README_LINES_MAX = 150
OF_THE_LAUNCHER = {"test"}

CODE_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
COMMAND = re.compile(r"(?<![\w-])adl ([a-z][a-z-]*)")
FILE_ENDING = re.compile(r"\.(py|md|sol|toml|json|txt|yaml|mjs|sh)$")


def code_of(page):
    """Everything set as code: spans and fenced lines."""
    return [*CODE_SPAN.findall(FENCED.sub("", page)), *FENCED.findall(page)]


def paths_in(page, top):
    """What looks like a path: begins with a name at the root, or ends like a file."""
    for span in CODE_SPAN.findall(FENCED.sub("", page)):
        is_plain = re.fullmatch(r"[\w./*-]+", span) is not None
        if is_plain and (("/" in span and span.split("/")[0] in top) or FILE_ENDING.search(span)):
            yield span


def anchors_of(page):
    kept = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(page)]
    return {heading.strip().replace(" ", "-") for heading in kept}


def test_the_readme_fits_on_a_few_screens(pages):
    assert len(pages["README.md"].splitlines()) <= README_LINES_MAX


def test_paths_that_look_wrong_are_found():
    page = "`chains/no_such.py` `none.md` `--live` `plan.cbor` [a](b.md)"
    assert list(paths_in(page, {"chains"})) == ["chains/no_such.py", "none.md"]


def test_every_path_exists(pages, root):
    top = {path.name for path in root.iterdir()}
    named = [(name, path) for name, page in pages.items() for path in paths_in(page, top)]
    assert len(named) > 20
    assert [(name, path) for name, path in named if not any(root.glob(path.rstrip("/")))] == []


def test_every_relative_link_leads_somewhere(pages, root):
    broken = []
    for name, page in pages.items():
        for target in LINK.findall(page):
            if target.startswith("https://"):
                continue
            path, _, anchor = target.partition("#")
            found = (root / name).parent / path if path else root / name
            if not found.exists() or (anchor and anchor not in anchors_of(found.read_text())):
                broken.append((name, target))
    assert broken == []


def test_every_decision_is_reached_from_a_page(pages):
    decisions = {name.rsplit("/", 1)[1] for name in pages if name.startswith("docs/adr/")}
    linked = {
        target.rsplit("/", 1)[-1]
        for name, page in pages.items()
        if not name.startswith("docs/adr/")
        for target in LINK.findall(page)
    }
    assert decisions
    assert decisions - linked == set()


def test_every_command_exists(pages):
    known = set(typer.main.get_command(app).commands) | OF_THE_LAUNCHER
    named = {
        (name, command)
        for name, page in pages.items()
        for code in code_of(page)
        for command in COMMAND.findall(code)
    }
    assert {"demo", "test"} <= {command for _, command in named}
    assert {(name, command) for name, command in named if command not in known} == set()


def test_the_policy_table_is_the_policy(table):
    told = [(row["parameter"].strip("`"), row["default"]) for row in policy_rows(table)]
    assert told == [(field.name, spelled(field.default)) for field in fields(Policy)]


def policy_rows(table):
    return table("parameter", "default", "meaning")


def spelled(default):
    numbers = default if isinstance(default, tuple) else (default,)
    return ", ".join(n.value if isinstance(n, StrEnum) else f"{n:,}" for n in numbers)


def test_the_invariants_are_those_of_the_code(table, promises):
    told = [(int(row["number"]), row["sentence"]) for row in invariant_rows(table)]
    assert sorted(told) == sorted((found.number, found.sentence) for found in promises)


def test_the_invariants_come_in_order_and_none_is_missing(table):
    numbers = [int(row["number"]) for row in invariant_rows(table)]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, 15))


def invariant_rows(table):
    return table("number", "sentence", "how it is looked at")


@pytest.fixture(scope="module")
def promises():
    """Every finding of one small plan, and what planning again says of it."""
    world = perpetual_long_bankrupt__one_short_on_the_same_chain()
    state = chain_state(world.head.contracts, world.head.ref)
    index = IndexQuote(
        underlying="BTC",
        index_micro=60_000_000_000,
        half_width_micro=0,
        observed_ms=state.block.timestamp_s * 1_000,
        source="fixed",
    )
    market = MarketView(indices=(index,), slices=())
    snapshot, policy = Snapshot((state,), market, Carried(), ()), Policy()
    backend = choose_backend("numpy")
    assessment = assess(snapshot, policy, backend)
    plan = build_plan(snapshot, assessment, policy)
    assert not plan.is_empty
    return (*findings(snapshot, assessment, plan, policy), *relations(snapshot, policy, backend))
