"""Proving a culprit: the trials of a search, the drill into its releases and commits, and the proof that is kept."""
