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
  { call: "POST /networks/create (no name)", field: "status", ours: "400", dockerd: "500" },
  { call: "POST /networks/create (no name)", field: "body.message", ours: '"Name is missing"', dockerd: '"invalid name: "' },
  { call: "POST /networks/create (bad subnet)", field: "status", ours: "400", dockerd: "500" },
  {
    call: "POST /networks/create (bad subnet)",
    field: "body.message",
    ours: '"invalid CIDR address: 10.99.0"',
    dockerd: '"Invalid subnet 10.99.0 : invalid CIDR address: 10.99.0"',
  },
  { call: "POST /networks/create (gateway outside)", field: "status", ours: "400", dockerd: "500" },
  {
    call: "POST /networks/create (gateway outside)",
    field: "body.message",
    ours: '"no matching subnet for gateway 10.97.0.1"',
    dockerd: '"failed to allocate gateway (10.97.0.1): Requested address is out of range"',
  },
  {
    call: 'GET /networks?filters={"dangling":["maybe"]}',
    field: "body.message",
    ours: "\"invalid filter 'dangling=[maybe]'\"",
    dockerd: '"invalid value for filter \'dangling\', must be \\"true\\" (or \\"1\\"), or \\"false\\" (or \\"0\\")"',
  },
  {
    call: "GET /containers/member/json (created, connected)",
    field: "body.NetworkSettings.Networks.net.Aliases",
    ours: "null",
    dockerd: '["<member:12>"]',
  },
  {
    call: "GET /containers/member/json (running)",
    field: "body.NetworkSettings.Networks.subnet.Aliases.1",
    ours: "absent",
    dockerd: '"<member:12>"',
  },
  {
    call: "POST /networks/net/connect (nothing)",
    field: "body.message",
    ours: '"Container is missing"',
    dockerd: '"invalid name or ID supplied: \\"\\""',
  },
  { call: "POST /networks/host/connect", field: "status", ours: "403", dockerd: "400" },
  {
    call: "POST /networks/host/connect",
    field: "body.message",
    ours: '"container cannot be connected to host network"',
    dockerd: '"container cannot be disconnected from host network or connected to host network"',
  },
  { call: "POST /networks/subnet/connect (bad address)", field: "status", ours: "403", dockerd: "500" },
  {
    call: "POST /networks/subnet/connect (bad address)",
    field: "body.message",
    ours: '"endpoint with name member already exists in network subnet"',
    dockerd: '"Invalid IPv4 address: junk)"',
  },
  {
    call: "DELETE /networks/subnet (in use)",
    field: "body.message",
    ours: '"error while removing network: network subnet has active endpoints (name:\\"member\\" id:\\"<id first seen in NetworkSettings.Networks.subnet.EndpointID of GET /containers/member/json (running):12>\\")"',
    dockerd: '"error while removing network: network subnet id <subnet> has active endpoints"',
  },
  { call: "POST /networks/inner/disconnect (again)", field: "status", ours: "403", dockerd: "500" },
  {
    call: "GET /containers/member/json (on two networks)",
    field: "body.NetworkSettings.Networks.net.Aliases",
    ours: "null",
    dockerd: '["<member:12>"]',
  },
  {
    call: "GET /containers/member/json (on two networks)",
    field: "body.NetworkSettings.Networks.subnet.Aliases.1",
    ours: "absent",
    dockerd: '"<member:12>"',
  },
  {
    call: "GET /containers/member/json (disconnected)",
    field: "body.NetworkSettings.Networks.subnet.Aliases.1",
    ours: "absent",
    dockerd: '"<member:12>"',
  },
  {
    call: "events",
    field: "events.volume destroy Data.1_x-y",
    ours: '{"Action":"destroy","Actor":{"Attributes":{"driver":"local"},"ID":"Data.1_x-y"},"Type":"volume","scope":"local","time":"<time in seconds>","timeNano":"<time in nanoseconds>"}',
    dockerd: "absent",
  },
  {
    call: "events",
    field: "events.volume create data #3",
    ours: "absent",
    dockerd:
      '{"Action":"create","Actor":{"Attributes":{"driver":"local"},"ID":"data"},"Type":"volume","scope":"local","time":"<time in seconds>","timeNano":"<time in nanoseconds>"}',
  },
  {
    call: "events",
    field: "events.volume create data #4",
    ours: "absent",
    dockerd:
      '{"Action":"create","Actor":{"Attributes":{"driver":"local"},"ID":"data"},"Type":"volume","scope":"local","time":"<time in seconds>","timeNano":"<time in nanoseconds>"}',
  },
  {
    call: "events",
    field: "events.network disconnect <inner> #2",
    ours: "absent",
    dockerd:
      '{"Action":"disconnect","Actor":{"Attributes":{"container":"<member>","name":"inner","type":"bridge"},"ID":"<inner>"},"Type":"network","scope":"local","time":"<time in seconds>","timeNano":"<time in nanoseconds>"}',
  },
  {
    call: "events",
    field: "events.network disconnect <net> #2",
    ours: "absent",
    dockerd:
      '{"Action":"disconnect","Actor":{"Attributes":{"container":"<member>","name":"net","type":"bridge"},"ID":"<net>"},"Type":"network","scope":"local","time":"<time in seconds>","timeNano":"<time in nanoseconds>"}',
  },
  {
    call: "events",
    field: "events.network disconnect <net> #3",
    ours: "absent",
    dockerd:
      '{"Action":"disconnect","Actor":{"Attributes":{"container":"<member>","name":"net","type":"bridge"},"ID":"<net>"},"Type":"network","scope":"local","time":"<time in seconds>","timeNano":"<time in nanoseconds>"}',
  },
  { call: "events", field: "order.network.61", ours: '"network connect <subnet>"', dockerd: '"network disconnect <net>"' },
  { call: "events", field: "order.network.62", ours: '"network connect <net>"', dockerd: '"network connect <subnet>"' },
  { call: "events", field: "order.network.63", ours: '"network connect <inner>"', dockerd: '"network connect <net>"' },
  { call: "events", field: "order.network.64", ours: '"network disconnect <inner>"', dockerd: '"network connect <inner>"' },
  { call: "events", field: "order.network.65", ours: '"network disconnect <net>"', dockerd: '"network disconnect <inner>"' },
];
