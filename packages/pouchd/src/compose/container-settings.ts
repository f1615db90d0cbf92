import { runcOptions } from "@pouchcontainer/containerd";
import type { ConfigSettings, ContainerDeps, SpecSettings } from "@pouchcontainer/engine";
import { invalidArgument } from "@pouchcontainer/errors";
import { runProgram } from "@pouchcontainer/owners";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Configuration } from "../config/options.ts";
import { findProgram } from "./find-program.ts";

export const logDrivers = ["json-file", "none"];

/** What the operator's flags mean for containers. */
export function containerSettings(
  configuration: Configuration,
  environment: NodeJS.ProcessEnv,
): {
  config: ConfigSettings;
  spec: SpecSettings;
  runtime: ContainerDeps["runtime"];
  runtimes: Record<string, string>;
  defaultRuntime: string;
  /** Where the runtime keeps what it knows of containers that run. */
  runtimeStates: string;
} {
  const logDriver = configuration["log-driver"];
  if (!logDrivers.includes(logDriver)) {
    throw invalidArgument(`--log-driver is one of ${logDrivers.join(", ")}, got "${logDriver}"`);
  }
  const cgroupDriver = configuration["cgroup-driver"] === "systemd" ? "systemd" : "cgroupfs";
  const defaultRuntime = configuration["default-runtime"];
  const programs = { runc: configuration["runtime-path"], ...configuration["add-runtime"] };
  const runtimes: Record<string, string> = Object.fromEntries(
    Object.entries(programs).map(([name, program]) => [name, findProgram(program, environment) ?? program]),
  );
  const initPath = findProgram(configuration["init-path"], environment);
  // Two daemons must not see each other's.
  const runtimeRoot = join(configuration["exec-root-dir"], "runc");
  // The shim puts containerd's namespace behind it.
  const runtimeStates = join(runtimeRoot, configuration["default-namespace"]);
  return {
    config: {
      runtimes: Object.keys(runtimes),
      defaultRuntime,
      logDrivers,
      defaultLogConfig: { Type: logDriver, Config: configuration["log-opt"] ?? {} },
      defaultShmSize: 64 * 1024 * 1024,
      defaultIpcMode: "private",
      defaultCgroupnsMode: "",
      cgroupDriver,
      defaultUlimits: [],
      hostname: hostname(),
      domainname: "",
      defaultStopTimeoutSeconds: 10,
    },
    spec: {
      cgroupDriver,
      cgroupParent: configuration["cgroup-parent"],
      initByDefault: false,
      defaultUlimits: [],
      // runc 1.1, which Debian 12 has, reads `rro`; the kernel's part is checked where the mount is made.
      recursiveReadOnly: true,
      ...(initPath !== undefined && { initPath }),
    },
    runtime: (name) => {
      const binaryName = runtimes[name];
      if (binaryName === undefined) throw invalidArgument(`unknown or invalid runtime name: ${name}`);
      return {
        name: "io.containerd.runc.v2",
        options: runcOptions({ binaryName, root: runtimeRoot, systemdCgroup: cgroupDriver === "systemd" }),
        forget: async (containerId) => {
          await runProgram(binaryName, ["--root", runtimeStates, "delete", "--force", containerId], { timeoutMs: 30_000 });
        },
      };
    },
    runtimes,
    defaultRuntime,
    runtimeStates,
  };
}
