import type { Plugin, PluginCanary, PluginLeaving, PluginPermissionFacts } from "@pouchcontainer/api";
import type { PluginManifest } from "@pouchcontainer/plugin-sdk";
import { implementsName, splitPoint, type PluginOrigin } from "@pouchcontainer/plugin-sdk/host";
import { createHash } from "node:crypto";
import type { PluginPlace } from "./plugin-record.ts";
import { topPriority } from "./plugin-registry.ts";
import type { PluginMode } from "./shadow/plugin-mode.ts";

/** A plugin as the operator sees it. */
export interface PluginFacts {
  manifest: PluginManifest;
  origin: PluginOrigin;
  enabled: boolean;
  mode: PluginMode;
  /** `running`, `restarting`, `failed`, `disabled`; `held back` when it is enabled and the daemon in safe mode. */
  state: string;
  place: PluginPlace;
  /** Where it is not called for a while, and why. */
  openCircuits: readonly { Point: string; Reason: string }[];
  /** The new version that takes a share of its calls. */
  canary: PluginCanary | undefined;
  /** Versions that take no more calls. */
  leaving: readonly PluginLeaving[];
  permissions: PluginPermissionFacts;
  /** Whether its process is in the host's network, or the daemon's. */
  reachesNetwork: boolean;
  details: Record<string, unknown>;
}

/** The same in Docker's shape, as `docker plugin ls` and `inspect` read it, with `Pouch` added. */
export function describePlugin(facts: PluginFacts): Plugin {
  const { manifest, origin, enabled, mode, state, place, openCircuits, canary, leaving, permissions, reachesNetwork, details } =
    facts;
  // Keys of the manifest's points are points.
  const points = Object.keys(manifest.points) as (keyof typeof manifest.points)[];
  const types = [...new Set(points.map((point) => implementsName(splitPoint(point).kind)))];
  const policies = [...new Set(Object.values(manifest.points).map((point) => point.failurePolicy))];
  return {
    Id: pluginId(manifest.name),
    Name: manifest.name,
    Enabled: enabled,
    Settings: { Mounts: [], Env: [], Args: [], Devices: [] },
    PluginReference: place.source ?? `${manifest.name}@${manifest.version}`,
    Config: {
      Description: manifest.description,
      Documentation: "",
      Interface: { Types: types, Socket: origin === "installed" ? "plugin.sock" : "" },
      Entrypoint: manifest.command ?? [],
      WorkDir: "",
      Network: { Type: reachesNetwork ? "host" : "none" },
      Linux: { Capabilities: [], AllowAllDevices: false, Devices: [] },
      PropagatedMount: "",
      IpcHost: true,
      PidHost: true,
      Mounts: [],
      Env: manifest.environment.map((name) => ({ Name: name, Description: "", Settable: null, Value: null })),
      Args: { Name: "", Description: "", Settable: null, Value: [] },
    },
    Pouch: {
      Version: manifest.version,
      Origin: origin,
      Points: points,
      Priority: topPriority(manifest),
      FailurePolicy: policies.join(","),
      Mode: mode,
      State: state,
      Permissions: permissions,
      Canary: canary ?? null,
      Leaving: [...leaving],
      OpenCircuits: [...openCircuits],
      Digest: place.digest ?? null,
      Signature: place.signature ?? null,
      Details: details,
    },
  };
}

/** 64 hexadecimal digits, as Docker's ids are; the same for one name on every host. */
export function pluginId(name: string): string {
  return createHash("sha256").update(`plugin:${name}`).digest("hex");
}
