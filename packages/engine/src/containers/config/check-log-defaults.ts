import { invalidArgument, messageChain } from "@pouchcontainer/errors";
import { checkLogConfig } from "../logs/log-options.ts";
import type { ConfigSettings } from "./config-settings.ts";
import { normaliseLogConfig } from "./verify-log-config.ts";

/** Refuses defaults with which every create that says nothing of logs would fail. */
export function checkLogDefaults(settings: ConfigSettings): void {
  const { Type = "", Config = {} } = settings.defaultLogConfig;
  try {
    normaliseLogConfig(undefined, settings);
    checkLogConfig(Type, Config, { labels: {}, env: [] });
  } catch (cause) {
    throw invalidArgument(`--log-driver ${Type} with its --log-opt cannot be: ${messageChain(cause)}`, { cause });
  }
}
