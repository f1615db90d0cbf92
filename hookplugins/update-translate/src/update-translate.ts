import {
  getEnv,
  invalidArgument,
  jsonStream,
  readJson,
  registerContainerPlugin,
  setEnv,
  writeInRootfs,
} from "@pouchcontainer/plugin-sdk";

/** An update as the old client sends it: `{ "legacy": { "mem_mb": 64, "cpu_percent": 150 } }`, beside what the API knows. */
interface LegacyUpdate {
  legacy?: { mem_mb?: unknown; cpu_percent?: unknown };
}

/** The variables in which the container is told its limits. */
const variables = { memory: "LIMIT_MEMORY_BYTES", cpu: "LIMIT_CPU_PERCENT" };

registerContainerPlugin({
  async preUpdate(body) {
    // Anything may be in a body that nothing has decoded yet; the members are checked one by one.
    const { legacy, ...update } = ((await readJson(body)) ?? {}) as LegacyUpdate & Record<string, unknown>;
    if (legacy === undefined) return jsonStream(update);
    const env = Array.isArray(update["Env"]) ? update["Env"].map(String) : [];
    if (legacy.mem_mb !== undefined) {
      const memoryBytes = positive("legacy.mem_mb", legacy.mem_mb) * 1024 * 1024;
      // As a create without a word about swap: as much of it as memory. A new limit may not be above the old sum of both.
      Object.assign(update, { Memory: memoryBytes, MemorySwap: update["MemorySwap"] ?? memoryBytes * 2 });
      setEnv(env, variables.memory, String(memoryBytes));
    }
    if (legacy.cpu_percent !== undefined) {
      const percent = positive("legacy.cpu_percent", legacy.cpu_percent);
      update["NanoCpus"] = percent * 10_000_000;
      setEnv(env, variables.cpu, String(percent));
    }
    return jsonStream({ ...update, Env: env });
  },

  /** Programs in the container read their limits from a file; the update has just changed the variables it is made of. */
  async postUpdate(rootfs, env) {
    const lines = Object.values(variables).flatMap((name) => {
      const value = getEnv(env, name);
      return value === undefined ? [] : [`${name}=${value}\n`];
    });
    if (lines.length > 0) await writeInRootfs(rootfs, "/etc/limits.env", lines.join(""));
  },
});

function positive(field: string, value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0)
    throw invalidArgument(`${field} must be a number above 0, got ${JSON.stringify(value)}`);
  return value;
}
