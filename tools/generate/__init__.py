"""`make generate`: every file that follows from the table of endpoints, the settings and the handlers."""
