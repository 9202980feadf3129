"""The launcher with a stand-in interpreter: what it installs, when, and what it refuses."""

import os
import shutil
import subprocess
import sys

import pytest

# Answers -c with the real interpreter; records -m pip, makes a copy of itself for -m venv, and
# shows the arguments it got for -m coordinator.cli.
INTERPRETER = """#!/bin/sh
case "$1 $2" in
    "-c "*) exec {real} "$@" ;;
    "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    "-m pip") shift 2; sleep 0.2; printf 'pip %s\\n' "$*" >>"{log}" ;;
    "-P -m") shift 3; printf 'cli' && printf ' [%s]' "$@" && echo ;;
esac
"""
TOO_OLD = '#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.2 && exit 0\nexit 1\n'
# Is 3.12 to every question, but Debian's venv package is not there.
WITHOUT_VENV = """#!/bin/sh
case "$2" in *ensurepip*) exit 1 ;; *print*) echo 3.12 ;; esac
"""


def program(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def home(tmp_path, root):
    """A copy of what the launcher reads, under a name with a space."""
    home = tmp_path / "a home"
    home.mkdir()
    for name in ("adl", "pyproject.toml", "constraints.txt"):
        shutil.copy(root / name, home / name)
    return home


@pytest.fixture
def log(home):
    return home / "pip.log"


@pytest.fixture
def env(home, log):
    python = program(home / "stand-in", INTERPRETER.format(real=sys.executable, log=log))
    return {"PATH": os.environ["PATH"], "ADL_PYTHON": str(python), "HOME": str(home)}


@pytest.fixture
def adl(home, env, run):
    def start(*words, **changed):
        return run(home.parent, home / "adl", *words, env=env | changed)

    return start


def installs(log):
    return log.read_text().splitlines() if log.exists() else []


def test_an_older_python_is_refused_with_its_version(adl, home, log):
    old = program(home / "old", TOO_OLD)
    refused = adl("status", ADL_PYTHON=str(old))
    assert refused.returncode == 69
    assert refused.stderr == (
        "adl: needs Python 3.11 or newer, found Python 3.9.2; install one or set ADL_PYTHON\n"
    )
    assert installs(log) == []


def test_a_python_that_does_not_run_is_refused_by_name(adl):
    refused = adl("status", ADL_PYTHON="/nowhere/python3")
    assert refused.returncode == 69
    assert "found none (tried /nowhere/python3)" in refused.stderr


def test_a_python_without_venv_is_refused_with_the_package_to_install(adl, home):
    bare = program(home / "bare", WITHOUT_VENV)
    refused = adl("status", ADL_PYTHON=str(bare))
    assert refused.returncode == 69
    assert refused.stderr.endswith("on Debian and Ubuntu: apt-get install python3.12-venv\n")


def test_a_python_without_venv_is_passed_over_for_one_that_has_it(adl, home, env):
    folder = home / "bin"
    folder.mkdir()
    program(folder / "python3.13", WITHOUT_VENV)
    shutil.copy(env["ADL_PYTHON"], folder / "python3.12")
    done = adl("status", ADL_PYTHON="", PATH=f"{folder}:/usr/bin:/bin")
    assert (done.returncode, done.stdout) == (0, "cli [status]\n")


def test_a_chain_binary_that_is_not_there_is_refused_before_anything_is_installed(adl, log):
    refused = adl("demo", ADL_ANVIL="/nowhere/anvil")
    assert refused.returncode == 69
    assert refused.stderr == "adl: ADL_ANVIL is /nowhere/anvil: no such program\n"
    assert installs(log) == []


def test_a_failed_installation_is_reported_and_tried_again(adl, home, env, log):
    broken = INTERPRETER.format(real=sys.executable, log=log).replace("sleep 0.2;", "exit 1;")
    stand_in = program(home / "broken", broken)
    refused = adl("status", ADL_PYTHON=str(stand_in))
    assert refused.returncode == 69
    assert "could not be installed" in refused.stderr
    assert adl("status").returncode == 0
    assert len(installs(log)) == 1


def test_the_first_command_installs_the_core_with_constraints(adl, home, log):
    done = adl("rank", "BTC", "two words")
    assert (done.returncode, done.stdout) == (0, "cli [rank] [BTC] [two words]\n")
    [install] = installs(log)
    assert f"--constraint {home}/constraints.txt --editable {home}" in install
    assert install.endswith(str(home))


def test_the_second_command_installs_nothing(adl, log):
    adl("status")
    again = adl("status")
    assert (again.returncode, again.stderr, len(installs(log))) == (0, "", 1)


def test_extras_are_added_to_the_environment_that_is_there(adl, log):
    adl("status")
    adl("check")
    adl("check")
    [core, dev] = installs(log)
    assert not core.endswith("]")
    assert dev.endswith("[dev]")


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_change_of_dependencies_makes_the_environment_anew(adl, home, log, name):
    adl("check")
    left_over = next(home.glob(".venv/3.*")) / "left-over"
    left_over.touch()
    with (home / name).open("a") as file:
        file.write("# changed\n")
    adl("status")
    assert len(installs(log)) == 2
    assert not left_over.exists()
    adl("check")
    assert installs(log)[2].endswith("[dev]")


def test_commands_started_together_install_once(home, env, log):
    started = [
        subprocess.Popen(
            [home / "adl", "status"],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    answers = [process.communicate(timeout=60)[0] for process in started]
    assert answers == ["cli [status]\n"] * 4
    assert len(installs(log)) == 1


def test_it_is_found_through_a_link_from_any_folder(home, env, run, tmp_path):
    link = tmp_path / "linked"
    link.symlink_to(home / "adl")
    assert run("/", link, "status", env=env).stdout == "cli [status]\n"
    assert (home / ".venv").is_dir()
