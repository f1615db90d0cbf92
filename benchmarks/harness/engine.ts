import { once } from "node:events";
import { createReadStream, existsSync, readdirSync, readFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { makeImageArchive } from "../../hack/busybox-image.ts";
import { Daemon, projectRoot } from "../../integration/harness/daemon.ts";
import { Dockerd } from "../../integration/harness/dockerd.ts";

/** An engine under measurement, reached by one and the same client. */
export interface Engine extends AsyncDisposable {
  readonly name: string;
  readonly socket: string;
  /** Pids of the daemon and its containerd, for memory and CPU. */
  pids(): number[];
}

export async function startPouch(flags: string[] = []): Promise<Engine> {
  const daemon = await Daemon.start({ flags });
  return {
    name: "pouchd",
    socket: daemon.socket,
    pids: () => processesNaming(daemon.directory).filter((pid) => !commandLine(pid).includes("shim")),
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

/** dockerd of the machine. Undefined where it is not installed. */
export async function startDockerd(): Promise<Engine | undefined> {
  if (!existsSync("/usr/sbin/dockerd")) return undefined;
  const dockerd = await Dockerd.start();
  const engine: Engine = {
    name: "dockerd",
    socket: dockerd.socket,
    pids: () => processesNaming(dockerd.directory).filter((pid) => !commandLine(pid).includes("shim")),
    [Symbol.asyncDispose]: () => dockerd[Symbol.asyncDispose](),
  };
  const archive = join(dockerd.directory, "busybox.tar");
  makeImageArchive(archive, { name: "busybox:latest" });
  await call(engine, "POST", "/images/load?quiet=1", readFileSync(archive), "application/x-tar");
  return engine;
}

const agents = new Map<string, http.Agent>();

/** One API call over a kept connection; fails on any status of 400 and above. */
export function call(
  engine: { socket: string },
  method: string,
  path: string,
  body?: unknown,
  contentType = "application/json",
): Promise<string> {
  let agent = agents.get(engine.socket);
  if (!agent) agents.set(engine.socket, (agent = new http.Agent({ keepAlive: true, maxSockets: 64 })));
  return new Promise((resolve, reject) => {
    const payload = body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const headers =
      payload === undefined ? {} : { "Content-Type": contentType, "Content-Length": String(Buffer.byteLength(payload)) };
    const request = http.request({ socketPath: engine.socket, agent, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        if ((response.statusCode ?? 500) >= 400) reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
        else resolve(text);
      });
    });
    request.on("error", reject);
    request.end(payload);
  });
}

/** Sends a file as the body of a PUT, in pieces of unknown number as the docker CLI does; fails on any status of 400 and above. */
export async function send(engine: { socket: string }, path: string, file: string): Promise<void> {
  const request = http.request({
    socketPath: engine.socket,
    method: "PUT",
    path,
    headers: { "Content-Type": "application/x-tar", "Transfer-Encoding": "chunked" },
  });
  const answered = once(request, "response");
  await Promise.all([answered, pipeline(createReadStream(file, { highWaterMark: 1 << 18 }), request)]);
  // What `response` is emitted with.
  const [response] = (await answered) as [http.IncomingMessage];
  await checked(response);
}

/** Reads an answer to its end without keeping it; fails on any status of 400 and above. */
export async function drain(engine: { socket: string }, path: string): Promise<void> {
  const request = http.request({ socketPath: engine.socket, path }).end();
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  await checked(response);
}

async function checked(response: http.IncomingMessage): Promise<void> {
  const failed = (response.statusCode ?? 500) >= 400;
  let text = "";
  for await (const chunk of response) if (failed) text += String(chunk);
  if (failed) throw new Error(`${response.statusCode} ${text}`);
}

export function processesNaming(directory: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => commandLine(pid).includes(directory));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** Resident memory in MB: what only this process holds, and all of it. */
export function memoryOf(pids: number[]): { rss: number; pss: number } {
  let rss = 0;
  let pss = 0;
  for (const pid of pids) {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    rss += Number(/^Rss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024;
    pss += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024;
  }
  return { rss, pss };
}

/** CPU seconds used so far, user and system. */
export function cpuSecondsOf(pids: number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / 100;
}

export { projectRoot };
