#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A pod's web server: says who it is; /stream sends a line every tenth of a second.

usage: server.py NAME PORT
"""
import http.server
import itertools
import socket
import socketserver
import sys
import time

NAME, PORT = sys.argv[1], int(sys.argv[2])


class Server(http.server.ThreadingHTTPServer):
    """Listens on both families, and does not ask for the name of its host: there may be no answer."""

    address_family = socket.AF_INET6
    daemon_threads = True
    server_name = NAME

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        socketserver.TCPServer.server_bind(self)
        self.server_port = PORT


class Handler(http.server.BaseHTTPRequestHandler):
    """Two pages."""

    def do_GET(self):  # pylint: disable=invalid-name
        """/ answers at once, /stream for as long as somebody listens."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{NAME}\n".encode())
        if self.path != "/stream":
            return
        try:
            for tick in itertools.count():
                self.wfile.write(f"tick {tick}\n".encode())
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            pass

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        """Quiet."""


Server(("::", PORT), Handler).serve_forever()
