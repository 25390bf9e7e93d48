"""A PostgreSQL server under our supervision, without containers or root."""
