"""The schedule: jobs that call functions over HTTP, like any other caller."""
