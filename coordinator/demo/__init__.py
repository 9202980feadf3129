"""`adl demo`: a market, books and a crash on chains of this machine, and how it was settled."""
