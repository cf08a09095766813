"""These are Go's regular expressions, which take time in proportion to the text, so that no pattern can hang.

Python's own can take exponential time, and give some patterns another meaning.

https://github.com/google/re2/wiki/Syntax
"""
