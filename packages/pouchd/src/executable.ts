/**
 * What the single executable begins with. It is small, so that a file worker is there at once; the daemon, a hundred times its
 * size, lies beside it with its compiled code and is loaded by whoever is not a worker. From source, `main.ts` is all of it.
 */
import { createRequire } from "node:module";
import { getRawAsset } from "node:sea";
import { daemonScript } from "./daemon-script.ts";
import { fileWorkerArgument } from "./file-worker-command.ts";
import { workOnFiles } from "./work-on-files.ts";

const [role, ...args] = process.argv.slice(2);
if (role === fileWorkerArgument) {
  workOnFiles(args).then(
    (status) => process.exit(status),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
} else {
  const module = { exports: {} };
  // Of ASCII alone (hack/build.ts sees to that): a byte a character in memory, and nothing to decode.
  const source = Buffer.from(getRawAsset("pouchd.cjs")).toString("latin1");
  const script = daemonScript(source, Buffer.from(getRawAsset("pouchd.cache")));
  // What the script evaluates to is the function that is its frame.
  const run = script.runInThisContext() as (exports: object, require: NodeJS.Require, module: object) => void;
  run(module.exports, createRequire(process.execPath), module);
}
