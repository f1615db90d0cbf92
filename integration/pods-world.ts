import {
  openPods,
  podsConfig,
  Store,
  systemClock,
  type PodConfig,
  type PodManager,
  type PodRecord,
} from "@pouchcontainer/engine";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { samplePodConfig } from "../packages/engine/src/pods/sample-config.ts";
import { freeSubnet } from "./harness/free-subnet.ts";
import { hostLinks } from "./harness/host-links.ts";

/** The room of pods alone, over real namespaces and the CNI plugins of the machine, as daemons that come and go over one folder have it. */
export class PodsWorld {
  readonly root: string;
  /** Part of the names of everything on the machine that is not below the root: up to six characters. */
  readonly tag: string;
  readonly bridge: string;
  /** Of its pods' addresses. */
  readonly subnet = freeSubnet();
  readonly warnings: string[] = [];
  /** What was asked of the containers. */
  readonly asked: string[] = [];
  pods!: PodManager;
  boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  #store!: Store;
  #isOpen = false;

  constructor(root: string, tag: string) {
    this.root = root;
    this.tag = tag;
    this.bridge = `b${tag}`;
    for (const folder of ["home", "exec", "cni", "plugins"]) mkdirSync(join(root, folder), { recursive: true });
  }

  /** A daemon's start. */
  async open(settings: { cniTimeoutMs?: number } = {}): Promise<this> {
    this.#isOpen = true;
    this.#store = Store.open(join(this.root, "home/store.db"));
    this.pods = openPods({
      config: podsConfig({
        roots: { home: join(this.root, "home/pods"), exec: join(this.root, "exec/pods") },
        cniConfigDirectory: join(this.root, "cni"),
        cniBinDirectories: [join(this.root, "plugins"), "/usr/lib/cni"],
        cgroupParent: `/pouch-${this.tag}`,
        ...settings,
      }),
      store: this.#store,
      events: { publish: () => undefined },
      containers: {
        podIds: () => [],
        stopAll: (id) => Promise.resolve(void this.asked.push(`stop ${id}`)),
        removeAll: (id) => Promise.resolve(void this.asked.push(`remove ${id}`)),
      },
      chains: {
        preCreateEndpoint: (_id, _env, endpoint) => Promise.resolve(endpoint),
        adoptTrace: () => undefined,
        forgetTrace: () => undefined,
      },
      clock: systemClock(),
      boot: this.boot,
      env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` },
      mountInfo: () => readFileSync("/proc/self/mountinfo", "utf8"),
      log: { warn: (message, fields) => void this.warnings.push(`${message} ${JSON.stringify(fields ?? {})}`) },
    });
    await this.pods.recover();
    this.pods.resume();
    return this;
  }

  /** An orderly end. */
  async shut(): Promise<void> {
    this.#isOpen = false;
    this.pods.close();
    await this.#store.close();
  }

  async reopen(settings: { cniTimeoutMs?: number } = {}): Promise<void> {
    await this.shut();
    await this.open(settings);
  }

  /** What the installed plugins need for a dual-stack network with host ports and limits, and what more there is to come after them. */
  configureNetwork(more: object[] = [], { ipMasq = true, cniVersion = "1.0.0" } = {}): void {
    const network = {
      cniVersion,
      name: `net-${this.tag}`,
      plugins: [
        {
          type: "bridge",
          bridge: this.bridge,
          isGateway: true,
          ipMasq,
          hairpinMode: true,
          ipam: {
            type: "host-local",
            dataDir: join(this.root, "ipam"),
            ranges: [[{ subnet: this.subnet.cidr }], [{ subnet: this.subnet.cidr6 }]],
            routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
          },
        },
        { type: "portmap", capabilities: { portMappings: true }, snat: true },
        { type: "bandwidth", capabilities: { bandwidth: true } },
        ...more,
      ],
    };
    writeFileSync(join(this.root, "cni/10-pods.conflist"), JSON.stringify(network));
  }

  /** A plugin that is a shell script. */
  addPlugin(name: string, script: string): void {
    writeFileSync(join(this.root, "plugins", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  config(name: string, changes: Partial<PodConfig> = {}): PodConfig {
    return samplePodConfig({
      metadata: { name, uid: `uid-${name}`, namespace: "tests", attempt: 0 },
      hostname: name,
      cgroupParent: `/pouch-${this.tag}/${name}`,
      ...changes,
    });
  }

  /** Runs a program in namespaces of the pod. */
  within({ id }: PodRecord, kinds: ("net" | "ipc" | "uts" | "pid")[], ...command: string[]): string {
    const pins = kinds.map((kind) => `--${kind}=${join(this.root, "exec/pods", id, kind)}`);
    return execFileSync("nsenter", [...pins, ...command], {
      encoding: "utf8",
      timeout: 20_000,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  file({ id }: PodRecord, name: "hostname" | "resolv.conf"): string {
    return readFileSync(join(this.root, "home/pods", id, name), "utf8");
  }

  /** What there is on the machine of pods that are none of these. The kernel takes namespaces apart behind our back. */
  async leftovers(known: readonly PodRecord[] = []): Promise<string[]> {
    let left = this.#leftovers(known);
    for (let tries = 0; left.length > 0 && tries < 200; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      left = this.#leftovers(known);
    }
    return left;
  }

  #leftovers(known: readonly PodRecord[]): string[] {
    const ids = new Set(known.map(({ id }) => id));
    const addresses = new Set(known.flatMap(({ ips }) => ips));
    const folders = ["home/pods", "exec/pods"].flatMap((folder) =>
      list(join(this.root, folder)).map((name) => join(folder, name)),
    );
    const held = list(join(this.root, "ipam", `net-${this.tag}`)).filter((name) => !/^(last_reserved_ip|lock)/.test(name));
    const wanted = (text: string): boolean => [...ids].some((id) => text.includes(id));
    return [
      ...folders.filter((folder) => !ids.has(basename(folder))),
      ...this.#mounts()
        .filter((place) => !wanted(place))
        .map((place) => `mount ${place}`),
      ...held.filter((address) => !addresses.has(address)).map((address) => `address ${address}`),
      ...this.#rules().filter((rule) => !wanted(rule)),
      ...this.#processes().filter((command) => !wanted(command)),
      ...(known.length > 0 ? [] : this.#groups()),
      ...(known.length > 0 ? [] : this.#ports()),
    ];
  }

  #mounts(): string[] {
    return readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .flatMap((line) => line.split(" ")[4] ?? [])
      .filter((place) => place.startsWith(`${this.root}/`));
  }

  /** Rules that plugins made for pods; each says in a comment whose it is. */
  #rules(): string[] {
    return ["iptables-save", "ip6tables-save"].flatMap((program) =>
      execFileSync(program, ["-t", "nat"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
        .split("\n")
        .filter((line) => line.includes(`net-${this.tag}`)),
    );
  }

  #processes(): string[] {
    return list("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        const group = read(`/proc/${pid}/cgroup`)
          .split("\n")
          .find((line) => line.includes(`/pouch-${this.tag}/`));
        return group === undefined ? [] : [`process ${pid} in ${group} ${read(`/proc/${pid}/cmdline`).replaceAll("\0", " ")}`];
      });
  }

  #groups(): string[] {
    return [".", ...list("/sys/fs/cgroup")]
      .map((place) => join("/sys/fs/cgroup", place, `pouch-${this.tag}`))
      .filter((folder) => existsSync(folder));
  }

  /** Links that are plugged into the bridge. */
  #ports(): string[] {
    return list(`/sys/class/net/${this.bridge}/brif`);
  }

  /** Resolves when the removals that the daemon before had begun are through. */
  async resumed(): Promise<void> {
    for (let tries = 0; this.pods.list().some(({ removing }) => removing); tries++) {
      if (tries > 300) throw new Error(`removals are not through: ${this.warnings.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Takes the room away with everything it has, and says what was still there or could not go. */
  async destroy(): Promise<string[]> {
    const refused: string[] = [];
    if (!this.#isOpen) await this.open();
    for (const { id } of this.pods.list()) await this.pods.remove(id).catch((error: unknown) => refused.push(String(error)));
    await this.shut();
    const left = [...refused, ...(await this.leftovers())];
    for (const place of this.#mounts()) execFileSync("umount", ["-l", place]);
    for (const link of hostLinks().filter((name) => name === this.bridge)) execFileSync("ip", ["link", "delete", link]);
    for (const place of [".", ...list("/sys/fs/cgroup")]) removeEmpty(join("/sys/fs/cgroup", place, `pouch-${this.tag}`));
    rmSync(this.root, { recursive: true, force: true });
    return left;
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function removeEmpty(folder: string): void {
  try {
    execFileSync("rmdir", [folder], { stdio: "ignore" });
  } catch {
    // Not there in this hierarchy.
  }
}
