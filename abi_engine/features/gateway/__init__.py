"""The API gateway: routes, limits, breakers, and the proxy that runs requests through them."""
