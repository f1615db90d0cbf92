import { invalidArgument } from "@pouchcontainer/errors";
import { isIP } from "node:net";
import { refuseBadNames } from "../networks/endpoint-plan.ts";
import { refuseNul } from "../refuse-nul.ts";
import type { PodConfig, PodPort } from "./pod-config.ts";
import { bandwidthOfAnnotations } from "./network/pod-bandwidth.ts";
import { checkSysctls } from "./pod-sysctls.ts";

/** Longest name the kernel takes for a host (`__NEW_UTS_LEN`). */
const nameLength = 64;

/** Refuses a configuration no pod can be made from. Allocates nothing. */
export function checkPodConfig(config: PodConfig, driver: "cgroupfs" | "systemd"): void {
  const { metadata, hostname, domainname, dns, cgroupParent, logDirectory, shmSizeBytes = 1 } = config;
  refuseNul(config);
  for (const key of ["name", "uid", "namespace"] as const) {
    if (key !== "uid" && metadata[key] === "") throw invalidArgument(`metadata.${key} of the pod is empty`);
    // They become part of CNI_ARGS, where these separate.
    if (/[;=\n]/.test(metadata[key])) throw invalidArgument(`metadata.${key} of the pod is not a name: "${metadata[key]}"`);
  }
  for (const [kind, text] of Object.entries({ "host name": hostname, "domain name": domainname }))
    if (!/^[A-Za-z0-9._-]*$/.test(text) || text.length > nameLength)
      throw invalidArgument(`the ${kind} "${text}" is not one, or has more than ${nameLength} characters`);
  refuseBadNames({ dns: dns?.servers ?? [], dnsSearch: dns?.searches ?? [], dnsOptions: dns?.options ?? [] });
  for (const port of config.ports) checkPort(port);
  if (logDirectory !== "" && !logDirectory.startsWith("/"))
    throw invalidArgument(`the log folder ${logDirectory} is not absolute`);
  if (!(shmSizeBytes > 0)) throw invalidArgument(`size of shared memory: ${shmSizeBytes} bytes`);
  checkParent(cgroupParent, driver);
  checkSysctls(config);
  bandwidthOfAnnotations(config.annotations);
}

function checkPort({ protocol, containerPort, hostPort, hostIp }: PodPort): void {
  if (!["tcp", "udp", "sctp"].includes(protocol)) throw invalidArgument(`port mapping: the protocol ${protocol} is none`);
  for (const port of [containerPort, hostPort])
    if (!Number.isInteger(port) || port < 0 || port > 65_535) throw invalidArgument(`port mapping: ${port} is not a port`);
  if (hostPort > 0 && containerPort === 0) throw invalidArgument(`port mapping: host port ${hostPort} leads to no port`);
  if (hostIp !== "" && isIP(hostIp) === 0) throw invalidArgument(`port mapping: ${hostIp} is not an address`);
}

function checkParent(parent: string, driver: "cgroupfs" | "systemd"): void {
  // eslint-disable-next-line no-control-regex -- what is looked for
  if (/[\0-\x1f]/.test(parent)) throw invalidArgument(`the control group ${JSON.stringify(parent)} has control characters`);
  if (parent.split("/").includes("..")) throw invalidArgument(`the control group ${parent} must not contain ".."`);
  if (driver === "systemd" && parent !== "" && !parent.endsWith(".slice"))
    throw invalidArgument(`the control group ${parent} is not a slice, which systemd's driver needs`);
}
