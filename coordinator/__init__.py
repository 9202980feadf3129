"""The stem: reads every chain, decides one plan over all of them, carries it out exactly once."""
