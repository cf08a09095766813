"""sprig's functions, as version 3.2.3 has them, which the original uses. https://masterminds.github.io/sprig/"""
