/** What a plugin in Python speaks with the daemon, by docs/plugin-protocol.md; a file of its package. */
export const pythonProtocol = `"""The plugin protocol of PouchContainer in Python's standard library: a plugin calls serve(POINTS), and ask() in its points."""

import http.client
import http.server
import json
import os
import socket
import socketserver
import sys

configuration = {}
"""The plugin's settings, from the hand-shake on."""


class Refusal(Exception):
    """Refuses a request; the client gets the status of the kind, one of the protocol's: forbidden, invalidArgument, conflict..."""

    def __init__(self, message, kind="forbidden"):
        super().__init__(message)
        self.kind = kind


def log(message, level=6):
    """A line in the daemon's log: 3 error, 4 warning, 6 information, 7 debug."""
    print("<%d>%s" % (level, message), file=sys.stderr, flush=True)


def ask(path, body):
    """Asks the daemon one of the protocol's questions, and returns its answer."""
    connection = http.client.HTTPConnection("daemon")
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.sock.connect(os.environ["POUCH_HOST_SOCKET"])
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        value = json.loads(answer.read() or b"{}")
    finally:
        connection.close()
    if answer.status >= 300 or value.get("Err"):
        raise RuntimeError(value.get("Err", "the daemon answered %d" % answer.status))
    return value


def implemented(points):
    """What the hand-shake answers: the kinds that there are points of."""
    return sorted({"pouch.%s/1" % point.split(".")[0] for point in points})


def path_of(point):
    """/ContainerPlugin.PreCreate for container.preCreate."""
    kind, method = point.split(".")
    return "/%sPlugin.%s" % (kind.capitalize(), method[0].upper() + method[1:])


def serve(points, routes=()):
    """Answers the daemon until it ends this process. Routes are those of an api plugin's operations, in their order."""
    functions = {path_of(point): function for point, function in points.items()}

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def address_string(self):
            return "daemon"

        def log_message(self, *_):
            pass

        def answer(self, status, content, content_type="application/json"):
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def call(self, content):
            if self.path == "/Plugin.Activate":
                configuration.update(json.loads(content or b"{}").get("configuration") or {})
                return json.dumps({"Implements": implemented(points)}).encode()
            function = functions[self.path]
            if self.path == "/ContainerPlugin.PreUpdate":
                return function(content)
            return json.dumps(function(json.loads(content)) or {}).encode()

        def route(self, content):
            _, _, _call, operation, url = self.path.split("/", 4)
            status, text = routes[int(operation)](self.command, "/" + url, content)
            self.answer(status, text.encode(), "text/plain; charset=utf-8")

        def handle_request(self):
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                if self.path.startswith("/Pouch.Route/"):
                    return self.route(content)
                self.answer(200, self.call(content))
            except Refusal as refusal:
                self.answer(400, json.dumps({"Err": str(refusal), "Kind": refusal.kind}).encode())
            except Exception as error:
                log("%s: %s" % (type(error).__name__, error), 3)
                self.answer(500, json.dumps({"Err": "%s: %s" % (type(error).__name__, error)}).encode())

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = handle_request

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    Server(os.environ["POUCH_PLUGIN_SOCKET"], Handler).serve_forever()
`;
