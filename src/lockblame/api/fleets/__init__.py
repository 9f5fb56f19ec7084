"""What many services have in common: upstream asked once for all, and their answers as lines."""
