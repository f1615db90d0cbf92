import type { Step } from "../step.ts";

/** What dockerd looks for during 15 seconds. */
export const slowCalls: Step[] = [
  {
    call: "POST /containers/create",
    note: "LogConfig unknown",
    body: { Image: "busybox", HostConfig: { LogConfig: { Type: "nosuch" } } },
    goesOn: "unanswered",
  },
  { call: "POST /volumes/create", note: "no driver", body: { Name: "xx", Driver: "nosuch" }, goesOn: "unanswered" },
  { call: "POST /networks/create", note: "no driver", body: { Name: "xx", Driver: "nosuch" }, goesOn: "unanswered" },
  {
    call: "POST /networks/create",
    note: "no IPAM driver",
    body: { Name: "bad", IPAM: { Driver: "nosuch" } },
    goesOn: "unanswered",
  },
];
