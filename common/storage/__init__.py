"""PostgreSQL: connections, and every SQL statement about images."""
