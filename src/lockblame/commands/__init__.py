"""Commands with many words of their own, a module each: their arguments, and what runs them."""
