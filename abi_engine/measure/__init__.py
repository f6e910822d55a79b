"""Measuring: histograms and figures."""
