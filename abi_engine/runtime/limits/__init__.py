"""The kinds of rate limiters, one file each, and what they share."""
