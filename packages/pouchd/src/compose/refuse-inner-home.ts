import { failedPrecondition } from "@pouchcontainer/errors";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { Configuration } from "../config/options.ts";
import { storeFile } from "./store-file.ts";
import { trueFolder } from "./true-folder.ts";

/** Refuses folders within the home of a daemon, whether it runs or not: it would take what is in them for its own. */
export function refuseInnerHome(configuration: Configuration): void {
  const home = trueFolder(configuration["home-dir"]);
  for (const option of ["home-dir", "exec-root-dir"] as const) {
    const folder = trueFolder(configuration[option]);
    for (let above = dirname(folder); above !== dirname(above); above = dirname(above))
      if (above !== home && existsSync(storeFile(above)))
        throw failedPrecondition(
          `--${option}: ${folder} lies in ${above}, the home of another daemon (its records are in ${storeFile(above)}): name a folder outside of it`,
        );
  }
}
