import type { Step } from "../step.ts";

/** Volumes. */
export const volumeCalls: Step[] = [
  { call: "GET /volumes", note: "none yet" },
  { call: "POST /volumes/create", body: { Name: "data", Labels: { a: "b" } } },
  { call: "POST /volumes/create", note: "again", body: { Name: "data" } },
  { call: "POST /volumes/create", note: "bad name", body: { Name: "a/b" } },
  { call: "POST /volumes/create", note: "bad option", body: { Name: "xx", DriverOpts: { nosuch: "1" } } },
  { call: "GET /volumes" },
  { call: 'GET /volumes?filters={"name":["data"]}' },
  { call: 'GET /volumes?filters={"nosuch":["x"]}' },
  { call: "GET /volumes/data" },
  { call: "GET /volumes/nosuch" },
  { call: "DELETE /volumes/data" },
  { call: "DELETE /volumes/data", note: "again" },
  { call: "DELETE /volumes/data?force=1", note: "again" },
  { call: "POST /volumes/prune" },
];
