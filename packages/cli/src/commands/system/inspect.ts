import type { EngineClient, Query } from "../../client/engine-client.ts";
import { isDaemonStatus } from "../../cli-error.ts";
import { defineCommand, minArgs } from "../../command.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";
import { NoSuchObject, printObjects } from "../inspect-objects.ts";

/** Where each type of object is found, in the order in which a bare name is looked for. */
const places: Readonly<Record<string, (name: string) => string>> = {
  container: (name) => `/containers/${name}/json`,
  image: (name) => `/images/${name}/json`,
  network: (name) => `/networks/${name}`,
  volume: (name) => `/volumes/${name}`,
  plugin: (name) => `/plugins/${name}/json`,
};

export const command = defineCommand({
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  args: minArgs(1),
  flags: {
    format: text("Print with a Go template, or as 'json'", { short: "f" }),
    size: bool("Display total file sizes if the type is container", { short: "s" }),
    type: text("Only inspect objects of the given type", { choices: Object.keys(places) }),
  },
  examples: [
    { does: "Everything about a container, image, network, volume or plugin", run: "pouch inspect web" },
    { does: "One fact", run: "pouch inspect -f '{{.State.Status}} {{.NetworkSettings.IPAddress}}' web" },
  ],
  async run(context, { flags, args }) {
    const types = flags.type === undefined ? Object.keys(places) : [flags.type];
    return await printObjects(
      context,
      args,
      flags.format,
      async (engine, name) => await findAny(engine, types, name, flags.size ? { size: 1 } : {}),
    );
  },
});

async function findAny(engine: EngineClient, types: readonly string[], name: string, query: Query): Promise<string> {
  for (const type of types) {
    const place = places[type];
    if (place === undefined) continue;
    try {
      return await (await engine.get(place(inPath(name)), { query: type === "container" ? query : {} })).text();
    } catch (error) {
      // Not of this type, or a daemon that does not have the type: the next one.
      if (types.length === 1 ? !isDaemonStatus(error, 404) : !isDaemonStatus(error, 400, 404, 501)) throw error;
    }
  }
  throw new NoSuchObject(types.length === 1 ? `Error: No such ${types[0]}: ${name}` : `Error: No such object: ${name}`);
}
