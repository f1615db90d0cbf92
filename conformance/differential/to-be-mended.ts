import type { ExpectedDifference } from "./expected-differences.ts";

/** Defects the suite has found, each row until the change that mends it. */
export const toBeMended: Omit<ExpectedDifference, "reason">[] = [
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
  // A container that joins a network has the owner's host name and files from its create on; dockerd gives them at the start.
  {
    call: "GET /containers/failing/json (NetworkMode of what does not run)",
    field: "body.Config.Hostname",
    ours: '"<id first seen in Id of POST /containers/create?name=owner (NetworkMode):12>"',
    dockerd: '"<id first seen in Id of POST /containers/create?name=failing (NetworkMode of what does not run):12>"',
  },
  {
    call: "GET /containers/failing/json (NetworkMode of what does not run)",
    field: "body.HostnamePath",
    ours: '"<home>/containers/<id first seen in Id of POST /containers/create?name=failing (NetworkMode of what does not run)>/hostname"',
    dockerd: '""',
  },
  {
    call: "GET /containers/failing/json (NetworkMode of what does not run)",
    field: "body.HostsPath",
    ours: '"<home>/containers/<id first seen in Id of POST /containers/create?name=failing (NetworkMode of what does not run)>/hosts"',
    dockerd: '""',
  },
  {
    call: "GET /containers/failing/json (NetworkMode of what does not run)",
    field: "body.ResolvConfPath",
    ours: '"<home>/containers/<id first seen in Id of POST /containers/create?name=failing (NetworkMode of what does not run)>/resolv.conf"',
    dockerd: '""',
  },
  { call: "POST /networks/subnet/connect (bad address)", field: "status", ours: "403", dockerd: "500" },
  {
    call: "POST /networks/subnet/connect (bad address)",
    field: "body.message",
    ours: '"endpoint with name member already exists in network subnet"',
    dockerd: '"Invalid IPv4 address: junk)"',
  },
];
