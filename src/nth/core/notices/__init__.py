"""What AWS says: documents and messages are read into events."""
