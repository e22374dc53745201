"""The gateways, against real sockets."""
