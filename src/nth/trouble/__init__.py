"""Calls that fail for a while: when they are tried again, and what is logged of them."""
