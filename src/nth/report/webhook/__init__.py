"""Decides when webhooks are posted, and with which data, as values: announcements, targets, retries."""
