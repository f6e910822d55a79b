"""Reports of the engine turned into columns, rows and words; the terminal halves render them."""
