import type { HostFacts } from "../spec/host-facts.ts";
import { allCapabilities } from "../spec/capabilities.ts";
import type { ConfigSettings } from "./config-settings.ts";

/** A machine with everything: two CPUs, cgroup v1 with every knob, all capabilities. Tests take away what they are about. */
export function sampleFacts(changes: Partial<HostFacts> = {}): HostFacts {
  return {
    cgroup: {
      version: 1,
      controllers: ["memory", "cpu", "cpuset", "pids", "blkio", "devices", "freezer"],
      memoryLimit: true,
      swapLimit: true,
      memoryReservation: true,
      memorySwappiness: true,
      oomKillDisable: true,
      kernelMemory: true,
      kernelMemoryTcp: true,
      cpuShares: true,
      cpuCfs: true,
      cpuRealtime: true,
      cpuset: true,
      cpusetCpus: "0-1",
      cpusetMems: "0",
      pidsLimit: true,
      blkioWeight: true,
      blkioWeightDevice: true,
      blkioThrottle: true,
    },
    kernel: { release: "6.1.0", version: [6, 1] },
    boundingCapabilities: allCapabilities,
    mayRaiseLimits: true,
    hardLimits: {},
    cpus: 2,
    memoryBytes: 8 * 2 ** 30,
    swapBytes: 0,
    oomScoreAdj: 0,
    apparmor: false,
    apparmorProfiles: [],
    selinux: false,
    seccomp: true,
    cgroupNamespaces: true,
    ipv4Forwarding: true,
    bridgeNfIptables: true,
    bridgeNfIp6tables: true,
    architecture: "x64",
    ...changes,
  };
}

/** Settings of a daemon that was started without options. */
export function sampleConfigSettings(changes: Partial<ConfigSettings> = {}): ConfigSettings {
  return {
    runtimes: ["runc"],
    defaultRuntime: "runc",
    logDrivers: ["json-file", "none"],
    defaultLogConfig: { Type: "json-file", Config: {} },
    defaultShmSize: 64 * 2 ** 20,
    defaultIpcMode: "private",
    defaultCgroupnsMode: "",
    cgroupDriver: "cgroupfs",
    defaultUlimits: [],
    hostname: "host",
    domainname: "",
    defaultStopTimeoutSeconds: 10,
    ...changes,
  };
}
