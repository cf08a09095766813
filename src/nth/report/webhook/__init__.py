"""What webhooks are told and when, as values: announcements, their data, targets, retries."""
