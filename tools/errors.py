"""What keeps `make run` from starting."""


class StartError(Exception):
    """Something on this machine is in the way; the message says what, and what to do about it."""
