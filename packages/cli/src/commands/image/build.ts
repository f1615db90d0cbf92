import { writeFile } from "node:fs/promises";
import type { CliContext } from "../../context.ts";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import { parseUlimit } from "../../container/resource-parsers.ts";
import { bool, each, int, list, parsed, text, type FlagValues } from "../../flags/flag-types.ts";
import { parseBytes, parseBytesOrUnlimited } from "../../flags/value-parsers.ts";
import { buildContext } from "../../image/build-context.ts";
import { allCredentials, encodeAuth } from "../../image/credentials.ts";
import { platformQuery } from "../../image/platform.ts";
import { postWithProgress } from "../../progress-stream.ts";

const bytes = { placeholder: "bytes" };

const flags = {
  "add-host": list("Add a custom host-to-IP mapping (host:ip)"),
  "build-arg": list("Set build-time variables; without a value the environment's"),
  "cache-from": list("Images whose steps may be taken up though they were not built here"),
  "cgroup-parent": text("Parent cgroup for the containers of RUN"),
  "cpu-period": int("Limit CPU CFS (Completely Fair Scheduler) period, in microseconds"),
  "cpu-quota": int("Limit CPU CFS (Completely Fair Scheduler) quota, in microseconds"),
  "cpu-shares": int("CPU shares (relative weight)", { short: "c" }),
  "cpuset-cpus": text("CPUs in which to allow execution (0-3, 0,1)"),
  "cpuset-mems": text("MEMs in which to allow execution (0-3, 0,1)"),
  file: text("Name of the Dockerfile (default: PATH/Dockerfile), - for standard input", { short: "f" }),
  "force-rm": bool("Remove the containers of RUN in any case"),
  iidfile: text("Write the image ID to the file"),
  label: list("Set meta data on the image"),
  memory: parsed("Memory limit", parseBytes, { short: "m", ...bytes }),
  "memory-swap": parsed("Memory and swap together, -1 for unlimited swap", parseBytesOrUnlimited, bytes),
  network: text("Networking mode for RUN"),
  "no-cache": bool("Do all steps anew"),
  platform: text("Platform of the image"),
  pull: bool("Pull the images it begins with though they are here"),
  quiet: bool("Print the image ID alone", { short: "q" }),
  rm: bool("Remove the containers of RUN that went well", { default: true }),
  "shm-size": parsed("Size of /dev/shm", parseBytes, bytes),
  tag: list("Name and optionally a tag (name:tag)", { short: "t" }),
  target: text("Last stage to build"),
  ulimit: each("Ulimit options", parseUlimit),
};

export const command = defineCommand({
  usage: "[OPTIONS] PATH | URL | -",
  description:
    "PATH is a folder with a Dockerfile, sent without what its .dockerignore leaves out; URL the address of an archive or of a Dockerfile; - takes one of them from standard input.",
  args: exactArgs(1),
  flags,
  examples: [
    { does: "Of a folder", run: "pouch build -t web:1 ." },
    { does: "One stage, with an argument", run: "pouch build -t web:test --target test --build-arg VERSION=2 ." },
    { does: "A Dockerfile by itself", run: "pouch build -t small - < Dockerfile" },
  ],
  async run(context, { args, flags: given }) {
    const { body, remote, dockerfile } = await buildContext(argument(args, 0), given.file, context.stdin());
    let id: string | undefined;
    await postWithProgress(
      context,
      "/build",
      {
        query: { ...queryOf(context, given), remote, dockerfile },
        headers: { "X-Registry-Config": encodeAuth(allCredentials(context)) },
        ...(body && { body }),
      },
      context.out,
      (aux) => (id = idOf(aux) ?? id),
    );
    if (given.iidfile !== undefined && id !== undefined) await writeFile(given.iidfile, id);
  },
});

function queryOf({ env }: CliContext, given: FlagValues<typeof flags>): Record<string, string | number | string[] | undefined> {
  const flag = (value: boolean): number => (value ? 1 : 0);
  return {
    t: given.tag,
    q: flag(given.quiet),
    nocache: flag(given["no-cache"]),
    pull: flag(given.pull),
    rm: flag(given.rm),
    forcerm: flag(given["force-rm"]),
    buildargs: JSON.stringify(Object.fromEntries(given["build-arg"].map((word) => pairOf(word, env)))),
    labels: JSON.stringify(
      Object.fromEntries(given.label.map((word) => pairOf(word, {})).map(([key, value]) => [key, value ?? ""])),
    ),
    cachefrom: JSON.stringify(given["cache-from"]),
    target: given.target,
    platform: platformQuery(given.platform),
    networkmode: given.network,
    extrahosts: given["add-host"],
    cgroupparent: given["cgroup-parent"],
    cpuperiod: given["cpu-period"],
    cpuquota: given["cpu-quota"],
    cpushares: given["cpu-shares"],
    cpusetcpus: given["cpuset-cpus"],
    cpusetmems: given["cpuset-mems"],
    memory: given.memory,
    memswap: given["memory-swap"],
    shmsize: given["shm-size"],
    ulimits: given.ulimit.length > 0 ? JSON.stringify(given.ulimit) : undefined,
  };
}

/** `name=value`, or a name whose value is the environment's. */
function pairOf(word: string, env: Record<string, string | undefined>): [string, string | null] {
  const at = word.indexOf("=");
  return at === -1 ? [word, env[word] ?? null] : [word.slice(0, at), word.slice(at + 1)];
}

function idOf(aux: unknown): string | undefined {
  const { ID: id } = (typeof aux === "object" && aux !== null ? aux : {}) as { ID?: unknown };
  return typeof id === "string" ? id : undefined;
}
