import { type ContainerRecord, zeroTime } from "../container-record.ts";
import type { SpecSettings } from "./spec-input.ts";

/** A record as create makes it of an image that sets nothing; tests change what they are about. */
export function sampleRecord(changes: Partial<ContainerRecord> = {}): ContainerRecord {
  const id = changes.id ?? "0123456789ab".padEnd(64, "0");
  return {
    id,
    name: "web",
    created: "2026-01-02T03:04:05.000000006Z",
    config: { Hostname: "0123456789ab", Image: "busybox", Env: [], Cmd: ["sh"], Labels: {} },
    hostConfig: {
      NetworkMode: "none",
      IpcMode: "private",
      PidMode: "",
      UTSMode: "",
      CgroupnsMode: "host",
      ShmSize: 67108864,
      LogConfig: { Type: "json-file", Config: {} },
      RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
      Runtime: "runc",
      MaskedPaths: [
        "/proc/asound",
        "/proc/acpi",
        "/proc/kcore",
        "/proc/keys",
        "/proc/latency_stats",
        "/proc/timer_list",
        "/proc/timer_stats",
        "/proc/sched_debug",
        "/proc/scsi",
        "/sys/firmware",
      ],
      ReadonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    },
    networkingConfig: {},
    image: { id: `sha256:${"a".repeat(64)}`, reference: "busybox", manifestDigest: `sha256:${"b".repeat(64)}`, chainId: "" },
    snapshotter: "overlayfs",
    driver: "overlayfs",
    mountPoints: [],
    state: { status: "created", pid: 0, exitCode: 0, error: "", oomKilled: false, startedAt: zeroTime, finishedAt: zeroTime },
    restartCount: 0,
    manuallyStopped: false,
    path: "sh",
    args: [],
    logPath: "",
    hostnamePath: "",
    hostsPath: "",
    resolvConfPath: "",
    platform: "linux",
    ...changes,
  };
}

/** Settings of a daemon that was started without options. */
export function sampleSettings(changes: Partial<SpecSettings> = {}): SpecSettings {
  return {
    cgroupDriver: "cgroupfs",
    cgroupParent: "",
    initByDefault: false,
    defaultUlimits: [],
    recursiveReadOnly: false,
    ...changes,
  };
}
