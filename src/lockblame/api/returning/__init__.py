"""The way back: what has to be known for it, what it reopens, what a resolver says, and taking it out again."""
