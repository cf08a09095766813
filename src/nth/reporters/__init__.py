"""Listeners: they get the reports of sessions, and never answer."""
