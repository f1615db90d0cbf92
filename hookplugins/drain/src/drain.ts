import { invalidArgument, registerContainerPlugin, type ContainerInspect } from "@pouchcontainer/plugin-sdk";
import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/** What the manifest's configuration schema lets through. */
interface Configuration {
  command?: [string, ...string[]];
  seconds?: number;
}

/** The manifest's filter lets only containers with the label come here, and its `timeoutMs` is how long the stop waits at most. */
registerContainerPlugin({
  async preStop(container, { configuration, signal, log }) {
    // Checked by the daemon against the schema in package.json.
    const { command, seconds = 5 } = configuration as Configuration;
    const service = container.Config.Labels?.["drain.service"] ?? "";
    // It becomes a word of a command: whoever makes a container is not to give that options.
    if (!/^\w[\w.-]*$/.test(service)) throw invalidArgument(`label drain.service must be a name, got "${service}"`);
    if (command !== undefined) {
      const [program, ...args] = command;
      const name = container.Name.slice(1);
      // Without a shell, and ended when the deadline passes.
      await promisify(execFile)(program, [...args, service, name, ...addressesOf(container)], { signal });
      log.info(`${name} is out of ${service}`);
    }
    await sleep(seconds * 1000, undefined, { signal });
  },
});

function addressesOf({ NetworkSettings }: Readonly<ContainerInspect>): string[] {
  return Object.values(NetworkSettings.Networks).flatMap(({ IPAddress }) => IPAddress || []);
}
