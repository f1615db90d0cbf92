import { internal } from "@pouchcontainer/errors";
import { lastWords, makeOpenFolders, outcomeOf, runProgram, startProgram, startTimeOf } from "@pouchcontainer/owners";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { groupFolders, hierarchiesOf, processesIn, removeGroup } from "../control-groups/control-groups.ts";
import { cgroupsPath } from "../containers/spec/index.ts";
import { killProcess } from "../kill-process.ts";
import { markVariable } from "../marked-processes.ts";

export interface PodInitDeps {
  /** Program of the runtime. */
  runc: string;
  /** A static busybox. */
  busybox: string;
  env: NodeJS.ProcessEnv;
  cgroupDriver: "cgroupfs" | "systemd";
  /** Text of `/proc/self/mountinfo`. */
  mountInfo(): string;
}

/** What the process is and has of its pod. */
export interface PodInit {
  id: string;
  /** Bundle and state. */
  folder: string;
  namespaces: { network?: string; ipc?: string; uts?: string };
  cgroupParent: string;
}

/** Nobody's: 65535 is the pause container's of Kubernetes. */
const nobody = 65_535;
const timeoutMs = 20_000;
/** A kernel that is short of memory takes any container of the pod before: what pause containers have under the kubelet. */
const oomScoreAdj = -998;

/**
 * Starts the process that is number 1 of the pid namespace a pod's containers share, and outlives the daemon. It is confined by runc
 * like a container, since those it shares the namespace with see its /proc entry and the root in there: a root of two files, no
 * capability, nobody's user. A shell that waits for a
 * child that never ends reaps the orphans it inherits.
 */
export async function startPodInit(deps: PodInitDeps, init: PodInit): Promise<{ pid: number; startTime: string }> {
  if (!existsSync(deps.busybox))
    throw internal(`a pod that shares its pid namespace needs ${deps.busybox} (package busybox-static)`);
  const root = join(init.folder, "rootfs");
  // Nobody looks into them from inside.
  for (const place of ["proc", "dev"]) await makeOpenFolders(join(root, place));
  await writeFile(join(root, "busybox"), "");
  await writeFile(join(init.folder, "config.json"), JSON.stringify(specOf(deps, init)));
  const pidFile = join(init.folder, "pid");
  // It would hold pipes for as long as it lives.
  const log = join(init.folder, "log");
  const args = [
    "--log",
    log,
    ...globals(deps, init),
    "run",
    "--detach",
    "--bundle",
    init.folder,
    "--pid-file",
    pidFile,
    name(init),
  ];
  const starting = startProgram(deps.runc, args, {
    env: { ...deps.env, [markVariable]: init.id },
    packageName: "runc",
    stdio: "ignore",
  });
  const outcome = await outcomeOf(starting, { timeoutMs });
  if (outcome.status !== 0) {
    const words = (await readFile(log, "utf8").catch(() => "")).trim() || lastWords(outcome);
    throw internal(`the process that holds the pod's pid namespace does not start: ${words}`);
  }
  const pid = Number(await readFile(pidFile, "utf8"));
  const startTime = startTimeOf(pid);
  if (startTime === undefined) throw internal("the process that holds the pod's pid namespace has ended at once");
  await sparedByTheKernel(pid);
  return { pid, startTime };
}

/** How often it is looked whether all have ended, and how long in between. */
const looks = 100;
const lookMs = 20;

/** Ends it, and what else is in its pid namespace with it. That it is gone, or never began, or only half, is fine. */
export async function endPodInit(deps: PodInitDeps, init: Pick<PodInit, "id" | "folder" | "cgroupParent">): Promise<void> {
  if (existsSync(join(init.folder, "state", name(init))))
    await runProgram(deps.runc, [...globals(deps, init), "delete", "--force", name(init)], { env: deps.env, timeoutMs });
  // A runtime that was killed knows nothing of what it had begun.
  const folders = groupFolders(hierarchiesOf(deps.mountInfo()), groupOf(deps, init));
  for (let look = 0; look < looks; look++) {
    const pids = (await Promise.all(folders.map(processesIn))).flat();
    if (pids.length === 0) break;
    for (const pid of new Set(pids)) killProcess(pid);
    await sleep(lookMs);
  }
  for (const folder of folders) await removeGroup(folder);
}

/** Not the name of a container's group, which sweeps would take for a container's. */
const name = ({ id }: Pick<PodInit, "id">): string => `pod-${id}`;

const globals = ({ cgroupDriver }: PodInitDeps, { folder }: Pick<PodInit, "folder">): string[] => [
  "--root",
  join(folder, "state"),
  ...(cgroupDriver === "systemd" ? ["--systemd-cgroup"] : []),
];

/** As containers' groups are named, below the pod's. */
const groupOf = ({ cgroupDriver }: PodInitDeps, init: Pick<PodInit, "id" | "cgroupParent">): string =>
  cgroupsPath(name(init), cgroupDriver, init.cgroupParent);

function specOf(deps: PodInitDeps, init: PodInit): object {
  const { network, ipc, uts } = init.namespaces;
  const joined = Object.entries({ network, ipc, uts }).flatMap(([type, path]) => (path === undefined ? [] : [{ type, path }]));
  return {
    ociVersion: "1.0.2",
    process: {
      user: { uid: nobody, gid: nobody },
      args: ["/busybox", "sh", "-c", "while :; do /busybox sleep 2147483647 & wait; done"],
      cwd: "/",
      env: ["PATH=/"],
      capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
      { destination: "/busybox", type: "bind", source: deps.busybox, options: ["bind", "ro", "nosuid", "nodev"] },
    ],
    linux: {
      cgroupsPath: groupOf(deps, init),
      namespaces: [{ type: "pid" }, { type: "mount" }, ...joined],
      resources: { devices: [{ allow: false, access: "rwm" }] },
      maskedPaths: ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sys", "/proc/irq", "/proc/bus"],
    },
  };
}

/** Where the daemon may not lower it (CAP_SYS_RESOURCE) it stays what the daemon has. */
async function sparedByTheKernel(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/oom_score_adj`, String(oomScoreAdj)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EACCES" && error.code !== "EPERM") throw error;
  });
}
