"""What a session would do: predicted answers in place of real ones."""
