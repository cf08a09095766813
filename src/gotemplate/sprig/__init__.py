"""These functions behave as those of sprig 3.2.3. https://masterminds.github.io/sprig/"""
