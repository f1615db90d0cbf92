"""What the conformance suite expects of a plugin, in Python's standard library; ../typescript/conformance.ts does the same."""

import http.client
import http.server
import json
import os
import socket
import socketserver
import sys
import time
import urllib.parse

SOCKET = os.environ["POUCH_PLUGIN_SOCKET"]
HOST_SOCKET = os.environ["POUCH_HOST_SOCKET"]
KINDS = ["container", "daemon", "volume", "cri", "image", "api", "network"]
state = {"configuration": {}}


class Refusal(Exception):
    """Refuses a request; the daemon answers with the kind's status."""


class UnixConnection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(HOST_SOCKET)


def ask(path, body):
    """Asks the daemon something."""
    connection = UnixConnection("host")
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    value = json.loads(answer.read() or b"{}")
    connection.close()
    if answer.status != 200:
        raise RuntimeError(value.get("Err"))
    return value


def pre_create(body):
    config = body["config"]
    image = config.get("Image")
    if image == "unchanged":
        return {}
    if image == "refuse":
        raise Refusal("refused by the plugin")
    if image == "throw":
        raise RuntimeError("boom")
    if image == "invalid":
        config["HostConfig"] = {"Memory": "lots"}
        return {"config": config}
    if image == "garbage":
        config["HostConfig"] = json.loads(config["Cmd"][0])
        return {"config": config}
    if image == "hang":
        time.sleep(3600)
    if image == "exit":
        os._exit(3)
    if image == "loop":
        while True:
            pass
    if image == "leak":
        kept = []
        while True:
            kept.append(b"x" * (8 << 20))
            time.sleep(0.01)
    if image == "big":
        config["Labels"] = {"big": "x" * (50 << 20)}
        return {"config": config}
    config.setdefault("Env", []).append("WORD=" + state["configuration"]["word"])
    config["Labels"] = {"conformance": body["call"].get("container", {}).get("name", "nameless")}
    return {"config": config}


def validate_create(body):
    write = body["provenance"].get("/Hostname")
    if write is not None:
        raise Refusal("%s made %s %s" % (write["plugin"], write["old"], write["new"]))
    if body["config"].get("Hostname") == "forbidden":
        raise Refusal("that host name is taken")
    return {}


def pre_create_endpoint(body):
    endpoint = body["endpoint"]
    endpoint["priority"] = len(body["env"])
    endpoint["disableResolver"] = True
    endpoint["genericParams"]["container"] = body["id"]
    return {"endpoint": endpoint}


def pre_volume_create(body):
    body["config"].setdefault("Labels", {})["conformance"] = "yes"
    return {"config": body["config"]}


def cri_pre_run_pod_sandbox(body):
    body["config"]["annotations"] = {"handler": body["criRequest"]["runtimeHandler"]}
    return {"config": body["config"]}


def cri_pre_create_container(body):
    body["config"]["Labels"] = {"pod": body["criRequest"]["sandbox"]}
    return {"config": body["config"]}


def network_pre_create(body):
    if body["config"]["Name"] == "please-refuse":
        raise Refusal("refused by the plugin")
    return {"config": {**body["config"], "Labels": {"conformance": "yes"}}}


def pre_pull(body):
    if body["request"]["reference"] == "please-refuse":
        raise Refusal("refused by the plugin")
    return {"request": {**body["request"], "platform": "linux/arm64"}}


def post_pull(body):
    question = {"call": body["call"]["id"], "snapshotter": "second"}
    if body["snapshotter"] == "overlayfs" and not ask("/Image.IsUnpacked", question)["unpacked"]:
        ask("/Image.Unpack", question)
    return {}


def pre_start_hook(_body):
    ask("/Supervisor.Start", {"process": {"name": "helper", "command": "sleep", "args": ["1"]}})
    return {}


def update_handler(body):
    logs = [route["path"] for route in body["handlers"]].index("/containers/{id}/logs")
    state["logs"] = "/Pouch.Original/%s/%d" % (body["call"]["id"], logs)
    return {
        "operations": [
            {"op": "remove", "method": "GET", "path": "/info"},
            {"op": "replace", "method": "GET", "path": "/containers/{id}/logs"},
            {"op": "add", "method": "GET", "path": "/conformance/{name}"},
        ]
    }


def refuse_what_says_so(body):
    """At every point that shows something."""
    if "please-refuse" in json.dumps(body):
        raise Refusal("refused by the plugin")
    return {}


def pre_exec(body):
    if body["config"].get("User") == "please-refuse":
        raise Refusal("refused by the plugin")
    body["config"].setdefault("Env", []).append("CONFORMANCE=yes")
    return {"config": body["config"]}


POINTS = {
    "/ContainerPlugin.PreCreate": pre_create,
    "/ContainerPlugin.ValidateCreate": validate_create,
    "/ContainerPlugin.PreStart": lambda body: {"hooks": [{"priority": 5, "args": ["/bin/true", body["container"]["Id"]]}]},
    "/ContainerPlugin.PreCreateEndpoint": pre_create_endpoint,
    "/ContainerPlugin.PostUpdate": lambda body: {"env": body["env"] + ["ROOTFS=" + body["rootfs"]]},
    "/ContainerPlugin.PreExec": pre_exec,
    "/DaemonPlugin.PreStartHook": pre_start_hook,
    "/VolumePlugin.PreVolumeCreate": pre_volume_create,
    "/CriPlugin.PreRunPodSandbox": cri_pre_run_pod_sandbox,
    "/CriPlugin.PreCreateContainer": cri_pre_create_container,
    "/ImagePlugin.PrePull": pre_pull,
    "/NetworkPlugin.PreCreate": network_pre_create,
    "/ImagePlugin.PostPull": post_pull,
    "/ApiPlugin.UpdateHandler": update_handler,
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = False

    def address_string(self):
        return "daemon"

    def log_message(self, *_):
        pass

    def answer(self, status, content, content_type="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self):
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            if self.path == "/Plugin.Activate":
                state["configuration"] = json.loads(content or b"{}").get("configuration", {})
                return self.answer(200, json.dumps({"Implements": ["pouch.%s/1" % kind for kind in KINDS]}).encode())
            if self.path == "/ContainerPlugin.PreUpdate":
                value = json.loads(content)
                value["Memory"] *= 2
                return self.answer(200, json.dumps(value).encode(), "application/octet-stream")
            self.answer(200, json.dumps(POINTS.get(self.path, refuse_what_says_so)(json.loads(content))).encode())
        except Refusal as refusal:
            self.answer(500, json.dumps({"Err": str(refusal), "Kind": "forbidden"}).encode())
        except Exception as error:
            self.answer(500, json.dumps({"Err": str(error)}).encode())

    def do_GET(self):
        _, _, _generation, operation, url = self.path.split("/", 4)
        if operation == "1":
            return self.pass_on("/" + url)
        params = json.loads(urllib.parse.unquote(self.headers["pouch-params"]))
        self.answer(200, json.dumps({"name": params["name"], "url": "/" + url}).encode())

    def pass_on(self, url):
        """Asks the daemon's own handler and passes its answer on, piece by piece."""
        connection = UnixConnection("host")
        connection.request("GET", state["logs"] + url, headers={"pouch-params": self.headers["pouch-params"]})
        answer = connection.getresponse()
        self.send_response(answer.status)
        self.send_header("X-Conformance", "yes")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            piece = answer.read1(65536)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
            if not piece:
                break
        connection.close()


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


if __name__ == "__main__":
    print("<7>listening on " + SOCKET, file=sys.stderr)
    Server(SOCKET, Handler).serve_forever()
