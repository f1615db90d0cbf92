import type { Plugin, PluginPermissionFacts, PluginPermissionsReport } from "@pouchcontainer/api";
import { invalidArgument, notFound } from "@pouchcontainer/errors";
import type { PluginManifest, PointName } from "@pouchcontainer/plugin-sdk";
import type { PluginInstance } from "@pouchcontainer/plugin-sdk/host";
import type { Collection } from "../store/index.ts";
import { reachesNetwork } from "./confinement/network-access.ts";
import type { TriedVersion } from "./canary/canaries.ts";
import { describePlugin, pluginId } from "./describe-plugin.ts";
import { FailedPlugin } from "./failed-plugin.ts";
import { InstalledPlugin } from "./installed/installed-plugin.ts";
import type { LeavingVersions } from "./leaving-versions.ts";
import type { PluginHost } from "./plugin-host.ts";
import { permissionFacts } from "./permissions/permission-facts.ts";
import { legibleManifestOf, originOf, type PluginRecord } from "./plugin-record.ts";
import type { PluginMode } from "./shadow/plugin-mode.ts";

export interface PluginCatalogueDeps {
  host: PluginHost;
  records: Collection<PluginRecord>;
  /** Instances of built-in plugins, which are kept while they are disabled. */
  builtin: ReadonlyMap<string, PluginInstance>;
  leaving: LeavingVersions;
  /** The new version that takes a share of a plugin's calls. */
  tried: (name: string) => TriedVersion | undefined;
  safeMode: boolean;
}

/** Which plugins there are, installed or built in, by what names, and how each is. */
export class PluginCatalogue {
  readonly #deps: PluginCatalogueDeps;

  constructor(deps: PluginCatalogueDeps) {
    this.#deps = deps;
  }

  list(filters: Record<string, string[]> = {}): Plugin[] {
    const unknown = Object.keys(filters).find((key) => key !== "enabled" && key !== "capability");
    if (unknown !== undefined) throw invalidArgument(`invalid filter '${unknown}'`);
    const wanted = filters["enabled"]?.map((value) => value === "true" || value === "1");
    const kinds = filters["capability"];
    return this.#names()
      .map((name) => this.describe(name))
      .filter((plugin) => wanted === undefined || wanted.includes(plugin.Enabled))
      .filter(
        (plugin) =>
          kinds === undefined || kinds.some((kind) => plugin.Config.Interface.Types.some((type) => type.includes(kind))),
      );
  }

  #names(): string[] {
    const names = new Set([
      ...this.#deps.builtin.keys(),
      ...[...this.#deps.records.values()].filter((one) => one.installed !== undefined).map((one) => one.name),
    ]);
    return [...names].toSorted();
  }

  /** A plugin by name, with `:latest` as Docker's client may add it, or by the beginning of its id. */
  resolve(ref: string): string {
    const names = this.#names();
    const name = ref.replace(/:latest$/, "");
    const found =
      names.find((one) => one === name) ??
      (/^[0-9a-f]{4,64}$/.test(ref) ? names.find((one) => pluginId(one).startsWith(ref)) : undefined);
    if (found === undefined) throw notFound(`plugin "${ref}" not found`);
    return found;
  }

  manifest(name: string): { manifest: PluginManifest; problem?: string } {
    const builtin = this.#deps.builtin.get(name);
    if (builtin !== undefined) return { manifest: builtin.manifest };
    const record = this.#deps.records.get(name);
    if (record === undefined) throw notFound(`plugin "${name}" not found`);
    return legibleManifestOf(record);
  }

  isInChains(name: string): boolean {
    return this.#deps.host.registry.get(name) !== undefined;
  }

  /** Whether it is called, or will be by a daemon that is not in safe mode. */
  isEnabled(name: string): boolean {
    if (!this.#deps.safeMode) return this.isInChains(name);
    return this.#deps.records.get(name)?.enabled ?? this.#deps.builtin.has(name);
  }

  /** As the operator wishes it. */
  modeOf(name: string): PluginMode {
    return this.#deps.records.get(name)?.mode ?? "active";
  }

  permissions(name: string): PluginPermissionsReport {
    const instance = this.#deps.host.registry.get(name)?.instance;
    const observed = instance && this.#deps.host.registry.observedOf(instance);
    const tried = this.#deps.tried(name);
    return {
      ...this.#permissionFacts(name),
      Canary: tried === undefined ? null : { Version: tried.facts.Version, ...this.#permissionsTried(tried) },
      Observed: observed?.permissions ?? {},
      ObservedMore: observed?.isCut ?? false,
    };
  }

  #permissionFacts(name: string): PluginPermissionFacts {
    const { manifest } = this.manifest(name);
    const { registry } = this.#deps.host;
    const instance = registry.get(name)?.instance;
    const narrowed = instance?.manifest.narrowed;
    return permissionFacts({
      manifest: narrowed === undefined ? manifest : { ...manifest, narrowed },
      record: this.#deps.records.get(name),
      observed: instance && registry.observedOf(instance),
    });
  }

  #permissionsTried({ instance, record }: TriedVersion): PluginPermissionFacts {
    return permissionFacts({ manifest: instance.manifest, record, observed: this.#deps.host.registry.observedOf(instance) });
  }

  describe(name: string): Plugin {
    const slot = this.#deps.host.registry.get(name);
    const record = this.#deps.records.get(name);
    const instance = slot?.instance;
    const enabled = this.isEnabled(name);
    const { manifest, problem = null } = this.manifest(name);
    const details: Record<string, unknown> = {
      CallsInFlight: slot?.callsInFlight ?? 0,
      Error: problem,
      Pid: null,
      Restarts: null,
    };
    let state = instance !== undefined ? "running" : enabled ? "held back" : "disabled";
    if (instance instanceof InstalledPlugin) {
      state = instance.isReady ? "running" : "restarting";
      Object.assign(details, { Pid: instance.pid ?? 0, Restarts: instance.restarts });
    } else if (instance instanceof FailedPlugin) {
      state = "failed";
      details["Error"] = instance.reason;
    }
    details["Points"] = manifest.points;
    const tried = this.#deps.tried(name);
    const origin = record === undefined || this.#deps.builtin.has(name) ? "built-in" : originOf(record);
    return describePlugin({
      manifest,
      origin,
      enabled,
      mode: this.modeOf(name),
      state,
      canary: tried && { ...tried.facts, Permissions: this.#permissionsTried(tried) },
      leaving: this.#deps.leaving.of(name),
      openCircuits: openCircuits(this.#deps.host, name),
      permissions: this.#permissionFacts(name),
      reachesNetwork: origin !== "installed" || reachesNetwork(instance?.manifest ?? manifest),
      details,
      place: record?.installed ?? {},
    });
  }
}

/** At which points it is not called, why, and what closes each circuit. */
function openCircuits(host: PluginHost, name: string): { Point: PointName; Reason: string }[] {
  return host.registry.linksOf(name).flatMap(([point, { breaker }]) => {
    const reason = breaker.opening;
    return reason === undefined ? [] : [{ Point: point, Reason: reason }];
  });
}
