"""The SDKs' clients, as the tests use them."""

import loopback
from balena import Balena


def log_in(token, **settings):
    """balena's SDK with a token; it keeps nothing on disk."""
    client = Balena({"balena_host": loopback.BALENA_HOST, "data_directory": False, **settings})
    client.auth.login_with_token(token)
    return client
