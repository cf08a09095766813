"""AWS Node Termination Handler: moves the pods off an EC2 instance before it is taken away."""

__version__ = "0.1.0"
