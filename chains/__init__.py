"""Chains: reading venues, encoding legs, sending transactions. Knows nothing of oracles."""
