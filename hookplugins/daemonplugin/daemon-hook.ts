import { registerDaemonPlugin, type DaemonCall, type DaemonPlugin } from "@pouchcontainer/plugin-sdk";

/** The smallest daemon plugin: it says that it was called. */
class LoggingDaemonPlugin implements DaemonPlugin {
  preStartHook({ log }: DaemonCall): void {
    log.info("pre-start hook in daemon is called");
  }

  preStopHook({ log }: DaemonCall): void {
    log.info("pre-stop hook in daemon is called");
  }
}

registerDaemonPlugin(new LoggingDaemonPlugin());
