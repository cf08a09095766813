"""Writes what the Helm chart says about its values: values.yaml, its schema, its README, its variables.

`table` and `keys` are the one list of values; nothing here knows a template but `variables`.
"""
