"""Which machine runs the formulas. The only file of the project that may import cupy."""

from dataclasses import dataclass

from kernels.errors import BackendUnavailable

__all__ = ["Backend", "choose_backend"]


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend that has been probed and works; `name` is what goes into reports."""

    name: str


def choose_backend(requested: str | None) -> Backend:
    """The backend called `requested`, or the best one here for None (today: 'numpy').

    Raises: BackendUnavailable with the reason; the caller decides what to fall back to.
    """
    if requested in (None, "numpy"):
        return Backend(name="numpy")
    if requested == "cupy":
        raise BackendUnavailable(f"cupy: {_cupy_reason()}; use 'numpy'")
    if requested == "numba":
        raise BackendUnavailable("numba: this version has no compiled kernels; use 'numpy'")
    raise BackendUnavailable(f"{requested!r} is no backend; known: 'numpy', 'numba', 'cupy'")


def _cupy_reason() -> str:
    try:
        import cupy
    except ImportError:
        return "the package is not installed"
    try:
        devices = int(cupy.cuda.runtime.getDeviceCount())
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"no usable device ({error})"
    return f"{devices} device(s) present, but this version has no CUDA kernels"
