"""Queue mode's shell: it receives messages, and carries out the decisions of `core.queue`."""
