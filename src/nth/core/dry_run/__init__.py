"""Predicts what a session would do, with predicted answers in place of real ones."""
