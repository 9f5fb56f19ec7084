"""The conductor: the only place where the world (git, files, network) and the thinking (locks, deltas, ranking) meet."""
