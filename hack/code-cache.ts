/**
 * Compiles a script as the executable runs it and writes what V8 made of it: `node FLAGS hack/code-cache.ts SCRIPT OUTPUT`, with
 * the flags the executable has.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { daemonScript } from "../packages/pouchd/src/daemon-script.ts";

const [script = "", output = ""] = process.argv.slice(2);
writeFileSync(output, daemonScript(readFileSync(script, "utf8")).createCachedData());
