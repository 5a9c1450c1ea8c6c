"""What may happen to the network between an operator and the API server."""

import socket
import threading


class Proxy:
    """Passes bytes between its own port of loopback and another one, both ways, until told otherwise. It sees nothing: what
    it passes is TLS."""

    def __init__(self, port):
        self._server = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()  # guards the next two
        self._connections = set()
        self._lets_in = True
        self._passes = threading.Event()
        self._passes.set()
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Ends all connections; new ones are passed."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            self._end(connection)

    def refuse(self):
        """Ends all connections, and each new one at once, until pass_again()."""
        with self._lock:
            self._lets_in = False
        self.cut()

    def freeze(self):
        """Keeps connections and lets new ones in, and passes nothing until pass_again(): then all of it."""
        self._passes.clear()

    def pass_again(self):
        with self._lock:
            self._lets_in = True
        self._passes.set()

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.refuse()
        self._passes.set()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # stopped
            try:
                connection = (client, socket.create_connection(self._server))
            except OSError:
                client.close()
                continue
            with self._lock:
                is_let_in = self._lets_in
                if is_let_in:
                    self._connections.add(connection)
            if is_let_in:
                for source, sink in (connection, reversed(connection)):
                    threading.Thread(target=self._pump, args=(source, sink, connection), daemon=True).start()
            else:
                for each in connection:
                    each.close()

    def _pump(self, source, sink, connection):
        try:
            while data := source.recv(65536):
                self._passes.wait()
                sink.sendall(data)
        except OSError:
            pass
        self._end(connection)
        source.close()

    def _end(self, connection):
        """Both its sides, which wakes who reads from them."""
        for each in connection:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended already
        with self._lock:
            self._connections.discard(connection)
