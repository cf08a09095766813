"""The shell around the sessions: it feeds them and carries out their decisions."""
