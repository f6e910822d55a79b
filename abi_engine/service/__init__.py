"""The engine as a service: control socket, client, admin endpoint, the serving process."""
