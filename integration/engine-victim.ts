/**
 * A daemon to be killed: starts the containers it is told (JSON on the command line), says their ids and then does nothing
 * until SIGKILL comes.
 */
import type { ContainerCreateConfig } from "@pouchcontainer/api";
import { EngineHarness } from "./engine-harness.ts";

const [root = "", requests = "[]"] = process.argv.slice(2);
const daemon = await EngineHarness.over(root).daemon();
const ids: string[] = [];
// Written by recovery.test.ts.
for (const { command, config } of JSON.parse(requests) as { command: string[]; config: Partial<ContainerCreateConfig> }[]) {
  const id = await daemon.create(command, config);
  await daemon.containers.start(id);
  ids.push(id);
}
console.log(JSON.stringify(ids));
setInterval(() => undefined, 1000);
