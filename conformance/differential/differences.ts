import type { ExpectedDifference } from "./expected-differences.ts";
import { toBeMended } from "./to-be-mended.ts";

/** Where our answers are not those of dockerd 20.10 (API 1.41), and why. */
export const differences: ExpectedDifference[] = [
  ...because("to be mended", toBeMended),
  ...because("ours speaks Docker's API up to 1.51", [
    { call: "*", field: "header.api-version", ours: '"1.51"', dockerd: '"1.41"' },
    { call: "GET */version", field: "body.*ApiVersion", ours: '"1.51"', dockerd: '"1.41"' },
    { call: "GET /v9.99/version", field: "body.message", ours: "*is 1.51*", dockerd: "*is 1.41*" },
  ]),
  ...because("who answers, and in which build", [
    { call: "*", field: "header.server", ours: '"Pouch/*"', dockerd: '"Docker/20.10.*"' },
    { call: "GET */version", field: "body.*Version", ours: '"0.1.0"', dockerd: '"20.10.*"' },
    { call: "GET */version", field: "body.*BuildTime", ours: "*", dockerd: "*" },
    { call: "GET */version", field: "body.*GitCommit", ours: "*", dockerd: "*" },
    { call: "GET */version", field: "body.*GoVersion", ours: '"node*"', dockerd: '"go*"' },
    { call: "GET */version", field: "body.Platform.Name", ours: '"PouchContainer"', dockerd: '""' },
    { call: "GET */info", field: "body.ServerVersion", ours: "*", dockerd: "*" },
    { call: "GET */info", field: "body.ID", ours: "*", dockerd: "*" },
  ]),
  ...because("the harness starts ours with --debug", [
    { call: "GET */info", field: "body.Debug", ours: "true", dockerd: "false" },
  ]),
  ...because("newer than 20.10, there in all versions of the API: `docker build` must not look for BuildKit, there is no swarm", [
    { call: "* /_ping*", field: "header.builder-version", ours: '"1"', dockerd: "absent" },
    { call: "* /_ping*", field: "header.swarm", ours: '"inactive"', dockerd: "absent" },
  ]),
  ...because("newer than 20.10, there in all versions of the API", [
    { call: "GET /*", field: "body*.Networks.*.DNSNames", ours: "null", dockerd: "absent" },
    { call: "GET /*", field: "body*.Networks.*.GwPriority", ours: "0", dockerd: "absent" },
    { call: "GET /*", field: "body.HostConfig.MaskedPaths.10", ours: '"/sys/devices/virtual/powercap"', dockerd: "absent" },
    { call: "GET /networks*", field: "body.*EnableIPv4", ours: "true", dockerd: "absent" },
    { call: "events", field: "container.*.Actor.Attributes.execDuration", ours: "*", dockerd: "absent" },
    { call: "GET /containers/*/json*", field: "body.HostConfig.RestartPolicy.Name", ours: '"no"', dockerd: '""' },
    { call: "GET /containers/*json*", field: "body.*HostConfig.NetworkMode", ours: '"bridge"', dockerd: '"default"' },
    { call: "GET */info", field: "body.Containerd", ours: "*", dockerd: "absent" },
  ]),
  ...because(
    "containers and images are in containerd's snapshots; Docker's are in its own graph driver unless it uses containerd",
    [
      { call: "GET /containers/*/json*", field: "body.Driver", ours: '"overlayfs"', dockerd: '"overlay2"' },
      { call: "GET *json*", field: "body.GraphDriver.Name", ours: '"overlayfs"', dockerd: '"overlay2"' },
      { call: "GET *json*", field: "body.GraphDriver.Data", ours: "null", dockerd: '{*"MergedDir":*' },
      { call: "GET */info", field: "body.Driver", ours: '"overlayfs"', dockerd: '"overlay2"' },
      { call: "GET */info", field: "body.DriverStatus.*", ours: "*", dockerd: "*" },
    ],
  ),
  ...because(
    "a snapshot's size is the blocks it takes on disk, as in a Docker that uses containerd; a graph driver adds up lengths",
    [
      { call: "GET *", field: "body.*Size", ours: "*", dockerd: "*" },
      { call: "GET *", field: "body.*SizeRootFs", ours: "*", dockerd: "*" },
      { call: "GET *", field: "body.*SizeRw", ours: "*", dockerd: "*" },
    ],
  ),
  ...because("what this engine has of drivers, runtimes and programs", [
    { call: "GET */info", field: "body.Plugins.Log*", ours: "*", dockerd: "*" },
    { call: "GET */info", field: "body.Plugins.Network.5", ours: "absent", dockerd: '"overlay"' },
    { call: "GET */info", field: "body.Runtimes.runc.path", ours: '"/usr/sbin/runc"', dockerd: '"runc"' },
    { call: "GET */info", field: "body.Runtimes.io.containerd.*", ours: "absent", dockerd: '{"path":"runc"}' },
    { call: "GET */info", field: "body.InitBinary", ours: '"/usr/bin/tini-static"', dockerd: '"docker-init"' },
    { call: "GET */info", field: "body.LiveRestoreEnabled", ours: "true", dockerd: "false" },
  ]),
  ...because("PouchContainer's own", [
    { call: "GET /containers/*/json*", field: "body.Snapshotter", ours: '"overlayfs"', dockerd: "absent" },
    { call: "POST /containers/create*", field: "body.Name", ours: "*", dockerd: "absent" },
  ]),
];

function because(reason: string, rows: Omit<ExpectedDifference, "reason">[]): ExpectedDifference[] {
  return rows.map((row) => ({ ...row, reason }));
}
