"""Decides which replicas live, and which of them has a node."""
