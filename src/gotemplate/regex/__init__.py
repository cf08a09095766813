"""Go's regular expressions, which take time in proportion to the text: no pattern can hang.

Python's own can take exponential time, and read some patterns otherwise.

https://github.com/google/re2/wiki/Syntax
"""
