"""This machine: interpreter, packages, backend, clock."""

import sys
from collections.abc import Iterator
from pathlib import Path

import chains
import coordinator
import kernels
import oracles
from coordinator.check.finding import Finding, fail, ok, warn
from kernels.backend import choose_backend
from kernels.errors import BackendUnavailable

__all__ = ["check_backend", "check_clock", "check_machine"]

_PYTHON_MIN = (3, 11)
_CLOCK_ERROR_S_MAX = 5


def check_machine() -> Iterator[Finding]:
    """What needs no settings."""
    yield _python(sys.version_info[:3])
    packages = (coordinator, kernels, chains, oracles)
    yield check_packages({package.__name__: _folder(package.__file__) for package in packages})
    yield check_backend()


def _python(version: tuple[int, ...]) -> Finding:
    text = ".".join(map(str, version))
    if version < _PYTHON_MIN:
        return fail("python", text, "install Python 3.11 or newer")
    return ok("python", text)


def _folder(file: str | None) -> Path:
    return Path(file or "").resolve().parent.parent


def check_packages(folders: dict[str, Path]) -> Finding:
    """The names are short, and another distribution may own one: all must stand together."""
    home = folders["coordinator"]
    strangers = [f"{name} in {path}" for name, path in folders.items() if path != home]
    if strangers:
        return fail(
            "packages",
            f"coordinator stands in {home}, but {', '.join(strangers)}",
            "install adl-coordinator alone in a virtual environment or container",
        )
    return ok("packages", f"all in {home}")


def check_backend() -> Finding:
    """Which machine prices."""
    try:
        return ok("backend", choose_backend(None).name)
    except BackendUnavailable as error:
        return fail("backend", str(error), "install numpy as pinned in constraints.txt")


def check_clock(*, now_s: int, heads_s: dict[str, int]) -> Finding:
    """Our clock against the newest block of each chain; it judges only how old things are.

    A block is never from the future, so a head ahead of us is our fault; a head far behind may be
    a slow chain, unless all of them are.
    """
    ahead = {name: at - now_s for name, at in heads_s.items() if at - now_s > _CLOCK_ERROR_S_MAX}
    if ahead:
        name, by_s = max(ahead.items(), key=lambda pair: pair[1])
        return fail("clock", f"{by_s} s behind the head of {name}", "set the clock (NTP)")
    behind_s = min((now_s - at for at in heads_s.values()), default=0)
    if behind_s > 120:
        return warn("clock", f"{behind_s} s ahead of every chain", "check the clock and the nodes")
    return ok("clock", f"agrees with {len(heads_s)} chain(s)")
