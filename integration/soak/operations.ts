import { pack } from "tar-stream";
import { buffer } from "node:stream/consumers";
import type { SeededRandom } from "../harness/seeded-random.ts";

/** One request of a client. */
export interface Request {
  method: string;
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** The names one client works with; the shared ones are every client's, so that they get into each other's way. */
export interface Names {
  containers: [string, ...string[]];
  networks: [string, ...string[]];
  volumes: [string, ...string[]];
}

export interface Operation {
  name: string;
  weight: number;
  /** What is sent, one after the other. */
  requests(random: SeededRandom, names: Names): Request[] | Promise<Request[]>;
}

export function namesOf(client: number): Names {
  return {
    containers: [`c${client}-one`, `c${client}-two`, `c${client}-three`, "shared-container"],
    networks: [`n${client}`, "shared-network"],
    volumes: [`v${client}`, "shared-volume"],
  };
}

const shell = (script: string): string[] => ["sh", "-c", script];

const commands: [string[], ...string[][]] = [
  shell("trap 'exit 7' TERM; while :; do echo tick; sleep 0.3; done"),
  shell("trap 'exit 7' TERM; while :; do echo tick; sleep 0.3; done"),
  ["sleep", "1000"],
  ["true"],
  shell("echo done; exit 3"),
  shell("head -c 300000 /dev/zero | tr '\\0' x; sleep 1"),
  ["no-such-program"],
];

function containerBody(random: SeededRandom, names: Names): Record<string, unknown> {
  const network = random.pick([
    "none",
    "bridge",
    "bridge",
    "host",
    `container:${random.pick(names.containers)}`,
    ...names.networks,
  ]);
  const ports = !/^(none|host|container:.*)$/.test(network) && random.chance(0.6);
  return {
    Image: "busybox",
    Cmd: random.pick(commands),
    Tty: random.chance(0.2),
    Env: ["SOAK=1", ...(random.chance(0.3) ? ["LEGACY_MEM=64m"] : [])],
    ExposedPorts: { "80/tcp": {} },
    Healthcheck: random.chance(0.2) ? { Test: ["CMD", "true"], Interval: 1_000_000_000 } : { Test: ["NONE"] },
    Volumes: random.chance(0.2) ? { "/anonymous": {} } : {},
    HostConfig: {
      NetworkMode: network,
      AutoRemove: random.chance(0.15),
      Binds: random.chance(0.4) ? [`${random.pick(names.volumes)}:/data`] : [],
      PortBindings: ports ? { "80/tcp": [{ HostPort: "" }] } : {},
      RestartPolicy: random.pick([
        { Name: "no" },
        { Name: "no" },
        { Name: "on-failure", MaximumRetryCount: 2 },
        { Name: "always" },
      ]),
      IpcMode: random.pick(["private", "shareable"]),
      Tmpfs: random.chance(0.2) ? { "/scratch": "size=1m" } : {},
    },
  };
}

async function archive(random: SeededRandom): Promise<Buffer> {
  const tar = pack();
  for (let i = random.integer(1, 8); i > 0; i--) tar.entry({ name: `copied/file-${i}` }, "x".repeat(random.integer(0, 200_000)));
  tar.finalize();
  return buffer(tar);
}

const of = (random: SeededRandom, names: Names): string => `/containers/${random.pick(names.containers)}`;

const containerOperation = (name: string, weight: number, method: string, tail: string): Operation => ({
  name,
  weight,
  requests: (random, names) => [{ method, path: of(random, names) + tail }],
});

export const operations: [Operation, ...Operation[]] = [
  {
    name: "run",
    weight: 12,
    requests: (random, names) => {
      const container = random.pick(names.containers);
      const body = containerBody(random, names);
      // --rm and a restart policy exclude each other; a client that asks for both is told so, which is a case too.
      return [
        { method: "POST", path: `/containers/create?name=${container}`, body },
        { method: "POST", path: `/containers/${container}/start` },
      ];
    },
  },
  containerOperation("start", 8, "POST", "/start"),
  containerOperation("stop", 5, "POST", "/stop?t=1"),
  containerOperation("restart", 4, "POST", "/restart?t=1"),
  containerOperation("kill", 4, "POST", "/kill"),
  containerOperation("pause", 3, "POST", "/pause"),
  containerOperation("unpause", 4, "POST", "/unpause"),
  containerOperation("remove", 3, "DELETE", "?v=1"),
  containerOperation("remove by force", 6, "DELETE", "?force=1&v=1"),
  containerOperation("inspect", 3, "GET", "/json"),
  containerOperation("logs", 3, "GET", "/logs?stdout=1&stderr=1&tail=20"),
  containerOperation("top", 2, "GET", "/top"),
  containerOperation("stats", 2, "GET", "/stats?stream=0&one-shot=1"),
  containerOperation("copy out", 2, "GET", "/archive?path=/etc"),
  containerOperation("changes", 2, "GET", "/changes"),
  containerOperation("export", 1, "GET", "/export"),
  {
    name: "rename",
    weight: 2,
    requests: (random, names) => [{ method: "POST", path: `${of(random, names)}/rename?name=${random.pick(names.containers)}` }],
  },
  {
    name: "copy in",
    weight: 3,
    requests: async (random, names) => {
      const path = `${of(random, names)}/archive?path=/tmp`;
      return [{ method: "PUT", path, body: await archive(random), headers: { "Content-Type": "application/x-tar" } }];
    },
  },
  {
    name: "update",
    weight: 2,
    requests: (random, names) => [
      { method: "POST", path: `${of(random, names)}/update`, body: { Memory: random.integer(16, 64) << 20, MemorySwap: -1 } },
    ],
  },
  {
    name: "create network",
    weight: 2,
    requests: (random, names) => [
      { method: "POST", path: "/networks/create", body: { Name: random.pick(names.networks), CheckDuplicate: true } },
    ],
  },
  {
    name: "remove network",
    weight: 2,
    requests: (random, names) => [{ method: "DELETE", path: `/networks/${random.pick(names.networks)}` }],
  },
  {
    name: "connect",
    weight: 3,
    requests: (random, names) => [
      {
        method: "POST",
        path: `/networks/${random.pick(names.networks)}/connect`,
        body: { Container: random.pick(names.containers) },
      },
    ],
  },
  {
    name: "disconnect",
    weight: 2,
    requests: (random, names) => [
      {
        method: "POST",
        path: `/networks/${random.pick(names.networks)}/disconnect`,
        body: { Container: random.pick(names.containers), Force: random.chance(0.5) },
      },
    ],
  },
  {
    name: "create volume",
    weight: 1,
    requests: (random, names) => [{ method: "POST", path: "/volumes/create", body: { Name: random.pick(names.volumes) } }],
  },
  {
    name: "remove volume",
    weight: 2,
    requests: (random, names) => [{ method: "DELETE", path: `/volumes/${random.pick(names.volumes)}` }],
  },
  { name: "list", weight: 2, requests: () => [{ method: "GET", path: "/containers/json?all=1&size=1" }] },
  { name: "disk usage", weight: 1, requests: () => [{ method: "GET", path: "/system/df" }] },
  { name: "prune", weight: 1, requests: () => [{ method: "POST", path: "/containers/prune" }] },
  { name: "prune networks", weight: 1, requests: () => [{ method: "POST", path: "/networks/prune" }] },
  { name: "prune volumes", weight: 1, requests: () => [{ method: "POST", path: "/volumes/prune" }] },
  {
    name: "inspect network",
    weight: 2,
    requests: (random, names) => [{ method: "GET", path: `/networks/${random.pick(names.networks)}?verbose=1` }],
  },
  {
    name: "past events",
    weight: 1,
    requests: () => {
      const now = Math.floor(Date.now() / 1000);
      return [{ method: "GET", path: `/events?since=${now - 5}&until=${now}` }];
    },
  },
  { name: "save", weight: 1, requests: () => [{ method: "GET", path: "/images/busybox/get" }] },
  {
    name: "tag and untag",
    weight: 1,
    requests: (random) => {
      const tag = `t${random.integer(1, 3)}`;
      return [
        { method: "POST", path: `/images/busybox/tag?repo=soak&tag=${tag}` },
        { method: "DELETE", path: `/images/soak:${tag}` },
      ];
    },
  },
];

/** What a client does besides: a command in a container, waited for. */
export const execBody = (random: SeededRandom): Record<string, unknown> => ({
  AttachStdout: true,
  Cmd: random.pick([["true"], shell("echo out; exit 4"), ["no-such-program"]]),
});
