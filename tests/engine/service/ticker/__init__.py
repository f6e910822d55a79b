"""A feature for tests: streams out and in, lossy and not, and calls that wait or fail."""
