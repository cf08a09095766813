"""Lifecycle hooks of Auto Scaling: heartbeats, and the completion of an action."""
