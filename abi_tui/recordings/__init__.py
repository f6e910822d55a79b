"""Reports of an engine in a file: written as they arrive, read without an engine."""
