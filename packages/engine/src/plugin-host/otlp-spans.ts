import { messageChain } from "@pouchcontainer/errors";
import { inBackground } from "@pouchcontainer/owners";
import { randomBytes } from "node:crypto";
import type { PluginObserver } from "./call-runner.ts";
import type { TraceEntry } from "./trace.ts";

export interface OtlpSpansOptions {
  /** Base of an OTLP/HTTP collector, for example `http://localhost:4318`. */
  endpoint: string;
  serviceVersion: string;
  warn: (message: string) => void;
  /** Milliseconds between two sends. Default: 5000. */
  intervalMs?: number;
}

/** Spans that wait to be sent; beyond that the oldest are dropped. */
const maxWaiting = 2048;

/** The collector of the standard variables, where one is configured. */
export function otlpEndpointOf(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const traces = environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]?.replace(/\/v1\/traces\/?$/, "");
  return traces ?? environment["OTEL_EXPORTER_OTLP_ENDPOINT"];
}

/** Sends a span for every plugin call to an OpenTelemetry collector, as OTLP over HTTP in JSON. A collector that is away costs spans only. */
export class OtlpSpans implements PluginObserver {
  readonly #options: OtlpSpansOptions;
  readonly #timer: NodeJS.Timeout;
  #waiting: object[] = [];
  #sending: Promise<void> = Promise.resolve();
  #away = false;

  constructor(options: OtlpSpansOptions) {
    this.#options = options;
    this.#timer = setInterval(() => inBackground("sending spans", () => this.flush()), options.intervalMs ?? 5000);
    this.#timer.unref();
  }

  called(entry: TraceEntry): void {
    this.#waiting.push(spanOf(entry));
    if (this.#waiting.length > maxWaiting) this.#waiting.shift();
  }

  /** Sends what waits. Never rejects. */
  flush(): Promise<void> {
    this.#sending = this.#sending.then(() => this.#send());
    return this.#sending;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #send(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const spans = this.#waiting;
    this.#waiting = [];
    const { endpoint, serviceVersion, warn } = this.#options;
    const resource = { attributes: [text("service.name", "pouchd"), text("service.version", serviceVersion)] };
    const body = JSON.stringify({
      resourceSpans: [{ resource, scopeSpans: [{ scope: { name: "pouchcontainer.plugins" }, spans }] }],
    });
    try {
      const response = await fetch(`${endpoint.replace(/\/$/, "")}/v1/traces`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body,
        signal: AbortSignal.timeout(5000),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`status ${response.status}`);
      this.#away = false;
    } catch (error) {
      if (!this.#away) warn(`the OpenTelemetry collector at ${endpoint} does not take spans: ${messageChain(error)}`);
      this.#away = true;
    }
  }
}

function spanOf(entry: TraceEntry): object {
  const startNanoseconds = BigInt(Date.parse(entry.time)) * 1_000_000n;
  const isError = entry.outcome === "failed" || entry.outcome === "timeout" || entry.outcome === "ignored";
  return {
    traceId: randomBytes(16).toString("hex"),
    spanId: randomBytes(8).toString("hex"),
    name: `plugin ${entry.plugin} ${entry.point}`,
    // SPAN_KIND_INTERNAL
    kind: 1,
    startTimeUnixNano: String(startNanoseconds),
    endTimeUnixNano: String(startNanoseconds + BigInt(Math.round(entry.durationMs * 1e6))),
    attributes: [
      text("pouch.plugin.name", entry.plugin),
      text("pouch.plugin.version", entry.version),
      text("pouch.plugin.point", entry.point),
      text("pouch.plugin.outcome", entry.outcome),
      ...(entry.shadow === true ? [text("pouch.plugin.mode", "shadow")] : []),
      ...(entry.container?.id === undefined ? [] : [text("container.id", entry.container.id)]),
      ...(entry.container?.name === undefined ? [] : [text("container.name", entry.container.name)]),
    ],
    // STATUS_CODE_ERROR, STATUS_CODE_OK
    status: isError ? { code: 2, message: entry.error ?? "" } : { code: 1 },
  };
}

function text(key: string, value: string): object {
  return { key, value: { stringValue: value } };
}
