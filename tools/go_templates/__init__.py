"""The golden corpus of webhook templates, rendered by Go's own text/template and sprig."""
