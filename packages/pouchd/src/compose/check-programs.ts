import { invalidArgument } from "@pouchcontainer/errors";
import { existsSync } from "node:fs";
import { optionTable, type Configuration } from "../config/options.ts";
import { findProgram } from "./find-program.ts";

/** Refuses what is not on this machine, where a container would be the first to miss it. */
export function checkPrograms(configuration: Configuration, environment: NodeJS.ProcessEnv): void {
  const runtime = configuration["runtime-path"];
  if (findProgram(runtime, environment) === undefined)
    throw invalidArgument(
      `--runtime-path: ${runtime} is no program on this machine: install the package runc, or name the binary`,
    );
  for (const [name, program] of Object.entries(configuration["add-runtime"] ?? {}))
    if (findProgram(program, environment) === undefined)
      throw invalidArgument(`--add-runtime: ${program}, for ${name}, is no program on this machine: name the binary`);
  const init = configuration["init-path"];
  // Without the one that is taken when none is named, containers with --init are refused and others run.
  if (init !== optionTable["init-path"].default && findProgram(init, environment) === undefined)
    throw invalidArgument(`--init-path: ${init} is no program on this machine: install the package tini, or name the binary`);
  // As runc asks whether systemd runs.
  if (configuration["cgroup-driver"] === "systemd" && !existsSync("/run/systemd/system"))
    throw invalidArgument("--cgroup-driver: systemd does not run on this machine: take cgroupfs");
}
