"""Benchmarks: public operations as they ship, beside those of rivals that do the same."""
