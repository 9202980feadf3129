"""An in-memory chain with one venue, its gate and its Reserve: shipped, for tests and studies.

It takes the same signed transactions and calldata as the contracts, follows the same rules and
refuses by the same names. Time is given, faults are data, and a seed reproduces a run.

- :mod:`~chains.simulated.chain`: blocks, mempool, reorgs; :mod:`~chains.simulated.node`: the ports.
- :mod:`~chains.simulated.gate`, :mod:`~chains.simulated.reserve`, :mod:`~chains.simulated.venue`:
  the contracts; :mod:`~chains.simulated.state`: what they store.
- :mod:`~chains.simulated.faults`: what may go wrong; :mod:`~chains.simulated.worlds`: small books.
"""

from chains.simulated.block import Action, Block, Depths, Fate, Mined, Mining, Transaction
from chains.simulated.chain import SimulatedChain
from chains.simulated.faults import FaultKind, Faults, Scheduled
from chains.simulated.node import SimulatedNode
from chains.simulated.state import Contracts, EdgeState, Env, LegLog, Reverted, Terms

__all__ = [
    "Action",
    "Block",
    "Contracts",
    "Depths",
    "EdgeState",
    "Env",
    "Fate",
    "FaultKind",
    "Faults",
    "LegLog",
    "Mined",
    "Mining",
    "Reverted",
    "Scheduled",
    "SimulatedChain",
    "SimulatedNode",
    "Terms",
    "Transaction",
]
