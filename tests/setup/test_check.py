"""The one check: every step runs, the first failure decides, and no test is no pass."""

import os
import shutil

import pytest

STEPS = ("ruff", "lint-imports", "node", "mypy", "python")
FORGE_PASSED = "Ran 2 test suites in 9ms (1ms CPU time): 7 tests passed, 0 failed, 0 skipped"


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def home(tmp_path, root):
    """The check among stand-ins for the programs it calls, all content."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(root / ".ci/check", tmp_path / ".ci/check")
    for name in STEPS:
        program(tmp_path / "bin" / name, f'echo "{name} $*"')
    program(tmp_path / "devchain/forge", f'echo "{FORGE_PASSED}"; echo "$FOUNDRY_PROFILE"')
    program(tmp_path / "devchain/mustfail", "echo red is red")
    return tmp_path


@pytest.fixture
def check(home, run):
    env = {"PATH": f"{home}/bin:{os.environ['PATH']}"}
    return lambda *words: run("/", home / ".ci/check", *words, env=env)


def test_the_first_failure_decides_and_later_steps_still_run(check, home):
    program(home / "bin/lint-imports", "exit 3")
    program(home / "bin/mypy", "exit 2")
    done = check()
    assert done.returncode == 3
    assert "python -P -m pytest" in done.stdout
    assert done.stdout.count("FAILED") == 2


def test_a_missing_program_fails(check, home):
    (home / "devchain/forge").unlink()
    assert check().returncode == 1


@pytest.mark.parametrize(
    "answer",
    ["No tests found in project!", FORGE_PASSED.replace("7 tests", "0 tests"), ""],
)
def test_forge_without_a_test_is_no_pass(check, home, answer):
    program(home / "devchain/forge", f'echo "{answer}"')
    done = check()
    assert done.returncode == 1
    assert "forge ran no test" in done.stdout


def test_a_failing_forge_is_shown_and_fails(check, home):
    program(home / "devchain/forge", f'echo "{FORGE_PASSED}"; echo told; exit 1')
    done = check()
    assert done.returncode == 1
    assert "told" in done.stdout


def test_red_that_is_not_seen_fails(check, home):
    program(home / "devchain/mustfail", "exit 1")
    assert check().returncode == 1


def test_all_content_passes_with_a_summary_of_every_step(check):
    done = check("tests/kernels", "-k", "parity")
    assert (done.returncode, done.stderr) == (0, "")
    assert "python -P -m pytest tests/kernels -k parity\n" in done.stdout
    summary = done.stdout.splitlines()[-8:]
    assert [line.split()[-1] for line in summary] == ["ok"] * 8


def test_long_reaches_forge_and_pytest(check):
    done = check("--long", "-x")
    assert "\nlong\n" in done.stdout
    assert "pytest -m long or not long -x\n" in done.stdout


def test_quick_is_types_and_python_tests(check):
    done = check("--quick", "-x")
    steps = [line[4:] for line in done.stdout.splitlines() if line.startswith("==> ")]
    assert steps == ["mypy --strict", "pytest"]
    assert "python -P -m pytest -x\n" in done.stdout
