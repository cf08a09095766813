"""`nth restore`: takes back what the handler, or the original one, changed on nodes."""
