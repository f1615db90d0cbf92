import type { HandlerSpec } from "@pouchcontainer/api";
import type { PluginObserver } from "./call-runner.ts";
import type { GuestPlace } from "./late-failures.ts";
import type { PluginMode } from "./shadow/plugin-mode.ts";
import type { TraceEntry } from "./trace.ts";

/** Upper bounds of the histogram's buckets, in seconds: from a call in this process to one that waits for a deadline. */
const bounds = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5, 10, 60];

interface Histogram {
  labels: string;
  buckets: number[];
  count: number;
  sumSeconds: number;
}

/** Of calls whose outcome counts, and of those in shadow mode. */
const families = {
  active: { name: "pouch_plugin_call_duration_seconds", help: "Time a plugin took at a point." },
  shadow: { name: "pouch_plugin_shadow_call_duration_seconds", help: "Time a plugin in shadow mode took at a point." },
} as const;
const lateName = "pouch_plugin_late_failures_total";

/** Durations of plugin calls by plugin, point and outcome, in Prometheus' text format (version 0.0.4). */
export class PluginMetrics implements PluginObserver {
  readonly #histograms = { active: new Map<string, Histogram>(), shadow: new Map<string, Histogram>() };
  readonly #late = new Map<string, number>();

  called(entry: TraceEntry): void {
    const histogram = this.#histogram(entry);
    const seconds = entry.durationMs / 1000;
    histogram.count += 1;
    histogram.sumSeconds += seconds;
    const bucket = bounds.findIndex((bound) => seconds <= bound);
    if (bucket !== -1) histogram.buckets[bucket] = (histogram.buckets[bucket] ?? 0) + 1;
  }

  failedLate(plugin: string, place: GuestPlace): void {
    const labels = `plugin="${plugin}",place="${place}"`;
    this.#late.set(labels, (this.#late.get(labels) ?? 0) + 1);
  }

  text(): string {
    return `${this.#durations("active")}${this.#durations("shadow")}${this.#lateFailures()}`;
  }

  #lateFailures(): string {
    const counts = [...this.#late].map(([labels, count]) => `${lateName}{${labels}} ${count}\n`);
    return `# HELP ${lateName} Errors of a built-in plugin's code that nobody caught.\n# TYPE ${lateName} counter\n${counts.join("")}`;
  }

  #durations(mode: PluginMode): string {
    const { name, help } = families[mode];
    const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
    for (const { labels, buckets, count, sumSeconds } of this.#histograms[mode].values()) {
      let cumulative = 0;
      for (const [index, bound] of bounds.entries()) {
        cumulative += buckets[index] ?? 0;
        lines.push(`${name}_bucket{${labels},le="${bound}"} ${cumulative}`);
      }
      lines.push(
        `${name}_bucket{${labels},le="+Inf"} ${count}`,
        `${name}_sum{${labels}} ${sumSeconds}`,
        `${name}_count{${labels}} ${count}`,
      );
    }
    return `${lines.join("\n")}\n`;
  }

  #histogram({ plugin, point, outcome, shadow }: TraceEntry): Histogram {
    const histograms = this.#histograms[shadow === true ? "shadow" : "active"];
    const key = `${plugin}\0${point}\0${outcome}`;
    const known = histograms.get(key);
    if (known !== undefined) return known;
    // Names of plugins, points and outcomes hold nothing that would have to be escaped.
    const labels = `plugin="${plugin}",point="${point}",outcome="${outcome}"`;
    const fresh: Histogram = { labels, buckets: bounds.map(() => 0), count: 0, sumSeconds: 0 };
    histograms.set(key, fresh);
    return fresh;
  }
}

/** `GET /metrics` with everything that `sources` have to say. */
export function metricsHandler(...sources: readonly { text(): string }[]): HandlerSpec {
  return {
    method: "GET",
    path: "/metrics",
    handler: (_request, response) => {
      const body = sources.map((source) => source.text()).join("");
      response.writeHead(200, {
        "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
        "Content-Length": Buffer.byteLength(body),
      });
      response.end(body);
    },
  };
}
