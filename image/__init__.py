"""Puts together the root file system of the container image; runs in the Dockerfile's first stage.

    python -m image debian|dependencies|program amd64|arm64 FOLDER     # in this order

Nothing of the image is executed, so one machine builds it for every architecture.
"""
