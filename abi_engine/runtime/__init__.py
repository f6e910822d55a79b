"""Things that run: loops, breakers, limiters."""
