"""A real Kubernetes control plane without machines, and a real mock of the metadata service.

For tests, benchmarks and people; no part of the package `nth`. `python -m testbed` says how.
"""
