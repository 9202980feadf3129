"""The measurable part of the style: sizes, names, and one place for each kind of thing."""

import ast

import pytest

FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 70
PACKAGES = ("chains", "coordinator", "kernels", "oracles")
SAYS_NOTHING = {"common", "helper", "helpers", "manager", "misc", "service", "util", "utils"}


@pytest.fixture(scope="session")
def modules(root):
    found = [path for name in PACKAGES for path in sorted((root / name).rglob("*.py"))]
    assert found
    return found


def names_of(path):
    return {word for part in path.with_suffix("").parts for word in part.split("_")}


def functions(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_files_stay_under_their_size(modules):
    sizes = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules}
    assert {path: lines for path, lines in sizes.items() if lines > FILE_LINES_MAX} == {}


def test_functions_stay_under_their_size(modules):
    sizes = {
        f"{path}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in modules
        for node in functions(path)
    }
    assert {name: lines for name, lines in sizes.items() if lines > FUNCTION_LINES_MAX} == {}


def test_no_module_has_a_name_that_says_nothing(modules, root):
    assert [path for path in modules if names_of(path.relative_to(root)) & SAYS_NOTHING] == []


def test_test_folders_are_no_packages(root):
    # A package tests/kernels would stand in front of the real one.
    assert list((root / "tests").rglob("__init__.py")) == []
