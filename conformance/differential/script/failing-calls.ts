import type { Step } from "../step.ts";

/** A container of these fields, from its create to what its start leaves. */
function failing(note: string, body: Record<string, unknown>): Step[] {
  return [
    { call: "POST /containers/create?name=failing", note, body: { Image: "busybox", Cmd: ["true"], ...body } },
    { call: "POST /containers/failing/start", note },
    { call: "GET /containers/failing/json", note },
    { call: "DELETE /containers/failing?force=1", note },
  ];
}

/** Containers that are created and cannot start. */
export const failingCalls: Step[] = [
  ...failing("no program", { Cmd: ["/no/such/program"] }),
  ...failing("not in the path", { Cmd: ["nosuchprogram"] }),
  ...failing("no permission", { Cmd: ["/etc/passwd"] }),
  ...failing("a folder", { Cmd: ["/etc"] }),
  ...failing("user", { User: "nosuchuser" }),
  ...failing("group", { User: "0:nosuchgroup" }),
  ...failing("user number", { User: "123456789012" }),
  ...failing("device", {
    HostConfig: { Devices: [{ PathOnHost: "/dev/nosuch", PathInContainer: "/dev/x", CgroupPermissions: "rwm" }] },
  }),
  ...failing("sysctl", { HostConfig: { Sysctls: { "kernel.nosuch": "1" } } }),
  ...failing("a folder over a file", { HostConfig: { Mounts: [{ Type: "bind", Source: "/tmp", Target: "/etc/passwd" }] } }),
  ...failing("tmpfs option", { HostConfig: { Tmpfs: { "/run": "size=nonsense" } } }),
  ...failing("seccomp", { HostConfig: { SecurityOpt: ["seccomp=/no/such/file"] } }),
  {
    call: "POST /containers/create",
    note: "work dir over a file",
    body: { Image: "busybox", WorkingDir: "/etc/passwd" },
    discards: true,
  },
];
