"""What became of an interruption, and how that is told: pure folds and words over what sessions said."""
