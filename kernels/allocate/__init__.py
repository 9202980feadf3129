"""How a need is shared: integers in, integers out, conserved to the last unit."""

from kernels.allocate.pro_rata import pro_rata
from kernels.allocate.queue import queue

__all__ = ["pro_rata", "queue"]
