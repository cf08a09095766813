"""`nth report` and `nth explain`: what the handler's own log lines say of an interruption, afterwards.

Only lines are read; no cluster and no AWS is asked.
"""
