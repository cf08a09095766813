"""Reads the handler's own log lines afterwards, for `nth report` and `nth explain`.

Only lines are read; no cluster and no AWS is asked.
"""
