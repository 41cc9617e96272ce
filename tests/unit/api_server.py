#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Other ends for the Kubernetes client: TLS servers that are right or wrong in one way, answers that
are right or wrong in one way, and proxies. Loopback only, ports of the kernel's choice.

api_server.py FOLDER: makes certificates in FOLDER, prints "NAME PORT" for each server and "ready",
and serves until its standard input ends. FOLDER/accepted has the token that /auth wants,
FOLDER/requests gets a line for each request, FOLDER/proxied the head of each request to a proxy.
"""
import email.utils
import gzip
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time

FOLDER = sys.argv[1]
LOCK = threading.Lock()


def note(name, text):
    with LOCK, open(os.path.join(FOLDER, name), "a", encoding="ascii") as f:
        f.write(text)


def path(name):
    return os.path.join(FOLDER, name)


# --- certificates ---

def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True, stdin=subprocess.DEVNULL)


def authority(name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "30", "-subj", "/CN=" + name, "-keyout", path(name + ".key"),
            "-out", path(name + ".crt"))


def certificate(name, ca, names, days="30"):
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", "/CN=" + name, "-addext", "subjectAltName=" + names,
            "-keyout", path(name + ".key"), "-out", path(name + ".csr"))
    openssl("x509", "-req", "-in", path(name + ".csr"), "-copy_extensions", "copy",
            "-CA", path(ca + ".crt"), "-CAkey", path(ca + ".key"), "-days", days,
            "-out", path(name + ".crt"))


def make_certificates():
    authority("ca")
    authority("other-ca")
    local = "DNS:localhost,IP:127.0.0.1"
    certificate("server", "ca", local)
    certificate("named", "ca", "DNS:kube.example,IP:192.0.2.1")
    certificate("expired", "ca", local, "-1")
    certificate("client", "ca", "DNS:client")
    certificate("stranger", "other-ca", "DNS:client")


def make_roots():
    """What could be a system's /etc/ssl/certs."""
    os.mkdir(path("roots"))
    for name in ("root.pem", "ca-certificates.crt"):
        shutil.copy(path("ca.crt"), path("roots/" + name))
    openssl("rehash", path("roots"))


def tls(name, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path(name + ".crt"), path(name + ".key"))
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(path(client_ca + ".crt"))
    return context


# --- answers ---

class Request:
    def __init__(self, head, sock):
        lines = head.decode("latin-1").split("\r\n")
        self.head = head.decode("latin-1")
        self.target = lines[0].split(" ")[1]
        self.headers = {k.strip().lower(): v.strip()
                        for k, v in (l.split(":", 1) for l in lines[1:] if ":" in l)}
        self.sock = sock

    def begin(self, status, *headers):
        text = f"HTTP/1.1 {status} X\r\n" + "".join(h + "\r\n" for h in headers) + "\r\n"
        self.sock.sendall(text.encode())

    def answer(self, status, body, *headers):
        if isinstance(body, dict):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        text = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n"
        text += "".join(h + "\r\n" for h in headers) + "\r\n"
        self.sock.sendall(text.encode() + body)

    def chunk(self, data):
        self.sock.sendall(b"%x\r\n%s\r\n" % (len(data), data))


def status(code, reason, message, **more):
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
            "reason": reason, "message": message, **more}


def hello(r):
    r.answer(200, {"hello": "world"})


def echo(r):
    r.answer(200, r.head)


def auth(r):
    with open(path("accepted"), encoding="ascii") as f:
        wanted = f.read()
    if r.headers.get("authorization") == wanted:
        r.answer(200, "welcome")
    else:
        r.answer(401, status(401, "Unauthorized", "Unauthorized"))


def rotate(r):
    """The token changes while the request is on its way: FOLDER/next takes FOLDER/token's place."""
    if os.path.exists(path("next")):
        os.rename(path("next"), path("token"))
    auth(r)


def forbidden(r):
    r.answer(403, status(403, "Forbidden", "pods is forbidden:\nUser \"x\" cannot list"))


def expired(r):
    r.answer(410, status(410, "Expired", "too old resource version"))


def not_found(r):
    r.answer(404, "404 page not found\nand more")


def html(r):
    r.answer(502, "<html>bad gateway</html>")


def leak(r):
    r.answer(400, status(400, "BadRequest", "you sent " + r.headers.get("authorization", "")))


def long_message(r):
    r.answer(500, status(500, "InternalError", "ü" * 2000))


def redirect(r):
    r.answer(302, "", "Location: /hello")


def continued(r):
    r.begin(103, "Link: x")
    hello(r)


def empty(r):
    r.begin(204)


def cut_length(r):
    r.begin(200, "Content-Length: 100")
    r.sock.sendall(b"0123456789")
    return True


def cut_chunked(r):
    r.begin(200, "Transfer-Encoding: chunked")
    r.chunk(b"0123456789")
    return True


def cut_head(r):
    r.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-")
    return True


def no_answer(r):
    return True


def garbage(r):
    r.sock.sendall(b"\x00\x01\x02 this is not HTTP\r\n\r\n")
    return True


def wait_for_hang_up(r):
    try:
        while r.sock.recv(4096):
            pass
    except OSError:
        pass
    note("requests", "hung up " + r.target + "\n")
    return True


def watch(r):
    """Begins, and then nothing happens."""
    r.begin(200, "Transfer-Encoding: chunked")
    r.chunk(b"event")
    return wait_for_hang_up(r)


def mute(r):
    return wait_for_hang_up(r)


def drip(r):
    r.begin(200, "Transfer-Encoding: chunked")
    while True:
        r.chunk(b"drop")
        time.sleep(0.01)


def huge_error(r):
    r.begin(500, "Transfer-Encoding: chunked")
    while True:
        r.chunk(b"x" * 4096)


def big(r):
    r.begin(200, "Transfer-Encoding: chunked")
    for i in range(256):
        r.chunk(bytes([i]) * 4096)
    r.sock.sendall(b"0\r\n\r\n")


def compressed(r):
    if "gzip" not in r.headers.get("accept-encoding", ""):
        r.answer(200, b"plain" * 10000)
    else:
        r.answer(200, gzip.compress(b"plain" * 10000), "Content-Encoding: gzip")


def bad_gzip(r):
    r.answer(200, b"this is no gzip", "Content-Encoding: gzip")


def retry_seconds(r):
    r.answer(429, status(429, "TooManyRequests", "slow down"), "Retry-After: 7")


def retry_date(r):
    r.answer(429, "", "Retry-After: " + email.utils.formatdate(time.time() + 30, usegmt=True))


def retry_past(r):
    r.answer(503, "", "Retry-After: " + email.utils.formatdate(time.time() - 30, usegmt=True))


def dated(r):
    r.answer(200, {}, "Date: Sun, 06 Nov 1994 08:49:37 GMT")


def badly_dated(r):
    r.answer(200, {}, "Date: noon")


def retry_status(r):
    r.answer(429, status(429, "TooManyRequests", "slow down", details={"retryAfterSeconds": 3}))


ANSWERS = {
    "/hello": hello, "/echo": echo, "/auth": auth, "/rotate": rotate,
    "/forbidden": forbidden, "/expired": expired,
    "/not-found": not_found, "/html": html, "/leak": leak, "/long-message": long_message,
    "/redirect": redirect, "/continued": continued, "/empty": empty, "/cut-length": cut_length,
    "/cut-chunked": cut_chunked, "/cut-head": cut_head, "/no-answer": no_answer,
    "/garbage": garbage, "/watch": watch, "/mute": mute, "/drip": drip, "/huge-error": huge_error,
    "/big": big, "/gzip": compressed, "/bad-gzip": bad_gzip, "/retry-seconds": retry_seconds,
    "/retry-date": retry_date, "/retry-past": retry_past, "/retry-status": retry_status,
    "/dated": dated, "/badly-dated": badly_dated,
}


# --- servers ---

def read_head(sock):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        if not byte:
            return b""
        head += byte
    return head


def serve_http(sock):
    while True:
        head = read_head(sock)
        if not head:
            return
        request = Request(head, sock)
        note("requests", request.target + "\n")
        answer = ANSWERS.get(request.target.split("?")[0], not_found)
        if answer(request):
            return


def drain(raw):
    """What the peer has sent is read, so that closing does not reset what it has not yet got."""
    try:
        raw.shutdown(socket.SHUT_WR)
        while raw.recv(4096):
            pass
    except OSError:
        pass


def serve_tls(context):
    def serve(raw):
        try:
            sock = context.wrap_socket(raw.dup(), server_side=True)
        except (ssl.SSLError, OSError):
            drain(raw)
            return
        with sock:
            serve_http(sock)
    return serve


def hang_up(sock):
    sock.recv(1)


def talk(sock):
    sock.sendall(b"220 this is no TLS\r\n" * 100)
    say_nothing(sock)


def say_nothing(sock):
    while sock.recv(4096):
        pass


def pipe(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def relay(sock, port):
    with socket.create_connection(("127.0.0.1", port)) as other:
        threading.Thread(target=pipe, args=(other, sock), daemon=True).start()
        pipe(sock, other)


def serve_proxy(sock):
    """Every name is this machine to it."""
    head = read_head(sock)
    note("proxied", head.decode("latin-1"))
    target = head.split(b" ")[1].decode()
    sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    relay(sock, int(target.rsplit(":", 1)[1]))


def serve_closed_proxy(sock):
    read_head(sock)
    sock.sendall(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def serve_socks(sock):
    """SOCKS5 without authentication, names only (RFC 1928)."""
    sock.recv(2)
    sock.recv(255)
    sock.sendall(b"\x05\x00")
    head = sock.recv(4)
    name = sock.recv(sock.recv(1)[0]) if head[3] == 3 else b"address"
    port = int.from_bytes(sock.recv(2), "big")
    note("proxied", f"SOCKS {name.decode()} {port}\r\n\r\n")
    sock.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
    relay(sock, port)


def one(serve, sock):
    with sock:
        try:
            serve(sock)
        except OSError:
            pass


def accept(listener, serve):
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=one, args=(serve, sock), daemon=True).start()


def main():
    make_certificates()
    make_roots()
    servers = {
        "server": serve_tls(tls("server")),
        "named": serve_tls(tls("named")),
        "expired": serve_tls(tls("expired")),
        "mutual": serve_tls(tls("server", "ca")),
        "plain": serve_http,
        "reset": hang_up,
        "talker": talk,
        "silent": say_nothing,
        "proxy": serve_proxy,
        "closed-proxy": serve_closed_proxy,
        "socks": serve_socks,
    }
    for name, serve in servers.items():
        listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        threading.Thread(target=accept, args=(listener, serve), daemon=True).start()
        print(name, listener.getsockname()[1])
    # Nobody listens there, and nobody else can.
    refused = socket.socket()
    refused.bind(("127.0.0.1", 0))
    print("refused", refused.getsockname()[1])
    print("ready", flush=True)
    sys.stdin.read()


main()
