import type { ExpectedDifference } from "./expected-differences.ts";

/**
 * Defects the suite has found, each row until the change that mends it: streams of exec, attach and logs, `Config` of images,
 * `Error` of wait, and refusals of networks.
 */
export const toBeMended: Omit<ExpectedDifference, "reason">[] = [
  {
    call: "GET /containers/failing/json (a folder over a file)",
    field: "body.Mounts.0.Propagation",
    ours: '"rprivate"',
    dockerd: '"rslave"',
  },
  {
    call: "GET /containers/late/json (with a HostConfig)",
    field: "body.NetworkSettings.Networks.none.EndpointID",
    ours: '""',
    dockerd: '"<id first seen in NetworkSettings.Networks.none.EndpointID of GET /containers/late/json (with a HostConfig)>"',
  },
  {
    call: "GET /containers/json (with a HostConfig)",
    field: "body.0.NetworkSettings.Networks.none.EndpointID",
    ours: '""',
    dockerd: '"<id first seen in NetworkSettings.Networks.none.EndpointID of GET /containers/late/json (with a HostConfig)>"',
  },
];
