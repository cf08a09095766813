"""The shell around the sessions: feeds them and carries out what they decide."""
