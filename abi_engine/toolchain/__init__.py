"""What ABI runs on, and whether it is all there."""
