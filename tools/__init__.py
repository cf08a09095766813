"""Programs for maintainers; nothing of the handler imports them."""
