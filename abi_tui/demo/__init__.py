"""Real upstreams that fail on a schedule, and the traffic that meets them."""
