"""Metadata mode: one node and its metadata service."""
