"""The table of metrics, and the sum of the reports of sessions in figures."""
