"""The proxy hop: what a request costs the process that hands it on."""
