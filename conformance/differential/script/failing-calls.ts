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

/** Containers that join what another one has while that one does not run, and after it is gone. */
const joining: Step[] = (["IpcMode", "PidMode", "NetworkMode"] as const).flatMap((mode): Step[] => {
  const body = { Image: "busybox", Cmd: ["true"] };
  return [
    { call: "POST /containers/create?name=owner", note: mode, body: { ...body, HostConfig: { IpcMode: "shareable" } } },
    ...failing(`${mode} of what does not run`, { HostConfig: { [mode]: "container:owner" } }),
    {
      call: "POST /containers/create?name=joining",
      note: mode,
      body: { ...body, HostConfig: { [mode]: "container:owner" } },
    },
    { call: "DELETE /containers/owner", note: mode },
    { call: "POST /containers/joining/start", note: `${mode} of what is gone` },
    { call: "POST /containers/joining/wait", note: `${mode} of what is gone` },
    { call: "DELETE /containers/joining", note: mode },
  ];
});

/** Who waits for a container whose start fails is answered when it goes. */
const waiting = (["next-exit", "removed"] as const).flatMap((condition): Step[] =>
  [false, true].flatMap((AutoRemove): Step[] => {
    const note = AutoRemove ? "to be removed" : "to stay";
    const body = { Image: "busybox", Cmd: ["/no/such/program"], HostConfig: { AutoRemove } };
    return [
      { call: `POST /containers/create?name=${condition}`, note, body },
      { call: `POST /containers/${condition}/wait?condition=${condition}`, note, goesOn: true },
      { call: `POST /containers/${condition}/start`, note },
      {
        call: `DELETE /containers/${condition}`,
        note,
        until: (answer) => answer === "" || JSON.stringify(answer).includes("No such"),
      },
    ];
  }),
);

/** A container that joins the IPC of one that runs with an IPC of a mode, whether or not it is shared. */
const joiningIpc: Step[] = ["private", "none", "shareable", "host"].flatMap((mode): Step[] => [
  {
    call: "POST /containers/create?name=owner",
    note: `IPC ${mode}`,
    body: { Image: "busybox", Cmd: ["sleep", "1000"], HostConfig: { IpcMode: mode } },
    binds: `owner with IPC ${mode}`,
  },
  { call: "POST /containers/owner/start", note: `IPC ${mode}` },
  // Two of the four do start: what has ended or not when it is looked at would be chance.
  ...failing(`IPC ${mode}`, { Cmd: ["sleep", "1000"], HostConfig: { IpcMode: "container:owner" } }),
  { call: "DELETE /containers/owner?force=1", note: `IPC ${mode}` },
]);

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
  ...failing("a source in /proc", { HostConfig: { Binds: ["/proc/nosuch/source:/x"] } }),
  ...failing("a source below a file", { HostConfig: { Binds: ["/proc/version/source:/x"] } }),
  ...failing("tmpfs option", { HostConfig: { Tmpfs: { "/run": "size=nonsense" } } }),
  ...failing("seccomp", { HostConfig: { SecurityOpt: ["seccomp=/no/such/file"] } }),
  ...joining,
  ...waiting,
  ...joiningIpc,
  {
    call: "POST /containers/create",
    note: "work dir over a file",
    body: { Image: "busybox", WorkingDir: "/etc/passwd" },
    discards: true,
  },
];
