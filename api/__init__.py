"""What the API is."""
