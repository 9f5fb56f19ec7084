"""Asking upstream: which index and forge a package belongs to, what they tell, and what could not be had."""
