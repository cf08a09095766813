"""Builds the program from its settings."""
