"""Writes the Helm chart's files about its values: values.yaml, its schema, its README, its variables.

`table` and `keys` are the one list of values; nothing here knows a template but `variables`.
"""
