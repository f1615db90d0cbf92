import { getEnv, jsonStream, readJson, registerContainerPlugin, setEnv, invalidArgument } from "@pouchcontainer/plugin-sdk";
import { lstat, mkdir, realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";

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
      update["Memory"] = positive("legacy.mem_mb", legacy.mem_mb) * 1024 * 1024;
      setEnv(env, variables.memory, String(update["Memory"]));
    }
    if (legacy.cpu_percent !== undefined) {
      update["NanoCpus"] = positive("legacy.cpu_percent", legacy.cpu_percent) * 10_000_000;
      setEnv(env, variables.cpu, String(legacy.cpu_percent));
    }
    return jsonStream({ ...update, Env: env });
  },

  /** Programs in the container read their limits from a file; the update has just changed the variables it is made of. */
  async postUpdate(rootfs, env) {
    const lines = Object.values(variables).flatMap((name) => {
      const value = getEnv(env, name);
      return value === undefined ? [] : [`${name}=${value}\n`];
    });
    if (lines.length > 0) await writeInRootfs(rootfs, "limits.env", lines.join(""));
  },
});

/** Writes /etc/NAME of the container. Its own processes may have made links there: none of them may lead the daemon out of the rootfs. */
async function writeInRootfs(rootfs: string, name: string, content: string): Promise<void> {
  const root = await realpath(rootfs);
  const directory = join(root, "etc");
  await mkdir(directory, { recursive: true });
  if ((await realpath(directory)) !== directory)
    throw invalidArgument("/etc of the container is a link; its limits are not written");
  const file = join(directory, name);
  if ((await lstat(file).catch(() => undefined))?.isSymbolicLink() === true)
    throw invalidArgument(`/etc/${name} of the container is a link; it is not written`);
  await writeFile(file, content);
}

function positive(field: string, value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0)
    throw invalidArgument(`${field} must be a number above 0, got ${JSON.stringify(value)}`);
  return value;
}
