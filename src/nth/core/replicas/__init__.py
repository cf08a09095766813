"""Several replicas: which of them live, and which of them has a node."""
