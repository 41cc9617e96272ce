#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A web server for the files of a directory, on both families.

usage: web.py DIRECTORY PORT
"""
import functools
import http.server
import socket
import socketserver
import sys


class Server(http.server.ThreadingHTTPServer):
    """Does not ask for the name of its host: a namespace may have a route and no name server."""

    address_family = socket.AF_INET6
    daemon_threads = True
    server_name = "web"

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        socketserver.TCPServer.server_bind(self)
        self.server_port = self.server_address[1]


handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
Server(("::", int(sys.argv[2])), handler).serve_forever()
