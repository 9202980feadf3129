"""What is installed and what is shipped: exact pins, no addresses, and the files wheels need."""

import ast
import json
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import PurePosixPath

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGES = ("chains", "coordinator", "kernels", "oracles")


# One of two distributions brings it, and neither is in a set-up without a GPU.
OPTIONAL_IMPORTS = {"cupy"}


@pytest.fixture(scope="session")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="session")
def pin_lines(root):
    lines = (root / "constraints.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


@pytest.fixture(scope="session")
def wheel_names(root, run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    built = run(root, sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def requirements(project):
    extras = project["optional-dependencies"].values()
    return [Requirement(line) for group in (project["dependencies"], *extras) for line in group]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_what_is_imported_is_declared_and_not_left_to_others_to_bring(project, root):
    names = {
        name for part in PACKAGES for path in (root / part).rglob("*.py") for name in imported(path)
    }
    foreign = names - sys.stdlib_module_names - set(PACKAGES) - OPTIONAL_IMPORTS
    declared = {canonicalize_name(requirement.name) for requirement in requirements(project)}
    distributions = packages_distributions()
    brought = {
        name: {canonicalize_name(d) for d in distributions.get(name, (name,))} for name in foreign
    }
    assert {name for name, found in brought.items() if not found & declared} == set()


def test_pins_are_exact_and_carry_no_address(pin_lines):
    for line in pin_lines:
        [requirement] = [Requirement(line)]
        assert requirement.url is None, line
        assert [clause.operator for clause in requirement.specifier] == ["=="], line


def test_every_dependency_has_a_pin_that_satisfies_it(project, pin_lines):
    pins = dict(line.split("==") for line in pin_lines)
    for requirement in requirements(project):
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement.name} is not in constraints.txt"
        assert requirement.specifier.contains(pin), f"{requirement} against {pin}"


def test_the_node_lock_carries_hashes_and_no_address(root):
    packages = json.loads((root / "devchain/package-lock.json").read_text())["packages"]
    for name, entry in packages.items():
        assert "resolved" not in entry, name
        assert name == "" or "integrity" in entry, name


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_shipped_with_its_type_marker(wheel_names, package):
    assert f"{package}/__init__.py" in wheel_names
    assert f"{package}/py.typed" in wheel_names


def test_contracts_are_shipped_as_source_and_artifact(wheel_names, root):
    shipped = {PurePosixPath(name) for name in wheel_names}
    artifacts = sorted(path.name for path in (root / "chains/abi").glob("*.json"))
    assert artifacts, "no artifact under chains/abi; run 'node devchain/build.mjs'"
    for name in artifacts:
        assert PurePosixPath("chains/abi", name) in shipped
    assert PurePosixPath("chains/contracts/DeleverageGate.sol") in shipped


def test_tests_are_not_shipped(wheel_names):
    folders = {part for name in wheel_names for part in PurePosixPath(name).parts}
    assert not folders & {"test", "test_mustfail", "tests"}
    top_level = {PurePosixPath(name).parts[0] for name in wheel_names}
    assert {name for name in top_level if not name.endswith(".dist-info")} == set(PACKAGES)
