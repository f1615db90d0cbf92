import { registerContainerPlugin, type ContainerInspect, type PluginCall } from "@pouchcontainer/plugin-sdk";
import { appendFile } from "node:fs/promises";

/** What the manifest's configuration schema lets through. */
interface Configuration {
  file?: string;
  labels?: string[];
}

/** Appends one line; the file is opened for it anew, so that it may be moved away at any time. */
async function note(container: Readonly<ContainerInspect>, what: object, { configuration }: PluginCall): Promise<void> {
  // Checked by the daemon against the schema in package.json.
  const { file = "/var/log/pouch-audit.jsonl", labels = ["owner"] } = configuration as Configuration;
  const { Id, Name, Config } = container;
  const whose = Object.fromEntries(labels.flatMap((label) => (Config.Labels?.[label] ? [[label, Config.Labels[label]]] : [])));
  const line = { ...what, id: Id, name: Name.slice(1), image: Config.Image, ...whose };
  await appendFile(file, `${JSON.stringify(line)}\n`, { mode: 0o600 });
}

/** Nothing waits for these: of one container they come in the order of what happened, each with the container as it was then. */
registerContainerPlugin({
  async postCreate(container, call) {
    await note(container, { at: container.Created, what: "created" }, call);
  },

  async postStart(container, call) {
    await note(container, { at: container.State.StartedAt, what: "started" }, call);
  },

  async postStop(container, { exitCode, oomKilled }, call) {
    await note(container, { at: container.State.FinishedAt, what: "ended", exitCode, oomKilled }, call);
  },
});
