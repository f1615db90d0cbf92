#!/usr/bin/env node
import { runCli } from "./cli.ts";
import { processHost } from "./process-host.ts";

// `process.exit` and not an open end: waiting for handles to close costs a command like `ps` a third of its time.
void runCli(process.argv.slice(2), processHost(process)).then((status) => process.exit(status));
