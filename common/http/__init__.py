"""HTTP: what every endpoint has in common, and the ways to read a request."""
