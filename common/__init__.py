"""What functions share: one concern a file."""

__version__ = "0.1.0"
