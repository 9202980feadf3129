"""What can go wrong inside the kernels, and whether trying again can help.

KernelError
+-- KernelInputError     an argument breaks its contract: leave the row out or stop
+-- BackendUnavailable   the wished machine is not there: fall to the next one, loudly
"""

from typing import ClassVar

__all__ = ["BackendUnavailable", "KernelError", "KernelInputError"]


class KernelError(Exception):
    """Root of every error this package raises; `transient` says if the same call may work later."""

    transient: ClassVar[bool]


class KernelInputError(KernelError):
    """An input outside the documented domain. `field` names the argument, `row` its first bad row.

    `row` is None where the fault is of the whole argument (its shape, its length, a scalar).
    """

    transient: ClassVar[bool] = False

    def __init__(self, *, field: str, row: int | None, reason: str) -> None:
        self.field = field
        self.row = row
        place = field if row is None else f"{field}[{row}]"
        super().__init__(f"{place}: {reason}")


class BackendUnavailable(KernelError):
    """The requested backend cannot run here; the message says what is missing."""

    transient: ClassVar[bool] = False
