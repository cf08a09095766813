"""The decisions: values in, values out.

Nothing here awaits, sleeps, logs, reads a clock, a file or the environment: `now` is an
argument. Instants are seconds since the epoch (UTC) and named `..._at`; durations end in
`_seconds`.
"""
