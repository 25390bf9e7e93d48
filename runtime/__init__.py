"""What runs a function; nothing imports it."""
