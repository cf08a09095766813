"""Talks to the outside: one module for each service, and the only code that knows its library."""
