import type { Step } from "../step.ts";

/** Networks. */
export const networkCalls: Step[] = [
  { call: "GET /networks", unordered: [""] },
  { call: 'GET /networks?filters={"nosuch":["x"]}' },
  { call: "GET /networks/bridge" },
  { call: "GET /networks/none" },
  { call: "GET /networks/nosuch" },
  { call: "POST /networks/create", body: { Name: "net", CheckDuplicate: true }, binds: "net" },
  { call: "POST /networks/create", note: "again", body: { Name: "net", CheckDuplicate: true } },
  { call: "POST /networks/create", note: "no name", body: {} },
  { call: "GET /networks/net" },
  { call: "DELETE /networks/net" },
  { call: "DELETE /networks/net", note: "again" },
  { call: "DELETE /networks/bridge" },
  { call: "POST /networks/prune" },
];
