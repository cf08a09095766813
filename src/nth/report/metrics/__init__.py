"""What is measured: the table of metrics, and the fold of what sessions tell into figures."""
