import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ContainerCreateConfig } from "@pouchcontainer/api";
import { parseFlags } from "../flags/parse-flags.ts";
import { createBody } from "./create-body.ts";
import type { CreateFlagValues } from "./create-body.ts";
import { createFlags } from "./create-flags.ts";

function body(...argv: string[]): ContainerCreateConfig {
  const line = parseFlags([...argv, "busybox", "sh"], createFlags, { stopAtFirstArg: true });
  const [image = "", ...command] = line.args;
  return createBody({
    // parseFlags read every flag of createFlags.
    flags: line.values as CreateFlagValues,
    given: line.given,
    image,
    command,
    env: { HOME: "/home/me" },
    folder: "/work",
    attach: { stdin: false, stdout: true, stderr: true },
  });
}

test("without flags the body says image, command and defaults", () => {
  const { Image, Cmd, HostConfig, NetworkingConfig } = body();
  assert.equal(Image, "busybox");
  assert.deepEqual(Cmd, ["sh"]);
  assert.equal(HostConfig?.NetworkMode, "default");
  assert.deepEqual(HostConfig?.RestartPolicy, { Name: "no", MaximumRetryCount: 0 });
  assert.deepEqual(NetworkingConfig, { EndpointsConfig: {} });
  assert.equal("Memory" in (HostConfig ?? {}), false);
});

test("limits arrive in the API's units", () => {
  const { HostConfig } = body(
    "-m",
    "64m",
    "--memory-swap",
    "-1",
    "--cpus",
    "1.5",
    "--pids-limit",
    "10",
    "--ulimit",
    "nofile=1:2",
    "--device-read-bps",
    "/dev/sda:1mb",
  );
  assert.equal(HostConfig?.Memory, 67108864);
  assert.equal(HostConfig?.MemorySwap, -1);
  assert.equal(HostConfig?.NanoCpus, 1.5e9);
  assert.deepEqual(HostConfig?.Ulimits, [{ Name: "nofile", Soft: 1, Hard: 2 }]);
  assert.deepEqual(HostConfig?.BlkioDeviceReadBps, [{ Path: "/dev/sda", Rate: 1048576 }]);
});

test("variables and labels come from files and flags, flags last", () => {
  const folder = mkdtempSync(join(tmpdir(), "pouch-cli-"));
  try {
    writeFileSync(join(folder, "env"), "# comment\nA=file\nHOME\nUNSET\n");
    writeFileSync(join(folder, "labels"), "l=file\nonly\n");
    const { Env, Labels } = body(
      "--env-file",
      join(folder, "env"),
      "-e",
      "A=flag",
      "-e",
      "GONE",
      "--label-file",
      join(folder, "labels"),
      "-l",
      "l=flag",
    );
    assert.deepEqual(Env, ["A=file", "HOME=/home/me", "A=flag", "GONE"]);
    assert.deepEqual(Labels, { l: "flag", only: "" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("network flags describe endpoints", () => {
  const { HostConfig, NetworkingConfig } = body(
    "--network",
    "name=a,alias=x,gw-priority=2",
    "--network",
    "b",
    "--ip",
    "10.0.0.5",
    "--network-alias",
    "y",
  );
  assert.equal(HostConfig?.NetworkMode, "a");
  assert.deepEqual(NetworkingConfig?.EndpointsConfig, {
    a: { Aliases: ["x", "y"], GwPriority: 2, IPAMConfig: { IPv4Address: "10.0.0.5" } },
    b: {},
  });
  assert.deepEqual(body("--net", "host").NetworkingConfig?.EndpointsConfig, {});
  assert.throws(() => body("--network", "a", "--network", "a"), /specified multiple times/);
});

test("health checks are inherited, set or switched off", () => {
  assert.equal(body().Healthcheck, undefined);
  assert.deepEqual(body("--health-cmd", "true", "--health-interval", "5s").Healthcheck, {
    Test: ["CMD-SHELL", "true"],
    Interval: 5e9,
  });
  assert.deepEqual(body("--no-healthcheck").Healthcheck, { Test: ["NONE"] });
  assert.throws(() => body("--no-healthcheck", "--health-cmd", "x"), /conflicts/);
});

test("PouchContainer's own flags reach their fields", () => {
  const line =
    "--rich --rich-mode systemd --initscript /i.sh --quota-id 7 --disk-quota 10g --snapshotter native --enableLxcfs " +
    `--specific-id ${"a".repeat(64)} --intel-rdt-l3-cbm L3:0=f --nvidia-visible-devs all --annotation k=v --net-priority 3`;
  const created = body(...line.split(" "));
  assert.equal(created.Rich, true);
  assert.equal(created.RichMode, "systemd");
  assert.equal(created.InitScript, "/i.sh");
  assert.equal(created.QuotaId, "7");
  assert.deepEqual(created.DiskQuota, { ".*": "10g" });
  assert.equal(created.SpecificID, "a".repeat(64));
  assert.equal(created.Snapshotter, "native");
  assert.equal(created.NetPriority, 3);
  assert.deepEqual(created.SpecAnnotation, { k: "v" });
  assert.equal(created.HostConfig?.EnableLxcfs, true);
  assert.equal(created.HostConfig?.IntelRdtL3Cbm, "L3:0=f");
  assert.deepEqual(created.HostConfig?.NvidiaConfig, { NvidiaVisibleDevices: "all" });
});

test("security options are checked and profiles read here", () => {
  const { HostConfig } = body(
    "--security-opt",
    "seccomp=unconfined",
    "--security-opt",
    "no-new-privileges",
    "--security-opt",
    "systempaths=unconfined",
  );
  assert.deepEqual(HostConfig?.SecurityOpt, ["seccomp=unconfined", "no-new-privileges"]);
  assert.deepEqual(HostConfig?.MaskedPaths, []);
  assert.throws(() => body("--security-opt", "what"), /write name=value/);
  assert.throws(() => body("--security-opt", "seccomp=/nonexistent"), /opening seccomp profile/);
});
