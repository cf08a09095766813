"""Listeners: they are told what happened, and never speak back."""
