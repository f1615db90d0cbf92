import { invalidArgument } from "@pouchcontainer/errors";
import type { Hooks } from "@pouchcontainer/oci";
import type { HostDevices } from "../spec/index.ts";
import type { CdiContainerEdits, CdiDeviceNode, CdiEdits, CdiSpec } from "./cdi-spec.ts";
import type { FoundCdiSpecs } from "./read-cdi-specs.ts";

const stages = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"] as const;

/** What devices by CDI name (`vendor.com/class=device`) add to a container. What a file says of all its devices comes once, and first. */
export function cdiEdits(names: readonly string[], found: FoundCdiSpecs, host: Pick<HostDevices, "node">): CdiEdits {
  const all: CdiContainerEdits[] = [];
  const used = new Set<CdiSpec>();
  for (const name of new Set(names)) {
    const { spec, edits } = deviceOf(name, found);
    if (!used.has(spec) && spec.containerEdits) all.push(spec.containerEdits);
    used.add(spec);
    all.push(edits);
  }
  return {
    env: all.flatMap(({ env = [] }) => env),
    devices: all.flatMap(({ deviceNodes = [] }) => deviceNodes.map((node) => deviceNode(node, host))),
    mounts: all.flatMap(({ mounts = [] }) =>
      mounts.map(({ hostPath, containerPath, options = ["rbind"], type = "bind" }) => ({
        destination: containerPath,
        type,
        source: hostPath,
        options,
      })),
    ),
    hooks: all.flatMap(({ hooks = [] }) =>
      hooks.map(({ hookName, path, args, env, timeout }) => ({
        stage: stageOf(hookName),
        hook: { path, ...(args ? { args } : {}), ...(env ? { env } : {}), ...(timeout ? { timeout } : {}) },
      })),
    ),
    additionalGids: all.flatMap(({ additionalGids = [] }) => additionalGids),
  };
}

function deviceOf(name: string, { specs, failures }: FoundCdiSpecs): { spec: CdiSpec; edits: CdiContainerEdits } {
  const [kind, device] = name.split("=", 2);
  const known = specs.flatMap(({ folder, spec }) =>
    spec.kind === kind
      ? spec.devices.flatMap((entry) => (entry.name === device ? [{ folder, spec, edits: entry.containerEdits ?? {} }] : []))
      : [],
  );
  const last = known.at(-1);
  if (!last) {
    const why = failures.length > 0 ? ` (${failures.join("; ")})` : "";
    throw invalidArgument(`CDI device injection failed: unresolvable CDI devices ${name}${why}`);
  }
  if (known.filter(({ folder }) => folder === last.folder).length > 1)
    throw invalidArgument(`CDI device injection failed: more than one file in ${last.folder} defines ${name}`);
  return last;
}

/** What the file leaves out is asked of the host's node. */
function deviceNode(node: CdiDeviceNode, host: Pick<HostDevices, "node">): CdiEdits["devices"][number] {
  const there = node.type === undefined || node.major === undefined ? host.node(node.hostPath ?? node.path) : undefined;
  const type = node.type ?? there?.type;
  const major = node.major ?? there?.major;
  const minor = node.major === undefined ? there?.minor : (node.minor ?? 0);
  if ((type !== "c" && type !== "b" && type !== "u" && type !== "p") || major === undefined || minor === undefined)
    throw invalidArgument(`CDI device injection failed: "${node.hostPath ?? node.path}" is no device node of this machine`);
  const fileMode = node.fileMode ?? there?.mode;
  const uid = node.uid ?? there?.uid;
  const gid = node.gid ?? there?.gid;
  return {
    device: {
      path: node.path,
      type,
      major,
      minor,
      ...(fileMode === undefined ? {} : { fileMode }),
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    },
    access: node.permissions || "rwm",
  };
}

function stageOf(name: string): keyof Hooks {
  const stage = stages.find((known) => known === name);
  if (!stage) throw invalidArgument(`CDI device injection failed: no such hook: ${name}`);
  return stage;
}
