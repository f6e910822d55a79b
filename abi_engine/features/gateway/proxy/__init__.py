"""The data plane: sockets, and what is said on them."""
