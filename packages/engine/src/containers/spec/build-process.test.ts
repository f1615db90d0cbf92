import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExecCreateConfig, HostConfig } from "@pouchcontainer/api";
import { buildProcess } from "./build-process.ts";
import { fakeRootfs, sampleInput } from "./sample-input.ts";
import { sampleRecord } from "./sample-record.ts";

const rootfs = fakeRootfs({ "/etc/passwd": "root:x:0:0::/root:/bin/sh\nweb:x:1000:1001::/home/web:/bin/sh\n" });

function exec(config: ExecCreateConfig, hostConfig: HostConfig = {}) {
  const record = sampleRecord();
  const input = sampleInput(
    {
      config: { ...record.config, User: "web", WorkingDir: "/srv", Env: ["A=container", "B=2"] },
      hostConfig: { ...record.hostConfig, ...hostConfig },
    },
    { rootfs },
  );
  return buildProcess(input, { Cmd: ["ps"], ...config }).process;
}

test("an exec inherits the container's user, folder and environment", () => {
  const process = exec({ Env: ["A=exec"] });
  assert.equal(process.user.uid, 1000);
  assert.equal(process.cwd, "/srv");
  assert.deepEqual(process.args, ["ps"]);
  assert.deepEqual(process.env?.slice(1), ["HOSTNAME=0123456789ab", "A=exec", "B=2", "HOME=/home/web"]);
  assert.deepEqual(Object.keys(process.capabilities ?? {}), ["bounding"]);
});

test("an exec may choose another user, folder and terminal", () => {
  const process = exec({ User: "root", WorkingDir: "/tmp", Tty: true, ConsoleSize: [24, 80] });
  assert.deepEqual([process.user.uid, process.cwd, process.terminal], [0, "/tmp", true]);
  assert.deepEqual(process.consoleSize, { height: 24, width: 80 });
  assert.ok(process.env?.includes("TERM=xterm"));
  assert.ok(process.env?.includes("HOME=/root"));
});

test("a program or a folder with a name that no kernel takes is refused before the runtime sees it", () => {
  const long = `/${"a".repeat(4095)}`;
  assert.throws(() => exec({ Cmd: [long] }), { kind: "invalidArgument", message: /exec \/a{63}…: file name too long$/ });
  assert.throws(() => exec({ WorkingDir: long }), { kind: "invalidArgument", message: /chdir .*: file name too long$/ });
  assert.equal(exec({ Cmd: [long.slice(1)] }).args[0]?.length, 4095);
});

test("a privileged exec holds all capabilities in a container that does not", () => {
  const count = (config: ExecCreateConfig): number | undefined =>
    exec({ User: "root", ...config }).capabilities?.effective?.length;
  assert.deepEqual([count({}), count({ Privileged: true })], [14, 41]);
});

test("no command and a relative folder are refused", () => {
  assert.throws(() => exec({ Cmd: [] }), { message: "No exec command specified" });
  assert.throws(() => exec({ WorkingDir: "tmp" }), { message: "Cwd must be an absolute path: tmp" });
});

test("no-new-privileges and the container's limits hold for an exec too", () => {
  const process = exec({}, { SecurityOpt: ["no-new-privileges"], Ulimits: [{ Name: "nofile", Soft: 5, Hard: 10 }] });
  assert.equal(process.noNewPrivileges, true);
  assert.deepEqual(process.rlimits, [{ type: "RLIMIT_NOFILE", hard: 10, soft: 5 }]);
});
