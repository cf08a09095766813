"""Tests of the simulation beyond the contract that it shares with the real ones."""
