"""AWS Node Termination Handler: moves the pods off an EC2 instance before it is taken away."""

__version__ = "0.1.0"
USER_AGENT = f"aws-node-termination-handler/{__version__}"
"""The name that servers see."""
