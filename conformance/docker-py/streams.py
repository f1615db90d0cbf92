"""What docker-py sees of execs, attached containers and logs; one JSON object on the last line. Argument: the daemon's URL."""

import json
import sys

import docker

client = docker.DockerClient(base_url=sys.argv[1], timeout=60)
ROUNDS = 50
seen = {}

container = client.containers.run("busybox", ["sleep", "1000"], detach=True, network_mode="none")
try:
    seen["exec"] = [container.exec_run(["echo", str(n)]).output.decode() for n in range(ROUNDS)]
    seen["exec stream"] = [b"".join(container.exec_run(["echo", str(n)], stream=True).output).decode() for n in range(5)]
    seen["exec demux"] = [part.decode() for part in container.exec_run(["sh", "-c", "echo out; echo err >&2"], demux=True).output]
    seen["exec tty"] = container.exec_run(["echo", "tty"], tty=True).output.decode()
    sock = container.exec_run(["cat"], stdin=True, socket=True).output._sock
    sock.sendall(b"typed\n")
    sock.shutdown(1)
    answer = b""
    while part := sock.recv(4096):
        answer += part
    seen["exec socket"] = answer.hex()
    failed = container.exec_run(["nosuch"])
    seen["exec failed"] = [failed.exit_code, failed.output.decode()]
finally:
    container.remove(force=True)

seen["run"] = [client.containers.run("busybox", ["echo", str(n)], remove=True, network_mode="none").decode() for n in range(5)]

script = "for i in 1 2 3; do echo line $i; done; sleep 0.3; echo last"
container = client.containers.run("busybox", ["sh", "-c", script], detach=True, network_mode="none")
try:
    seen["logs followed"] = [line.decode() for line in container.logs(stream=True, follow=True)]
    seen["logs stream"] = [line.decode() for line in container.logs(stream=True, follow=False)]
    seen["logs"] = container.logs().decode()
    seen["logs tail"] = container.logs(tail=2).decode()
finally:
    container.remove(force=True)
print(json.dumps(seen))
