"""The figures of the design, measured on the real control plane: `make bench`."""
