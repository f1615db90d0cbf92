import { sleep } from "../../integration/harness/daemon.ts";
import { exchange, type Exchange } from "./exchange.ts";
import { Names } from "./names.ts";
import { fitsPattern } from "./pattern.ts";
import { readBody, readMessages } from "./read-body.ts";
import { keyOf, newestOfDockerd, type Step } from "./step.ts";

/** An answer with names in place of what differs from run to run. */
export interface Answer {
  status: number;
  header: Record<string, unknown>;
  body: unknown;
}

/** Of the connection and not of the answer, or a function of the body that is compared itself. */
const headersOfTheConnection = new Set(["date", "content-length", "transfer-encoding", "keep-alive"]);

const pathStatHeader = "x-docker-container-path-stat";

function decoded(base64: string): unknown {
  return JSON.parse(Buffer.from(base64, "base64").toString());
}

/** One of the two engines the script is played to. */
export class EngineUnderComparison {
  readonly #socket: string;
  readonly #names: Names;
  readonly #discarded: string[] = [];

  constructor(engine: { socket: string; directory: string; homeDirectory: string }) {
    this.#socket = engine.socket;
    this.#names = new Names([
      [engine.homeDirectory, "<home>"],
      [engine.directory, "<directory>"],
    ]);
  }

  /** Makes the call; resolves when the next one may be made: with the answer, or with how to wait for its end. */
  async play(step: Step): Promise<() => Promise<Answer>> {
    if (step.goesOn === "unanswered") {
      const answer = exchange(this.#socket, this.#requestOf(step)).then((sent) => this.#answerOf(step, sent));
      // Whoever asks for the answer hears of a failure; until then it has an owner too.
      answer.catch(() => undefined);
      return () => answer;
    }
    for (let i = 0; ; i++) {
      const sent = await exchange(this.#socket, this.#requestOf(step));
      if (step.goesOn) return () => this.#answerOf(step, sent);
      const answer = await this.#answerOf(step, sent);
      if (!step.until || step.until(answer.body)) return () => Promise.resolve(answer);
      if (i === 300) throw new Error(`${keyOf(step)}: does not come about: ${JSON.stringify(answer)}`);
      await sleep(50);
    }
  }

  /** The events this engine told of, with the same names in them, without those of what was discarded. */
  named(events: unknown[]): unknown[] {
    const told = events.filter((event) => !this.#discarded.some((id) => JSON.stringify(event).includes(id)));
    return told.map((event) => this.#names.normalise(event, "events"));
  }

  async #discard(made: unknown): Promise<void> {
    if (typeof made !== "object" || made === null || !("Id" in made) || typeof made.Id !== "string") return;
    this.#discarded.push(made.Id);
    const removed = await exchange(this.#socket, { method: "DELETE", path: `/containers/${made.Id}?force=1&v=1`, headers: {} });
    await removed.body;
  }

  #requestOf({ call, version = newestOfDockerd, body, headers = {}, input }: Step) {
    const [method = "", path = ""] = call.split(/ (.*)/s);
    const raw = body === undefined || typeof body === "string" || Buffer.isBuffer(body);
    const bound = path.replaceAll(/<([^>]+)>/g, (_, name: string) => this.#names.find(name));
    return {
      method,
      path: (version === "none" ? "" : `/v${version}`) + bound.replaceAll(/[^\x21-\x7e]|["<>\\^`{|}]/g, encodeURIComponent),
      headers: { ...(raw ? {} : { "Content-Type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { payload: raw ? body : JSON.stringify(body) }),
      ...(input === undefined ? {} : { input }),
    };
  }

  async #answerOf(step: Step, { status, headers, body }: Exchange): Promise<Answer> {
    const key = keyOf(step);
    const kept = Object.entries(headers)
      .filter(([name]) => !headersOfTheConnection.has(name))
      .map(([name, value]) => [name, name === pathStatHeader ? decoded(String(value)) : value] as const);
    const type = headers["content-type"] ?? "";
    const framed = type.startsWith("application/vnd.docker") || isRawLog(step, status);
    const isWebSocket = headers["sec-websocket-accept"] !== undefined;
    const read = isWebSocket ? readMessages(await body) : await readBody(type, await body, framed);
    if (step.discards) await this.#discard(read);
    if (step.binds !== undefined) this.#names.bind(step.binds, idIn(read, key));
    return {
      status,
      header: this.#names.normalise(Object.fromEntries(kept), key) as Record<string, unknown>,
      body: arranged(this.#names.normalise(read, key), step),
    };
  }
}

/** dockerd before API 1.42 gives the logs of a container no content type of their own. */
function isRawLog({ call }: Step, status: number): boolean {
  return status === 200 && /^GET [^?]*\/logs\?/.test(call);
}

function idIn(body: unknown, key: string): string {
  const id = typeof body === "object" && body !== null && "Id" in body ? body.Id : undefined;
  if (typeof id !== "string") throw new Error(`${key}: the answer has no Id: ${JSON.stringify(body)}`);
  return id;
}

/** What an item of a list without order is found by: its name, so that two that differ elsewhere still meet. */
function sortKey(item: unknown): string {
  if (typeof item !== "object" || item === null) return JSON.stringify(item);
  const { Name, name, Path, Destination } = item as Record<string, unknown>;
  return JSON.stringify(Name ?? name ?? Path ?? Destination ?? item);
}

function arranged(value: unknown, { varies = [], unordered = [] }: Step, path = ""): unknown {
  const at = (key: string | number) => (path === "" ? String(key) : `${path}.${key}`);
  if (varies.some((pattern) => fitsPattern(path, pattern)) && (typeof value !== "object" || value === null)) {
    return value === null ? null : `<some ${typeof value}>`;
  }
  if (Array.isArray(value)) {
    const items = value.map((item: unknown, index) => arranged(item, { call: "", varies, unordered }, at(index)));
    const sorted = unordered.some((pattern) => fitsPattern(path, pattern));
    return sorted ? items.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1)) : items;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, arranged(item, { call: "", varies, unordered }, at(key))]),
  );
}
