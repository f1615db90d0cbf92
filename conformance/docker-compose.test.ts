/**
 * docker-compose as this Debian packages it (bookworm: 1.29 in Python, trixie and later: version 2 in Go) against pouchd,
 * unchanged: three services on two networks, and traffic that really flows inside each and really does not between them.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { Daemon, eventually, run, type CommandResult } from "../integration/harness/daemon.ts";
import { freePort } from "../integration/harness/free-port.ts";
import { freeSubnet } from "../integration/harness/free-subnet.ts";

const [front, back] = [freeSubnet(), freeSubnet()];

const composeFile = (publishedPort: number): string => `
version: "3.8"
services:
  web:
    image: busybox
    hostname: frontdoor
    command: ["sh", "-c", "mkdir -p /www && echo hello from $$NAME > /www/index.html && httpd -f -p 80 -h /www"]
    environment:
      NAME: web
    depends_on:
      api:
        condition: service_healthy
    ports:
      - "127.0.0.1:${publishedPort}:80"
      - "80"
    networks:
      front:
        ipv4_address: ${front.prefix}10
        aliases: [site, www.example.test]
  api:
    image: busybox
    command: ["sh", "-c", "mkdir -p /www && echo api with $$MODE > /www/index.html && httpd -p 8080 -h /www && echo api is up && exec sleep 600"]
    env_file: [api.env]
    stop_signal: SIGKILL
    restart: on-failure:3
    healthcheck:
      test: ["CMD", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/"]
      interval: 1s
      timeout: 5s
      retries: 10
    labels:
      example.role: middle
    networks:
      front:
        aliases: [backend]
      back:
  db:
    image: busybox
    command: ["sh", "-c", "date > /data/started; exec nc -ll -p 5432 -e cat"]
    init: true
    volumes:
      - data:/data
      - ./conf:/conf:ro
    tmpfs: [/scratch]
    ulimits: { nofile: { soft: 1000, hard: 2000 } }
    cap_drop: [NET_RAW]
    sysctls: { net.core.somaxconn: 64 }
    extra_hosts: ["elsewhere:192.0.2.7"]
    networks:
      back:
        ipv4_address: ${back.prefix}20
networks:
  front:
    ipam: { config: [{ subnet: ${front.cidr} }] }
  back:
    internal: true
    ipam: { config: [{ subnet: ${back.cidr} }] }
volumes:
  data:
    labels: { example.keep: "yes" }
`;

/** What the two generations of compose print differently for the same work. */
const dialects = {
  v1: {
    container: (service: string, index = 1) => `shop_${service}_${index}`,
    created: (name: string) => new RegExp(`Creating .* "${name}"`),
    upToDate: (service: string) => new RegExp(`shop_${service}_1 is up-to-date`),
    logLine: /^api_1 +\| api is up$/m,
    stopped: (container: string) => new RegExp(`${container} .*Exit 137`),
    topOfThird: /shop_api_3[\s\S]*sleep 600/,
    psAll: ["ps"],
  },
  v2: {
    container: (service: string, index = 1) => `shop-${service}-${index}`,
    created: (name: string) => new RegExp(`(Network|Volume) "?${name}"? +Created`),
    upToDate: (service: string) => new RegExp(`Container shop-${service}-1 +Running`),
    logLine: /^api-1 +\| api is up$/m,
    stopped: (container: string) => new RegExp(`${container} .*Exited \\(137\\)`),
    // A line a process since 2.29, the container's number in its second column; a block a container before.
    topOfThird: /(shop-api-3[\s\S]*|^api +3 .*)sleep 600/m,
    psAll: ["ps", "--all"],
  },
};
const said = execFileSync("docker-compose", ["version", "--short"], {
  encoding: "utf8",
  env: { ...process.env, PYTHONWARNINGS: "ignore" },
});
const dialect = said.startsWith("1.") ? dialects.v1 : dialects.v2;

let daemon: Daemon;
let folder: string;
let port: number;

before(async () => {
  daemon = await Daemon.start();
  folder = join(daemon.directory, "shop");
  mkdirSync(join(folder, "conf"), { recursive: true });
  port = await freePort();
  writeFileSync(join(folder, "docker-compose.yml"), composeFile(port));
  writeFileSync(join(folder, "api.env"), "MODE=production\n");
  writeFileSync(join(folder, "conf/db.conf"), "max_connections=5\n");
});
after(() => daemon[Symbol.asyncDispose]());

function tryCompose(...args: string[]): Promise<CommandResult> {
  // With NO_PROXY and an empty configuration no setting of the machine reaches the client.
  return run("docker-compose", ["--project-directory", folder, "-f", join(folder, "docker-compose.yml"), ...args], {
    DOCKER_HOST: `unix://${daemon.socket}`,
    DOCKER_CONFIG: join(daemon.directory, "docker-config"),
    COMPOSE_PROJECT_NAME: "shop",
    PYTHONWARNINGS: "ignore",
  });
}

/** `docker-compose …`, expected to succeed; its standard output without the last newline. */
async function compose(...args: string[]): Promise<string> {
  const result = await tryCompose(...args);
  assert.equal(result.code, 0, `docker-compose ${args.join(" ")}: ${result.stderr}${result.stdout}`);
  return result.stdout.trimEnd();
}

/** A command in a service's container, by the docker CLI, which starts faster than compose. */
async function inService(service: string, ...command: string[]): Promise<CommandResult> {
  return daemon.docker("exec", dialect.container(service), ...command);
}

async function reads(service: string, url: string): Promise<string> {
  const result = await inService(service, "timeout", "5", "wget", "-q", "-O", "-", url);
  return result.code === 0 ? result.stdout.trimEnd() : `refused: ${result.stderr.trimEnd()}`;
}

function fromHost(address: string, hostPort: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: address, port: hostPort, timeout: 5000, agent: false }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve(text.trimEnd()));
    });
    request.on("timeout", () => request.destroy(new Error("no answer within 5 s")));
    request.on("error", reject);
  });
}

test("a service is built where it has no image", async () => {
  const built = join(folder, "built");
  mkdirSync(built);
  writeFileSync(join(built, "Dockerfile"), "FROM busybox\nARG said\nENV said=$said\nCMD echo $said\n");
  const file = join(built, "docker-compose.yml");
  writeFileSync(
    file,
    'version: "3.8"\nservices:\n  one:\n    build: { context: ., args: { said: built } }\n    network_mode: none\n',
  );
  const env = {
    DOCKER_HOST: `unix://${daemon.socket}`,
    DOCKER_CONFIG: join(daemon.directory, "docker-config"),
    DOCKER_BUILDKIT: "0",
    COMPOSE_PROJECT_NAME: "made",
    PYTHONWARNINGS: "ignore",
  };
  const up = await run("docker-compose", ["-f", file, "up", "--no-color"], env);
  assert.equal(up.code, 0, up.stderr);
  // Newer ones clear the line first.
  assert.match(up.stdout.replaceAll("\u001b[2K", ""), /^(made-)?one[-_]1 +\| built$/m);
  const down = await run("docker-compose", ["-f", file, "down", "--rmi", "local"], env);
  assert.equal(down.code, 0, down.stderr);
});

test("up creates networks, volume and services in order, waiting for the health check", async () => {
  const up = await tryCompose("up", "-d");
  assert.equal(up.code, 0, up.stderr);
  for (const name of ["shop_front", "shop_back", "shop_data"]) assert.match(up.stderr, dialect.created(name));
  const ps = await compose("ps");
  assert.match(ps, new RegExp(`${dialect.container("api")} .*Up .*\\(healthy\\)`));
  assert.match(ps, new RegExp(`${dialect.container("web")} .*Up .*127\\.0\\.0\\.1:${port}->80/tcp`));
  assert.match(ps, new RegExp(`${dialect.container("db")} .*Up`));
  const [api, web] = await Promise.all(
    ["api", "web"].map(
      async (service) => (await daemon.docker("inspect", "-f", "{{.State.StartedAt}}", dialect.container(service))).stdout,
    ),
  );
  assert.ok(api !== undefined && web !== undefined && api < web, `api started ${api}, web ${web}`);
});

test("up once more changes nothing", async () => {
  const again = await tryCompose("up", "-d");
  assert.equal(again.code, 0, again.stderr);
  for (const service of ["web", "api", "db"]) assert.match(again.stderr, dialect.upToDate(service));
});

test("services of one network reach each other by service name, container name, alias and address", async () => {
  for (const name of ["api", dialect.container("api"), "backend"])
    assert.equal(await reads("web", `http://${name}:8080/`), "api with production");
  for (const name of ["web", "site", "www.example.test", `${front.prefix}10`])
    assert.equal(await reads("api", `http://${name}/`), "hello from web");
  const echoed = await inService("api", "sh", "-c", "echo through | nc -w 2 db 5432");
  assert.equal(echoed.stdout, "through\n", echoed.stderr);
});

test("services of separated networks do not, neither by name nor by address", async () => {
  const [byName, byAddress, outwards] = await Promise.all([
    inService("web", "nslookup", "db"),
    inService("web", "nc", "-w", "2", `${back.prefix}20`, "5432"),
    reads("db", `http://${front.prefix}10/`),
  ]);
  assert.notEqual(byName.code, 0, byName.stdout);
  assert.notEqual(byAddress.code, 0, "web connected to db");
  assert.match(outwards, /^refused/);
});

test("published ports answer the host: the fixed one on its address alone, the random one as `port` names it", async () => {
  assert.equal(await fromHost("127.0.0.1", port), "hello from web");
  const found = await compose("port", "web", "80");
  const random = Number(
    (
      await daemon.docker(
        "inspect",
        "-f",
        `{{range index .NetworkSettings.Ports "80/tcp"}}{{.HostIp}} {{.HostPort}}
{{end}}`,
        dialect.container("web"),
      )
    ).stdout.match(/^0\.0\.0\.0 (\d+)$/m)?.[1],
  );
  assert.match(found, new RegExp(`^(127\\.0\\.0\\.1:${port}|0\\.0\\.0\\.0:${random})$`));
  assert.equal(await fromHost("127.0.0.1", random), "hello from web");
  assert.equal(await fromHost(`${front.prefix}1`, random), "hello from web");
  await assert.rejects(fromHost(`${front.prefix}1`, port), /ECONNREFUSED|no answer/);
});

test("static addresses, host name, env file, limits, sysctls, mounts and extra hosts are in the container", async () => {
  const db = await inService(
    "db",
    "sh",
    "-c",
    "ip -4 -o addr show eth0 | tr -s ' ' | cut -d' ' -f4; cat /conf/db.conf; grep 'open files' /proc/1/limits | tr -s ' ' | cut -d' ' -f4; cat /proc/sys/net/core/somaxconn; grep elsewhere /etc/hosts; touch /conf/x || echo read-only; grep -c ' /scratch tmpfs ' /proc/mounts; cat /proc/1/comm",
  );
  assert.equal(
    db.stdout,
    `${back.prefix}20/24\nmax_connections=5\n1000\n64\n192.0.2.7\telsewhere\nread-only\n1\n`.concat(
      db.stdout.split("\n").at(-2) ?? "",
      "\n",
    ),
    db.stderr,
  );
  assert.match(db.stdout, /\n(docker-init|tini|tini-static|init)\n$/);
  assert.equal((await inService("web", "hostname")).stdout, "frontdoor\n");
});

test("exec and run give output and exit code", async () => {
  assert.equal(await compose("exec", "-T", "api", "sh", "-c", "echo $MODE"), "production");
  assert.equal((await tryCompose("exec", "-T", "api", "sh", "-c", "exit 4")).code, 4);
  const once = await tryCompose("run", "--rm", "-T", "--no-deps", "-e", "MODE=once", "api", "sh", "-c", "echo $MODE; exit 6");
  assert.equal(once.stdout, "once\n", once.stderr);
  assert.equal(once.code, 6);
});

test("logs of all services carry their names", async () => {
  // Version 2 clears the line it writes on, colours or none.
  assert.match(stripVTControlCharacters(await compose("logs", "--no-color")), dialect.logLine);
});

test("scale adds containers that share the service's name, and takes them away again", async () => {
  await compose("up", "-d", "--scale", "api=3", "--no-recreate", "api");
  const addresses = async () =>
    new Set((await inService("web", "nslookup", "-type=a", "api")).stdout.match(new RegExp(`${front.prefix}\\d+`, "g")));
  await eventually("three addresses", async () => (await addresses()).size === 3);
  assert.match((await tryCompose("top", "api")).stdout, dialect.topOfThird);
  await compose("up", "-d", "--scale", "api=1", "--no-recreate", "api");
  await eventually("one address", async () => (await addresses()).size === 1);
});

test("a changed service is recreated: its address and volume stay", async () => {
  const started = (await inService("db", "cat", "/data/started")).stdout;
  const before = (await daemon.docker("inspect", "-f", "{{.Id}}", dialect.container("db"))).stdout;
  writeFileSync(
    join(folder, "docker-compose.yml"),
    composeFile(port).replace("date > /data/started;", "test -s /data/started || exit 9;"),
  );
  await compose("up", "-d", "db");
  assert.notEqual((await daemon.docker("inspect", "-f", "{{.Id}}", dialect.container("db"))).stdout, before);
  assert.equal((await inService("db", "cat", "/data/started")).stdout, started);
  assert.equal((await inService("api", "sh", "-c", "echo again | nc -w 2 db 5432")).stdout, "again\n");
});

test("pause, unpause, kill, restart, stop and start keep the project working", async () => {
  await compose("pause", "db");
  assert.match(await compose("ps"), new RegExp(`${dialect.container("db")} .*Paused`));
  await compose("unpause", "db");
  await compose("restart", "-t", "1", "web");
  await eventually("web answers again", async () => (await reads("api", "http://site/")) === "hello from web");
  assert.equal(await fromHost("127.0.0.1", port), "hello from web");
  await compose("stop", "-t", "1");
  assert.match(await compose(...dialect.psAll), dialect.stopped(dialect.container("api")));
  assert.equal((await daemon.docker("ps", "-q")).stdout, "");
  await compose("start");
  await eventually("db answers", async () => (await inService("api", "sh", "-c", "echo hi | nc -w 2 db 5432")).stdout === "hi\n");
});

test("down takes away all but the named volume, down --volumes that too", async () => {
  const down = await tryCompose("down", "-t", "1");
  assert.equal(down.code, 0, down.stderr);
  assert.equal((await daemon.docker("ps", "-aq")).stdout, "");
  assert.equal((await daemon.docker("network", "ls", "-q", "--filter", "name=shop")).stdout, "");
  assert.equal((await daemon.docker("volume", "ls", "-q", "--filter", "label=example.keep=yes")).stdout, "shop_data\n");
  await compose("down", "--volumes");
  assert.equal((await daemon.docker("volume", "ls", "-q")).stdout, "");
});
