"""A cluster and an AWS in memory, in virtual time, for tests and the demo.

They implement the ports and pass the same contract suite as the real ones. Nothing here talks
to anything outside the process, and nothing of production depends on it.
"""
