"""Decides about the messages of queue mode: which node each is about, and when it is hidden or deleted."""
