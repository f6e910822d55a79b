"""More processes that serve clients, and what they share."""
