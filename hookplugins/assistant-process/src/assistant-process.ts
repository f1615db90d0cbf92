import { registerDaemonPlugin, type AssistantHandle } from "@pouchcontainer/plugin-sdk";

/** What the manifest's configuration schema lets through. */
interface Configuration {
  command?: [string, ...string[]];
  environment?: Record<string, string>;
}

let assistant: AssistantHandle | undefined;

registerDaemonPlugin({
  async preStartHook({ supervisor, configuration, log }) {
    // Checked by the daemon against the schema in package.json.
    const { command = ["sleep", "infinity"], environment = {} } = configuration as Configuration;
    const [program, ...args] = command;
    assistant = await supervisor.start({ name: "assistant", command: program, args, env: environment });
    log.info(`assistant process ${assistant.pid} is up`);
  },

  async preStopHook({ log }) {
    // The daemon would end it anyway, after this hook; stopping it here shows how to do so in an order of one's own.
    await assistant?.stop();
    log.info("assistant process is stopped");
  },
});
