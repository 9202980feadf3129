"""Each import contract breaks when it should: a planted import, and the contract that names it."""

import os
import shutil
import sys
from pathlib import Path

import pytest

PACKAGES = ("chains", "coordinator", "kernels", "oracles")
PLANTED = [
    ("kernels/exact.py", "import chains.model", "coordinator over chains | oracles over kernels"),
    ("chains/model.py", "import oracles.model", "coordinator over chains | oracles over kernels"),
    ("chains/rpc.py", "import kernels.exact", "chains do without kernels"),
    (
        "oracles/svi.py",
        "import kernels.black76",
        "oracles use kernels.exact and kernels.smile only",
    ),
    (
        "coordinator/decide/plan.py",
        "import coordinator.act.lifecycle",
        "coordinator: cli, serve, study over wiring over engine over act over decide",
    ),
    (
        "coordinator/decide/plan.py",
        "import time",
        "the pure middle: no I/O, clock, randomness or logging",
    ),
    (
        "oracles/model.py",
        "from random import random",
        "the pure middle: no I/O, clock, randomness or logging",
    ),
    ("kernels/exact.py", "import cupy", "cupy is met in kernels.backend only"),
    ("oracles/fixed.py", "import oracles.chainlink", "oracle sources are independent"),
    ("chains/simulated/__init__.py", "import chains.venue", "chain adapters are independent"),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory, root):
    tree = tmp_path_factory.mktemp("tree")
    shutil.copy(root / "pyproject.toml", tree)
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "*.sol", "*.json")
        shutil.copytree(root / package, tree / package, ignore=ignored)
    return tree


@pytest.fixture
def lint(tree, run):
    program = Path(sys.executable).with_name("lint-imports")
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tree), "COLUMNS": "200"}
    return lambda: run(tree, program, "--no-cache", env=env)


def test_what_is_planted_covers_every_contract(lint):
    kept = [line.split(" KEPT")[0] for line in lint().stdout.splitlines() if " KEPT" in line]
    assert set(kept) == {name for _, _, name in PLANTED}


@pytest.mark.parametrize(("file", "line", "contract"), PLANTED)
def test_a_planted_import_breaks_its_contract(tree, lint, file, line, contract):
    path = tree / file
    text = path.read_text()
    path.write_text(f"{text}\n{line}\n")
    try:
        broken = lint()
    finally:
        path.write_text(text)
    assert broken.returncode == 1
    assert f"{contract} BROKEN" in broken.stdout
