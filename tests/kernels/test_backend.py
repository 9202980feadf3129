"""The backend probe says honestly what runs here, and the package leans on numpy alone."""

import subprocess
import sys

import pytest

import kernels
from kernels.backend import Backend, choose_backend
from kernels.errors import BackendUnavailable, KernelError, KernelInputError


@pytest.mark.parametrize("requested", ["cupy", "numba", "abacus"])
def test_a_backend_that_cannot_run_is_refused_with_the_way_out(requested: str) -> None:
    with pytest.raises(BackendUnavailable, match=f"{requested}.*numpy"):
        choose_backend(requested)


@pytest.mark.parametrize("requested", [None, "numpy"])
def test_numpy_is_always_there(requested: str | None) -> None:
    assert choose_backend(requested) == Backend(name="numpy")


def test_errors_have_one_root_and_say_that_trying_again_is_useless() -> None:
    for error in (KernelInputError, BackendUnavailable):
        assert issubclass(error, KernelError)
        assert error.transient is False


def test_an_input_error_names_field_row_and_reason() -> None:
    at_row = KernelInputError(field="lots", row=3, reason="too many")
    whole = KernelInputError(field="lots", row=None, reason="too few")
    assert (str(at_row), str(whole)) == ("lots[3]: too many", "lots: too few")


def test_every_exported_name_exists() -> None:
    assert sorted(kernels.__all__) == kernels.__all__
    assert all(hasattr(kernels, name) for name in kernels.__all__)


def test_importing_the_kernels_loads_no_other_package_than_numpy() -> None:
    heavy = ("scipy", "numba", "cupy", "web3", "aiohttp", "pydantic", "coordinator", "chains")
    program = (
        "import sys, kernels, kernels.allocate, kernels.ranking;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
