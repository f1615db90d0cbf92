import { defaultAnswerBounds, parseManifest } from "@pouchcontainer/plugin-sdk/host";
import type { ContainerCreateConfig } from "@pouchcontainer/api";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { InstalledPlugin } from "../../packages/engine/src/plugin-host/installed/installed-plugin.ts";

/** Members that a body has besides those that are counted here. */
const besides = 100;
const { bytes, values } = defaultAnswerBounds;

const records = (text: string): [string, string][] =>
  Array.from({ length: values - besides }, (_, index) => [`label-${index}`, text]);

/** Bodies as large as an answer may be, each in another way. */
const changes: Record<string, Partial<ContainerCreateConfig>> = {
  "40,000 labels, 16 MiB": { Labels: Object.fromEntries(records("v".repeat(bytes / values - 25))) },
  "40,000 variables": { Env: records("1").map((pair) => pair.join("=")) },
  "one label of 16 MiB": { Labels: { long: "x".repeat(bytes - 1000) } },
  "one of line ends": { Labels: { long: "\n".repeat(bytes / 2 - 1000) } },
  "9,000 ports": {
    HostConfig: {
      PortBindings: Object.fromEntries(Array.from({ length: 9000 }, (_, port) => [`${port}/tcp`, [{ HostPort: "1" }]])),
    },
  },
};

export const boundAnswers: readonly string[] = Object.keys(changes);

/** A program that answers with the body that `Image` names; what it sends is made beforehand. */
export async function startAnswering(directory: string): Promise<InstalledPlugin> {
  const base = { Image: "x", HostConfig: {} };
  for (const [index, name] of boundAnswers.entries())
    writeFileSync(join(directory, `${index}.json`), JSON.stringify({ config: { ...base, ...changes[name] } }));
  writeFileSync(
    join(directory, "plugin.mjs"),
    `import { readFileSync } from "node:fs";
     import { createServer } from "node:http";
     const answers = [${boundAnswers.map((_, index) => `readFileSync("${index}.json")`).join(", ")}];
     const activate = JSON.stringify({ Implements: ["pouch.container/1"] });
     createServer(async (request, response) => {
       let body = "";
       for await (const chunk of request) body += chunk;
       response.end(request.url === "/Plugin.Activate" ? activate : answers[JSON.parse(body).config.Image]);
     }).listen(process.env.POUCH_PLUGIN_SOCKET);`,
  );
  const quiet = (): void => undefined;
  return InstalledPlugin.start({
    manifest: parseManifest({
      name: "bounds",
      version: "1.0.0",
      pouch: { api: "1", points: ["container.preCreate"], command: [process.execPath, "plugin.mjs"], timeoutMs: 60_000 },
    }),
    directory,
    configuration: {},
    environment: {},
    childCommand: () => ({ command: process.execPath, args: [] }),
    runtimeDirectory: directory,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
}
