"""Host names that only this process knows, on a loopback address of our own where port 443 is free.

The SDKs insist on `https://api.<balena_host>/` and on port 443; they are not changed. What is
changed is the answer to "which address has this name", and in this process alone."""

import errno
import os
import socket

BALENA_HOST = "balena.test"
BALENA_API = f"api.{BALENA_HOST}"
# ClearBlade's two planes: the service account's, and the one that its exchange hands out.
CLEARBLADE_ADMIN = "iot.clearblade.test"
CLEARBLADE_REGION = "us-central1.clearblade.test"
PROJECT, REGION = "my-project", "us-central1"
LOCATION = f"projects/{PROJECT}/locations/{REGION}"
NAMES = (BALENA_API, CLEARBLADE_ADMIN, CLEARBLADE_REGION)

NO_PORT_443 = (
    "The official SDKs speak to port 443 alone, and this user may not listen there, not even on "
    "loopback. Run these tests as root, or allow it:"
    " sysctl -w net.ipv4.ip_unprivileged_port_start=443")


def free_address():
    """An address 127.0.53.x whose port 443 nobody uses."""
    for number in range(254):
        # Runs beside each other begin at different addresses.
        address = f"127.0.53.{1 + (os.getpid() + number) % 254}"
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, 443))
                return address
            except PermissionError:
                raise PermissionError(NO_PORT_443) from None
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
    raise OSError("port 443 is in use on every address of 127.0.53.0/24")


def resolver(address, getaddrinfo=socket.getaddrinfo):
    """A getaddrinfo that knows NAMES and loopback; all other names are unknown, so that no test
    can reach a real cloud by mistake."""

    def resolve(host, *arguments, **options):
        name = host.decode() if isinstance(host, bytes) else host
        if name in NAMES:
            return getaddrinfo(address, *arguments, **options)
        if name is None or name == "localhost" or name.startswith("127."):
            return getaddrinfo(host, *arguments, **options)
        raise socket.gaierror(socket.EAI_NONAME, f"not a name of these tests: {name}")

    return resolve
