"""Verified prices and one arbitrage-free volatility surface: quotes in, integers out.

Pure: model, errors, svi, surface. At the door: chainlink (chain state), fixed (a document, the
shipped stand-in for a live source). This package knows nothing of chains or of the coordinator.
"""
