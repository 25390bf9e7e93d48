"""`make run`: PostgreSQL, every function and the proxy on one machine, without containers."""
