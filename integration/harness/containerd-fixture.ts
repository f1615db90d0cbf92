import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContainerdClient, StartContainerdOptions, SupervisedContainerd } from "@pouchcontainer/containerd";
import { connectContainerd, runcOptions, startContainerd } from "@pouchcontainer/containerd";

/** A containerd of its own in a temporary folder, a client of it, and containers from the machine's static busybox. */
export class ContainerdFixture implements AsyncDisposable {
  readonly unique = `pouch-it-${randomBytes(4).toString("hex")}`;
  readonly folder = mkdtempSync(join(tmpdir(), "pouch-containerd-"));
  readonly messages: string[] = [];
  readonly client: ContainerdClient;
  supervised!: SupervisedContainerd;
  /** A spare timer: nothing else would keep the process alive while only a detached containerd is waited for. */
  readonly #keepAlive = setInterval(() => undefined, 60_000);

  private constructor() {
    this.client = connectContainerd({ address: this.options.address, namespace: this.unique });
  }

  static async start(): Promise<ContainerdFixture> {
    const fixture = new ContainerdFixture();
    try {
      fixture.supervised = await startContainerd(fixture.options);
      return fixture;
    } catch (error) {
      await fixture[Symbol.asyncDispose]();
      throw error;
    }
  }

  get options(): StartContainerdOptions {
    const log = (message: string) => void this.messages.push(message);
    return {
      root: join(this.folder, "root"),
      state: join(this.folder, "state"),
      address: join(this.folder, "containerd.sock"),
      logFile: join(this.folder, "containerd.log"),
      logger: { info: log, warn: log, error: log },
      env: process.env,
    };
  }

  /** Prepares a snapshot with busybox in it and a container record; the caller starts the task. */
  async createContainer(id: string, script: string): Promise<void> {
    const mounts = await this.client
      .snapshots("overlayfs")
      .prepare(id, "", { "containerd.io/gc.root": new Date().toISOString() });
    const rootfs = mounts[0]?.source;
    if (rootfs === undefined) throw new Error("overlayfs gave no mount");
    for (const folder of ["bin", "proc", "dev"]) mkdirSync(join(rootfs, folder));
    copyFileSync("/bin/busybox", join(rootfs, "bin/busybox"));
    for (const applet of ["sh", "sleep", "cat"]) symlinkSync("busybox", join(rootfs, "bin", applet));
    await this.client.containers.create({
      id,
      labels: { test: this.unique },
      image: "",
      runtime: { name: "io.containerd.runc.v2", options: runcOptions({ root: join(this.folder, "runc") }) },
      spec: this.#spec(id, script),
      snapshotter: "overlayfs",
      snapshotKey: id,
    });
  }

  async createTask(id: string): Promise<number> {
    const rootfs = await this.client.snapshots("overlayfs").mounts(id);
    return this.client.tasks.create({ containerId: id, rootfs, stdio: { terminal: false } });
  }

  /** Starts the task and returns when its script made the file `/ready`: before, it would not see a signal. */
  async startTask(id: string): Promise<void> {
    await this.client.tasks.start(id);
    const [mount] = await this.client.snapshots("overlayfs").mounts(id);
    const ready = join(mount?.source ?? "", "ready");
    for (let waited = 0; !existsSync(ready); waited += 10) {
      if (waited > 10_000) throw new Error(`the script of ${id} did not make /ready`);
      await new Promise((resolve) => void setTimeout(resolve, 10));
    }
  }

  async removeContainer(id: string): Promise<void> {
    const { client } = this;
    try {
      await client.tasks.kill(id, { signal: 9, all: true }).catch(() => undefined);
      await client.tasks.wait(id, "", { timeoutMs: 10_000 });
      await client.tasks.delete(id);
    } catch {
      // There is no task; what remains is removed below.
    }
    await client.containers.delete(id);
    await client.snapshots("overlayfs").remove(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#keepAlive);
    if (await this.client.serving()) {
      for (const { id } of await this.client.containers.list()) await this.removeContainer(id);
    }
    await this.client.close();
    await this.supervised?.stop();
    for (const pid of this.processes()) process.kill(pid, "SIGKILL");
    for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n")) {
      const target = line.split(" ")[1];
      if (target?.startsWith(`${this.folder}/`)) execFileSync("/bin/umount", ["-l", target]);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What the supervisor and containerd itself said last, for the message of a test that waited in vain. */
  words(): string {
    const log = existsSync(this.options.logFile) ? readFileSync(this.options.logFile, "utf8") : "";
    return `the supervisor said:\n${this.messages.slice(-10).join("\n")}\ncontainerd logged:\n${log.slice(-4000)}`;
  }

  /** Processes whose command line names this fixture's folder or namespace: containerd and shims. */
  processes(): number[] {
    return readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
      .filter((entry) => {
        const path = `/proc/${entry}/cmdline`;
        if (!existsSync(path)) return false;
        try {
          const commandLine = readFileSync(path, "utf8");
          return commandLine.includes(this.folder) || commandLine.includes(this.unique);
        } catch {
          // Ended between the two calls.
          return false;
        }
      })
      .map(Number);
  }

  #spec(id: string, script: string) {
    return {
      ociVersion: "1.0.2",
      process: {
        terminal: false,
        user: { uid: 0, gid: 0 },
        args: ["/bin/sh", "-c", script],
        env: ["PATH=/bin"],
        cwd: "/",
        capabilities: {},
      },
      root: { path: "rootfs" },
      mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
      linux: {
        namespaces: [{ type: "pid" }, { type: "mount" }, { type: "ipc" }, { type: "uts" }, { type: "network" }],
        cgroupsPath: `/${this.unique}-${id}`,
        resources: {},
      },
    };
  }
}
