/**
 * Testcontainers for Node.js against pouchd, found by `DOCKER_HOST` alone.
 *
 * Its reaper (Ryuk) is off: that image holds a program of its own, which a busybox cannot stand in for. What tests make here
 * they take away themselves.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { extract } from "tar-stream";
import {
  DockerComposeEnvironment,
  GenericContainer,
  getContainerRuntimeClient,
  Network,
  PullPolicy,
  Wait,
  TestContainers,
  type StartedTestContainer,
} from "testcontainers";
import { makeImageArchive } from "../hack/busybox-image.ts";
import { Daemon, eventually } from "../integration/harness/daemon.ts";
import { freePort } from "../integration/harness/free-port.ts";

let daemon: Daemon;
before(async () => {
  daemon = await Daemon.start();
  mkdirSync(join(daemon.directory, "tmp"));
  Object.assign(process.env, {
    DOCKER_HOST: `unix://${daemon.socket}`,
    DOCKER_CONFIG: join(daemon.directory, "docker-config"),
    TESTCONTAINERS_RYUK_DISABLED: "true",
    // Where the library keeps its lock files.
    TMPDIR: join(daemon.directory, "tmp"),
  });
});
after(() => daemon[Symbol.asyncDispose]());

/** A web server that says it is ready when it is: it goes into the background when it listens. */
const web = [
  "sh",
  "-c",
  "mkdir -p /www; echo served > /www/index.html; httpd -p 8080 -h /www; echo ready to serve; exec sleep 600",
];

function busybox(command: string[] = ["sleep", "600"]): GenericContainer {
  return new GenericContainer("busybox").withCommand(command);
}

test("an image is built of a Dockerfile, and a container of it started", async () => {
  const folder = join(daemon.directory, "image");
  mkdirSync(folder);
  writeFileSync(join(folder, "index.html"), "built\n");
  const dockerfile = [
    "FROM busybox AS base",
    "ARG PORT=1",
    'CMD ["sh", "-c", "httpd -p $PORT -h /www; echo ready to serve; exec sleep 600"]',
    "FROM base",
    "ARG PORT",
    "ENV PORT=$PORT",
    "COPY index.html /www/",
    "EXPOSE 8080",
  ];
  writeFileSync(join(folder, "Dockerfile"), dockerfile.join("\n"));
  const image = await GenericContainer.fromDockerfile(folder).withBuildArgs({ PORT: "8080" }).build("built:1");
  const container = await image.withExposedPorts(8080).withWaitStrategy(Wait.forLogMessage("ready to serve")).start();
  try {
    assert.equal(await get(container), "built\n");
  } finally {
    await container.stop();
  }
});

function get(container: StartedTestContainer, port = 8080): Promise<string> {
  return new Promise((resolve, reject) => {
    http
      .get({ host: container.getHost(), port: container.getMappedPort(port), agent: false }, (response) => {
        text(response).then(resolve, reject);
      })
      .on("error", reject);
  });
}

test("the client finds the daemon and knows it", async () => {
  const { info } = await getContainerRuntimeClient();
  // Tests that run in a container themselves go by the default bridge's gateway.
  const gateway = (await daemon.docker("network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", "bridge")).stdout.trim();
  assert.equal(info.containerRuntime.host, existsSync("/.dockerenv") ? gateway : "localhost");
  assert.equal(info.containerRuntime.operatingSystemType, "linux");
  assert.equal(info.containerRuntime.remoteSocketPath, daemon.socket);
});

describe("wait strategies", () => {
  test("a log line", async () => {
    await using container = await busybox(["sh", "-c", "sleep 0.5; echo almost; echo ready now; sleep 600"])
      .withWaitStrategy(Wait.forLogMessage("ready now"))
      .start();
    assert.match(await read(await container.logs()), /almost\nready now/);
  });

  test("listening ports, seen from the host and from inside", async () => {
    await using container = await busybox([
      "sh",
      "-c",
      "sleep 1; mkdir /www; echo late > /www/index.html; exec httpd -f -p 8080 -h /www",
    ])
      .withExposedPorts(8080)
      .withWaitStrategy(Wait.forListeningPorts())
      .start();
    assert.equal(await get(container), "late\n");
    assert.equal(container.getFirstMappedPort(), container.getMappedPort(8080));
  });

  test("an answer over HTTP", async () => {
    await using container = await busybox(web)
      .withExposedPorts(8080, 8081)
      .withWaitStrategy(Wait.forHttp("/", 8080).forStatusCode(200))
      .start();
    assert.equal(await get(container), "served\n");
    assert.notEqual(container.getMappedPort(8080), container.getMappedPort(8081));
  });

  test("a health check", async () => {
    await using container = await busybox(["sh", "-c", "sleep 1; touch /healthy; sleep 600"])
      .withHealthCheck({ test: ["CMD-SHELL", "test -e /healthy"], interval: 300, timeout: 3000, retries: 20, startPeriod: 0 })
      .withWaitStrategy(Wait.forHealthCheck())
      .start();
    assert.equal((await container.exec(["test", "-e", "/healthy"])).exitCode, 0);
  });

  test("a command that succeeds", async () => {
    await using container = await busybox(["sh", "-c", "sleep 0.5; touch /done; sleep 600"])
      .withWaitStrategy(Wait.forSuccessfulCommand("test -e /done"))
      .start();
    assert.equal((await container.exec("ls /done")).output, "/done\n");
  });

  test("a run that ends well, and one that does not", async () => {
    const once = await busybox(["true"]).withWaitStrategy(Wait.forOneShotStartup()).start();
    await once.stop();
    const failing = busybox(["sh", "-c", "exit 3"]).withWaitStrategy(Wait.forOneShotStartup());
    await assert.rejects(failing.start(), /3/);
  });

  test("one that never comes: the container is taken away again", async () => {
    const never = busybox().withWaitStrategy(Wait.forLogMessage("never")).withStartupTimeout(700);
    await assert.rejects(never.start(), /never.* not received/);
    await eventually("nothing is left", async () => (await daemon.docker("ps", "-aq")).stdout === "");
  });
});

describe("a container", () => {
  test("has the environment, user, working directory, labels, mounts, limits and capabilities asked for", async () => {
    const folder = join(daemon.directory, "mounted");
    mkdirSync(folder);
    writeFileSync(join(folder, "word"), "from the host\n");
    await using container = await busybox()
      .withName("asked-for")
      .withEnvironment({ WORD: "hello" })
      .withUser("1000:1000")
      .withWorkingDir("/work")
      .withLabels({ made: "here" })
      .withHostname("inside")
      .withBindMounts([{ source: folder, target: "/mounted", mode: "ro" }])
      .withTmpFs({ "/scratch": "rw,size=1m" })
      .withResourcesQuota({ memory: 0.0625, cpu: 0.5 })
      .withSharedMemorySize(8 * 1024 * 1024)
      .withUlimits({ nofile: { soft: 500, hard: 600 } })
      .withDroppedCapabilities("ALL")
      .withExtraHosts([{ host: "elsewhere", ipAddress: "192.0.2.9" }])
      .start();
    // Limits of the container's own process: those of an exec are raised to the hard one at times (runc 1.1, with dockerd too).
    const limit = "$(awk '/open files/ { print $4 }' /proc/1/limits)";
    const script = `echo $WORD $(id -u) $PWD $(hostname) ${limit}; cat /mounted/word; grep elsewhere /etc/hosts; grep CapBnd /proc/self/status; df -k /scratch /dev/shm | awk '{print $2}'`;
    const { output, exitCode } = await container.exec(["sh", "-c", script]);
    assert.equal(exitCode, 0, output);
    assert.equal(
      output,
      "hello 1000 /work inside 500\nfrom the host\n192.0.2.9\telsewhere\nCapBnd:\t0000000000000000\n1K-blocks\n1024\n8192\n",
    );
    assert.equal(container.getName(), "/asked-for");
    assert.equal(container.getLabels()["made"], "here");
    assert.equal(container.getHostname(), "inside");
    const limits = await daemon.docker(
      "inspect",
      "-f",
      "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}}",
      "asked-for",
    );
    assert.match(limits.stdout, /^67108864 (500000000|0) (0|50000)\n$/);
  });

  test("files, folders, text and archives go in before the start and while it runs, and come out", async () => {
    const folder = join(daemon.directory, "copied");
    mkdirSync(join(folder, "deep"), { recursive: true });
    writeFileSync(join(folder, "file"), "a file\n");
    writeFileSync(join(folder, "deep/file"), "a deep file\n");
    await using container = await busybox(["sh", "-c", "cat /in/file /in/folder/deep/file /in/text; sleep 600"])
      .withCopyFilesToContainer([{ source: join(folder, "file"), target: "/in/file" }])
      .withCopyDirectoriesToContainer([{ source: folder, target: "/in/folder" }])
      .withCopyContentToContainer([{ content: "a text\n", target: "/in/text", mode: 0o600 }])
      .withWaitStrategy(Wait.forLogMessage("a text"))
      .start();
    assert.equal(await read(await container.logs()), "a file\na deep file\na text\n");
    assert.match((await container.exec("stat -c %a /in/text")).output, /^600\n$/);
    await container.copyContentToContainer([{ content: "later\n", target: "/tmp/later" }]);
    const found = new Map<string, string>();
    const archive = await container.copyArchiveFromContainer("/tmp/later");
    for await (const entry of archive.pipe(extract())) found.set(entry.header.name, await text(entry));
    assert.deepEqual([...found], [["later", "later\n"]]);
  });

  test("exec tells output, both streams apart, and exit code", async () => {
    await using container = await busybox().start();
    const result = await container.exec(["sh", "-c", "echo $A $PWD; echo err >&2; id -u; exit 9"], {
      env: { A: "b" },
      user: "1000",
      workingDir: "/tmp",
    });
    assert.deepEqual([result.exitCode, result.stdout, result.stderr], [9, "b /tmp\n1000\n", "err\n"]);
  });

  test("a log consumer hears it from the first line to the last", async () => {
    const lines: string[] = [];
    const container = await busybox(["sh", "-c", "for i in 1 2 3; do echo line $i; sleep 0.2; done; sleep 600"])
      .withLogConsumer((stream) => stream.on("data", (line: Buffer) => lines.push(line.toString().trim())))
      .start();
    await eventually("three lines", () => lines.join(" ").includes("line 3"));
    await container.stop({ timeout: 100 });
    assert.deepEqual(lines.join("\n").split("\n"), ["line 1", "line 2", "line 3"]);
  });

  test("restart keeps it and its published port's service; stop removes it, or keeps it where asked", async () => {
    const container = await busybox(web)
      .withExposedPorts(8080)
      .withWaitStrategy(Wait.forLogMessage("ready to serve"))
      .withAutoRemove(false)
      .start();
    await container.restart({ timeout: 100 });
    assert.equal(await get(container), "served\n");
    const stopped = await container.stop({ remove: false, timeout: 100 });
    assert.equal((await daemon.docker("inspect", "-f", "{{.State.Status}}", stopped.getId())).stdout, "exited\n");
    const archive = await stopped.copyArchiveFromContainer("/www/index.html");
    for await (const entry of archive.pipe(extract())) assert.equal(await text(entry), "served\n");
    await daemon.docker("rm", stopped.getId());
  });

  test("a fixed host port is the one asked for, UDP is mapped too", async () => {
    const free = await freePort();
    await using container = await busybox(web)
      .withExposedPorts({ container: 8080, host: free }, "5353/udp")
      .withWaitStrategy(Wait.forLogMessage("ready to serve"))
      .start();
    assert.equal(container.getMappedPort(8080), free);
    assert.equal(await get(container), "served\n");
    assert.ok(container.getMappedPort("5353/udp") > 0);
  });

  test("one that is to be used again is found again", async () => {
    const reusable = () => busybox(["sh", "-c", "sleep 600"]).withLabels({ again: "yes" }).withReuse();
    const first = await reusable().start();
    const second = await reusable().start();
    assert.equal(second.getId(), first.getId());
    await first.stop({ timeout: 100 });
  });

  test("an image that is here is not pulled; one that is nowhere is an error", async () => {
    const archive = join(daemon.directory, "other.tar");
    makeImageArchive(archive, { name: "example/other:v1", config: { Cmd: ["sh", "-c", "echo by itself; sleep 600"] } });
    await daemon.load(archive);
    await using container = await new GenericContainer("example/other:v1")
      .withPullPolicy(PullPolicy.defaultPolicy())
      .withWaitStrategy(Wait.forLogMessage("by itself"))
      .start();
    assert.notEqual(container.getId(), "");
    await assert.rejects(new GenericContainer("127.0.0.1:1/nowhere:v1").start(), /connection refused|ECONNREFUSED/i);
  });
});

describe("networks", () => {
  test("containers of one network reach each other by alias and name, others do not", async () => {
    await using network = await new Network().start();
    await using server = await busybox(web)
      .withName("the-server")
      .withNetwork(network)
      .withNetworkAliases("server", "also-server")
      .withWaitStrategy(Wait.forLogMessage("ready to serve"))
      .start();
    await using client = await busybox().withNetwork(network).start();
    await using stranger = await busybox().start();
    for (const name of ["server", "also-server", "the-server", server.getIpAddress(network.getName())]) {
      const { output } = await client.exec(["wget", "-q", "-O", "-", `http://${name}:8080/`]);
      assert.equal(output, "served\n", name);
    }
    // Aliases are given by a connect before the start; the default network stays.
    assert.deepEqual(new Set(server.getNetworkNames()), new Set(["bridge", network.getName()]));
    assert.deepEqual(client.getNetworkNames(), [network.getName()]);
    assert.equal(server.getNetworkId(network.getName()), network.getId());
    assert.notEqual((await stranger.exec(["nslookup", "server"])).exitCode, 0);
    const address = server.getIpAddress(network.getName());
    assert.notEqual((await stranger.exec(["nc", "-w", "1", address, "8080"])).exitCode, 0);
  });

  test("a container of a network is reached from the host by its published port", async () => {
    await using network = await new Network().start();
    await using server = await busybox(web).withNetwork(network).withExposedPorts(8080).start();
    assert.equal(await get(server), "served\n");
  });

  test("network modes: host, none, and another container's", async () => {
    await using none = await busybox().withNetworkMode("none").start();
    assert.equal((await none.exec("ls /sys/class/net")).output, "lo\n");
    await using shared = await busybox().withNetworkMode(`container:${none.getId()}`).start();
    const [own, others] = await Promise.all([none, shared].map((each) => each.exec("readlink /proc/self/ns/net")));
    assert.equal(own?.output, others?.output);
    await using host = await busybox().withNetworkMode("host").start();
    assert.notEqual((await host.exec("readlink /proc/self/ns/net")).output, own?.output);
  });
});

describe("services of the host", () => {
  test("are reached by containers of the default bridge and of networks, through an SSH server in a container", async () => {
    const archive = join(daemon.directory, "sshd.tar");
    makeSshdArchive(archive, "testcontainers/sshd:1.4.0");
    await daemon.load(archive);
    const service = http.createServer((_request, response) => response.end("from the host\n"));
    await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
    const address = service.address();
    assert.ok(typeof address === "object" && address !== null);
    try {
      await TestContainers.exposeHostPorts(address.port);
      const url = `http://host.testcontainers.internal:${address.port}/`;
      await using network = await new Network().start();
      await using member = await busybox().withNetwork(network).start();
      await using neighbour = await busybox().start();
      for (const container of [member, neighbour])
        assert.equal((await container.exec(["timeout", "5", "wget", "-q", "-O", "-", url])).output, "from the host\n");
    } finally {
      service.close();
    }
  });
});

describe("a compose file", () => {
  test("becomes running containers with their ports, and goes away with its volumes", async () => {
    const folder = join(daemon.directory, "composed");
    mkdirSync(folder);
    const services = `
services:
  web:
    image: busybox
    container_name: composed-web
    command: ["sh", "-c", "mkdir -p /www; echo $$WORD > /www/index.html; exec httpd -f -p 8080 -h /www"]
    environment: { WORD: "\${WORD}" }
    ports: ["8080"]
    volumes: ["data:/data"]
volumes:
  data: {}
`;
    writeFileSync(join(folder, "docker-compose.yml"), `version: "3.8"\n${services}`);
    const environment = await new DockerComposeEnvironment(folder, "docker-compose.yml")
      .withClientOptions({ executable: { standalone: true, executablePath: "/usr/bin/docker-compose" } })
      .withEnvironment({ WORD: "composed" })
      .withWaitStrategy("composed-web", Wait.forListeningPorts())
      .up();
    assert.equal(await get(environment.getContainer("composed-web")), "composed\n");
    await environment.down({ timeout: 100, removeVolumes: true });
    assert.equal((await daemon.docker("volume", "ls", "-q")).stdout, "");
  });
});

/**
 * An image that behaves as the library's helper does: an SSH server for `root` whose forwarded ports are open to others. The
 * library asks for ports of `localhost`, which its OpenSSH is told to open to all (`GatewayPorts`). dropbear compares with that
 * word and then listens on loopback alone; in the copy here it compares with another one and looks the name up.
 */
function makeSshdArchive(output: string, name: string): void {
  const libraries = execFileSync("ldd", ["/usr/sbin/dropbear"], { encoding: "utf8" }).matchAll(/(\/\S+) \(0x/g);
  const server = join(dirname(output), "dropbear");
  const program = readFileSync("/usr/sbin/dropbear", "latin1").replaceAll("\0localhost\0", "\0LOCALHOST\0");
  writeFileSync(server, program, { encoding: "latin1", mode: 0o755 });
  const start = [
    'sed -i "s|^root:x:|root:$(mkpasswd -m sha512 $PASSWORD):|" /etc/passwd',
    'echo "0.0.0.0 localhost" > /etc/hosts',
    `exec ${server} -R -F -E -a -p 22`,
  ];
  makeImageArchive(output, {
    name,
    files: { "etc/dropbear/README": "", "etc/shells": "/bin/sh\n" },
    copies: [server, ...[...libraries].map((match) => match[1] ?? "")],
    config: { Cmd: ["sh", "-c", start.join(" && ")] },
  });
}

/** What the log has now; the stream itself follows on. */
async function read(stream: NodeJS.ReadableStream): Promise<string> {
  let said = "";
  stream.on("data", (chunk: Buffer | string) => (said += chunk.toString()));
  let length = -1;
  await eventually("a pause in the log", async () => {
    if (said.length > 0 && said.length === length) return true;
    length = said.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return false;
  });
  (stream as NodeJS.ReadableStream & { destroy(): void }).destroy();
  return said;
}
