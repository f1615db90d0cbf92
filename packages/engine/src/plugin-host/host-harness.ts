import type { ContainerCreateConfig } from "@pouchcontainer/api";
import type { PluginKind, PluginKinds, PointName } from "@pouchcontainer/plugin-sdk";
import { compileBodyChecks, InProcessPlugin, parseManifest, type Registration } from "@pouchcontainer/plugin-sdk/host";
import type { PluginEvent } from "./call-runner.ts";
import { PluginHost, type PluginHostDeps } from "./plugin-host.ts";

export const checks = compileBodyChecks();

/** A host for tests, with what it said and published. */
export interface Harness {
  host: PluginHost;
  events: PluginEvent[];
  log: string[];
  clock: { now: number };
  add: <K extends PluginKind>(name: string, kind: K, plugin: PluginKinds[K], pouch?: Record<string, unknown>) => void;
}

export function harness(deps: Partial<PluginHostDeps> = {}): Harness {
  const events: PluginEvent[] = [];
  const log: string[] = [];
  const clock = { now: 1_000 };
  const write = (message: string): void => {
    log.push(message);
  };
  const host = new PluginHost({
    checks,
    logOf: () => ({ debug: write, info: write, warn: write, error: write }),
    supervisorOf: () => ({ start: () => Promise.reject(new Error("no assistants in this test")) }),
    stateDirectoryOf: (plugin) => `/nowhere/${plugin}`,
    events: {
      publish: (event) => {
        events.push(event);
      },
    },
    now: () => clock.now,
    ...deps,
  });
  const add: Harness["add"] = (name, kind, plugin, pouch = {}) => {
    const points = Object.keys(plugin).map((method) => `${kind}.${method}` as PointName);
    const manifest = parseManifest({ name, version: "1.2.3", pouch: { api: "^1.0.0", points, ...pouch } });
    host.add(
      new InProcessPlugin({
        manifest,
        registrations: [{ kind, plugin } as Registration],
        settings: { configuration: {}, environment: {} },
      }),
    );
  };
  return { host, events, log, clock, add };
}

/** A small create body. */
export function body(extra: Partial<ContainerCreateConfig> = {}): ContainerCreateConfig {
  return { Image: "busybox", Env: ["A=1"], HostConfig: {}, ...extra };
}
