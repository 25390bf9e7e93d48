"""The schedule: jobs that call functions over HTTP, as any other caller does."""
