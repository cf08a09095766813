"""Reads AWS's documents and messages into events."""
