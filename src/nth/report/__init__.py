"""Adds up the reports of an interruption and words it for every listener; pure, no I/O."""
