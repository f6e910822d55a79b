"""What every other layer stands on: errors, time, text, and the contract of a feature."""
