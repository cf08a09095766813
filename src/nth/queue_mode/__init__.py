"""Queue mode's shell: whose node a message is about, and what AWS waits for."""
