"""The composition root: the only place that names concrete adapters. Settings in, ports out."""

from coordinator.wiring.connections import (
    Connection,
    Connections,
    connected,
    gates_of,
    lanes_of,
    readers_of,
)
from coordinator.wiring.engines import collector_of, live_engine, shadow_engine, verifier_keys
from coordinator.wiring.keys import load_signer
from coordinator.wiring.market import MarketFile, PinnedCall, index_sources, surface_sources

__all__ = [
    "Connection",
    "Connections",
    "MarketFile",
    "PinnedCall",
    "collector_of",
    "connected",
    "gates_of",
    "index_sources",
    "lanes_of",
    "live_engine",
    "load_signer",
    "readers_of",
    "shadow_engine",
    "surface_sources",
    "verifier_keys",
]
