"""A way to the database that fails as gateways and networks do."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends a reset


class Relay:
    """Passes bytes on between clients and the server, until it is told otherwise."""

    def __init__(self, listener: socket.socket, server_port: int) -> None:
        self.port: int = listener.getsockname()[1]
        self._listener = listener
        self._server_port = server_port
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()  # clients
        self._forgotten: set[socket.socket] = set()
        self._word = b""
        self._is_passed_on = False
        self.breaks = 0

    def url(self, server_url: str) -> str:
        return server_url.replace(f":{self._server_port}/", f":{self.port}/")

    def forget(self) -> int:
        """Answer the next byte of each connection of now with a reset; return how many there are."""
        with self._lock:
            self._forgotten |= self._open
            return len(self._open)

    def break_at(self, word: bytes, *, is_passed_on: bool) -> None:
        """Once, reset the connection on which a client sends the word, which does or does not reach the server."""
        with self._lock:
            self._word, self._is_passed_on = word, is_passed_on

    def serve(self) -> None:
        with suppress(OSError):  # until it is closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                with self._lock:
                    self._open.add(client)
                for work in (self._pass_on, self._pass_back):
                    threading.Thread(target=work, args=(client, server), daemon=True).start()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on what the client sends; reset its connection in the end."""
        with suppress(OSError):
            while content := client.recv(65536):
                if client in self._forgotten or self._breaks(content, server):
                    break
                server.sendall(content)
        with self._lock:
            self._open.discard(client)
            self._forgotten.add(client)  # no answer is passed back from now on
        with suppress(OSError):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            server.shutdown(socket.SHUT_WR)
        client.close()

    def _pass_back(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError), server:
            while (content := server.recv(65536)) and client not in self._forgotten:
                client.sendall(content)
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def _breaks(self, content: bytes, server: socket.socket) -> bool:
        with self._lock:
            if not self._word or self._word not in content:
                return False
            self._word = b""
            self.breaks += 1
            if self._is_passed_on:
                server.sendall(content)
            return True


@contextmanager
def running(server_port: int) -> Iterator[Relay]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = Relay(listener, server_port)
        threading.Thread(target=relay.serve, daemon=True).start()
        yield relay
