"""`adl demo`: a market, books and a crash on chains of this machine, and the story of the rescue."""
