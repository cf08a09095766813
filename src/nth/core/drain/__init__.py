"""The pods of a node that is going away: which have to go, when, how, and what runs in their place."""
