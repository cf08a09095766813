"""A client's connection to the simulated API server: `ports.Cluster` with latency, faults and a log.

Each connection stands for one process with its own rights. The server's decisions are in the
other modules; here is only the way between it and a client.
"""


