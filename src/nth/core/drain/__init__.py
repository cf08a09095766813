"""The pods of a node that is going away: which of them have to go, when, how, and their replacements."""
