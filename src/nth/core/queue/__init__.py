"""The messages of queue mode: which node each is about, and when it is hidden, deleted or left."""
