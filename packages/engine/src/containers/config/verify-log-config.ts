import type { LogConfig } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import type { ConfigSettings } from "./config-settings.ts";

/** Options every driver takes beside its own. */
const commonOptions = ["mode", "max-buffer-size"];

const driverOptions: Record<string, readonly string[]> = {
  "json-file": ["max-file", "max-size", "compress", "labels", "labels-regex", "env", "env-regex", "tag"],
  local: ["max-file", "max-size", "compress"],
};

/** The request's log driver and options over the daemon's defaults, refused as dockerd refuses them. */
export function normaliseLogConfig(requested: LogConfig | undefined, settings: ConfigSettings): Required<LogConfig> {
  const fallback = settings.defaultLogConfig;
  const type = requested?.Type || fallback.Type || "json-file";
  const config = { ...(type === fallback.Type ? fallback.Config : {}), ...requested?.Config };

  const { mode = "" } = config;
  if (!["", "blocking", "non-blocking"].includes(mode)) throw invalidArgument(`logger: logging mode not supported: ${mode}`);
  if ("max-buffer-size" in config && mode !== "non-blocking")
    throw invalidArgument("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  if (!settings.logDrivers.includes(type))
    throw invalidArgument(`error looking up logging plugin ${type}: plugin "${type}" not found`);
  const known = driverOptions[type];
  for (const option of Object.keys(config))
    if (known !== undefined && !known.includes(option) && !commonOptions.includes(option))
      throw invalidArgument(`unknown log opt '${option}' for ${type} log driver`);
  return { Type: type, Config: config };
}
