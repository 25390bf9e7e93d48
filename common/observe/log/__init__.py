"""The log: where lines are written, kept and read."""
