"""One node that is going away: its session, its events, its marks and its claim."""
