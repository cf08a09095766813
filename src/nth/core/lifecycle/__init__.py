"""Lifecycle hooks of Auto Scaling: when heartbeats are due, and when an action is completed."""
