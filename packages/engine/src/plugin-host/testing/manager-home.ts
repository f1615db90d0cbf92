import { dockerNaming } from "@pouchcontainer/oci";
import type { Supervisor } from "@pouchcontainer/plugin-sdk";
import { compileBodyChecks, InProcessPlugin, parseManifest } from "@pouchcontainer/plugin-sdk/host";
import { sampleContainerConfig } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { testRegistrySettings } from "../../registry/testing/opened-repository.ts";
import { Store } from "../../store/index.ts";
import { PluginArtifacts } from "../artifact/plugin-artifacts.ts";
import { SignaturePolicy, type SignatureSettings } from "../artifact/signature-policy.ts";
import { loadBuiltinPlugins } from "../builtin-plugins.ts";
import type { CanaryRecord } from "../canary/canaries.ts";
import type { PluginEvent } from "../call-runner.ts";
import { PluginHost } from "../plugin-host.ts";
import { PluginLogs } from "../plugin-logs.ts";
import { PluginManager, type PluginManagerDeps } from "../plugin-manager.ts";
import type { PluginOrderRecord, PluginRecord } from "../plugin-record.ts";
import { StateFolders } from "../state-folders.ts";
import { validatorPlugin } from "../validator/validator-plugin.ts";
import { validatorRules } from "../validator/validator-rules.ts";

export const checks = compileBodyChecks();

export interface Daemon {
  host: PluginHost;
  manager: PluginManager;
  events: PluginEvent[];
  logs: PluginLogs;
  close(): Promise<void>;
}

export interface Home {
  root: string;
  /** `validator`: the words of its `--validator`. */
  daemon(changes?: Partial<PluginManagerDeps>, options?: { validator?: readonly string[] }): Promise<Daemon>;
  /** A folder with a plugin whose preCreate sets the host name. */
  plugin(name: string, options?: PluginOptions): string;
}

interface PluginOptions {
  version?: string;
  hostname?: string;
  pouch?: Record<string, unknown>;
  code?: string;
}

/** Plugins in registries on loopback. */
export function artifactsOf(signatures: SignatureSettings, options: { timeoutMs?: number } = {}): PluginArtifacts {
  const registries = testRegistrySettings;
  return new PluginArtifacts({ registries, naming: dockerNaming, signatures: new SignaturePolicy(signatures), ...options });
}

/** A folder of its own for daemons' plugins, and the daemons in it, which end with the test. */
export function home(t: TestContext): Home {
  const root = mkdtempSync(join(tmpdir(), "pm-"));
  const running = new Set<Daemon>();
  t.after(async () => {
    for (const daemon of running) await daemon.close();
    rmSync(root, { recursive: true, force: true });
  });
  return {
    root,
    async daemon(changes = {}, { validator } = {}) {
      const store = Store.open(join(root, "store.db"));
      const events: PluginEvent[] = [];
      const quiet = (): void => undefined;
      const logs = new PluginLogs({ logOf: () => ({ debug: quiet, info: quiet, warn: quiet, error: quiet }) });
      const supervisorOf = (): Supervisor => ({ start: () => assert.fail("no assistants in this test") });
      const states = new StateFolders({ parent: join(root, "state"), logOf: logs.logOf });
      const host = new PluginHost({
        checks,
        logOf: logs.logOf,
        supervisorOf,
        stateDirectoryOf: (plugin) => states.of(plugin),
        events: { publish: (event) => void events.push(event) },
        journal: changes.journal,
      });
      const settings = { configuration: {}, environment: {} };
      const manifest = parseManifest({
        name: "compiled-in",
        version: "1.0.0",
        pouch: { api: "1", points: ["container.preCreate"], priority: -1 },
      });
      const plugin = { preCreate: (config: { Domainname?: string }) => void (config.Domainname = "built-in") };
      host.add(new InProcessPlugin({ manifest, registrations: [{ kind: "container", plugin }], settings }));
      const plugins = validator === undefined ? [] : [validatorPlugin(validatorRules(validator))];
      await loadBuiltinPlugins({ host, plugins, configurationOf: () => undefined, environment: {} });
      const manager = new PluginManager({
        host,
        logs,
        records: store.collection<PluginRecord>("plugins"),
        orders: store.collection<PluginOrderRecord>("plugin-order"),
        canaries: store.collection<CanaryRecord>("plugin-canaries"),
        directory: join(root, "installed"),
        states,
        artifacts: artifactsOf({ keys: [], required: false }),
        runtimeDirectory: join(root, "run"),
        childCommand: (directory) => ({
          command: process.execPath,
          args: [join(import.meta.dirname, "../conformance/run-child.ts"), directory],
        }),
        environment: process.env,
        configurationOf: () => undefined,
        stopAssistants: async () => undefined,
        rebuildRoutes: async () => void (await host.updateHandlers([{ method: "GET", path: "/info", handler: () => undefined }])),
        publish: (event) => void events.push(event),
        ...changes,
      });
      await manager.open();
      const daemon: Daemon = {
        host,
        manager,
        events,
        logs,
        close: async () => {
          if (!running.delete(daemon)) return;
          await manager.close();
          await store.close();
        },
      };
      running.add(daemon);
      return daemon;
    },
    plugin(name, options = {}) {
      const directory = join(root, "sources", name);
      mkdirSync(directory, { recursive: true });
      const pouch = { api: "^1.0.0", points: ["container.preCreate"], ...options.pouch };
      writeFileSync(
        join(directory, "package.json"),
        JSON.stringify({ name, version: options.version ?? "1.0.0", type: "module", exports: "./index.ts", pouch }),
      );
      const code = options.code ?? `preCreate(config) { config.Hostname = ${JSON.stringify(options.hostname ?? name)}; }`;
      writeFileSync(
        join(directory, "index.ts"),
        `import { registerContainerPlugin } from "@pouchcontainer/plugin-sdk";\nregisterContainerPlugin({ ${code} });\n`,
      );
      return directory;
    },
  };
}

/** The host name that a container gets. */
export async function hostname(daemon: Daemon): Promise<string | undefined> {
  return (await daemon.host.preCreate(sampleContainerConfig(), {})).Hostname;
}
