"""`nth demo`: the whole handler in a simulated cluster, in a terminal, with a report at the end.

Only the cluster and the metadata service are simulated. Settings, source, engine and sessions are
those of production.
"""
