"""Effects: read the world, ask for signatures, and carry plans out exactly once."""
