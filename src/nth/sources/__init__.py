"""Where notices come from. A source asks through a port, reads with the core, and hands on; no more."""
