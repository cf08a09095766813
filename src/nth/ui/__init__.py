"""Shows interruptions to people: reports as text and as a page, and the live view.

Everything is drawn from the sessions' reports (`core.reports.Told`) and from plain facts of the
cluster, so the demo and a look back at a real interruption show the same. Only `live` and
`picture` import rich.
"""
