import type { ContainerConfig, HostConfig } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import type { MountPointRecord } from "../container-record.ts";
import { namedInRequest } from "./missing-reference.ts";
import { type MountRequest, clean, modeAllowsWriting, parseBind, parseMount } from "./mount-spec.ts";

export interface PlanMountsInput {
  hostConfig: HostConfig;
  /** Merged with the image's, whose `VOLUME`s become anonymous volumes. */
  config: ContainerConfig;
  /** Read-only binds leave what is mounted below them writable, as clients of an API below 1.44 count on. */
  readOnlyNonRecursive: boolean;
  sourceExists(path: string): boolean;
  /** Mounts of a container named by `--volumes-from`; throws `notFound`. */
  mountsOf(ref: string): readonly MountPointRecord[];
}

/** What create has to prepare: mounts taken over as they are, and requests in the order they win. */
export interface MountPlan {
  inherited: MountPointRecord[];
  requests: MountRequest[];
}

/** Checks every mount a create asks for, `Duplicate mount point` included, and makes nothing. */
export function planMounts(input: PlanMountsInput): MountPlan {
  const { hostConfig, config } = input;
  const tmpfs = new Set(Object.keys(hostConfig.Tmpfs ?? {}).map(checkedTmpfsDestination));
  const taken = new Set<string>(tmpfs);
  const claim = (request: MountRequest): MountRequest => {
    if (taken.has(request.destination)) throw invalidArgument(`Duplicate mount point: ${request.destination}`);
    taken.add(request.destination);
    return request;
  };

  const binds = (hostConfig.Binds ?? []).map((raw) => claim(withDefaults(parseBind(raw, hostConfig.VolumeDriver ?? ""), input)));
  const mounts = (hostConfig.Mounts ?? []).map((mount) => claim(withDefaults(parseMount(mount, input), input)));
  const theirs = (hostConfig.VolumesFrom ?? [])
    .flatMap((text) => volumesFrom(text, input))
    .filter((mount) => !taken.has(mount.destination));
  const inherited = [...new Map(theirs.map((mount) => [mount.destination, mount])).values()];
  for (const mount of inherited) taken.add(mount.destination);

  // An image's VOLUME gives way to whatever is mounted there already.
  const volumes = Object.keys(config.Volumes ?? {})
    .map(imageVolume(hostConfig.VolumeDriver ?? ""))
    .filter((request) => !taken.has(request.destination));
  return { inherited, requests: [...binds, ...mounts, ...volumes] };
}

/** A plugin may have asked for what the client's API has no word for: that counts. */
function withDefaults(request: MountRequest, { readOnlyNonRecursive }: PlanMountsInput): MountRequest {
  const { type, rw, spec } = request;
  if (!readOnlyNonRecursive || type !== "bind" || rw || spec.BindOptions?.ReadOnlyForceRecursive) return request;
  return { ...request, spec: { ...spec, BindOptions: { ...spec.BindOptions, ReadOnlyNonRecursive: true } } };
}

function checkedTmpfsDestination(path: string): string {
  if (!path.startsWith("/")) throw invalidArgument(`invalid mount path: '${path}' mount path must be absolute`);
  if (clean(path) === "/") throw invalidArgument("invalid specification: destination can't be '/'");
  return clean(path);
}

/**
 * `container[:mode]`: its mounts, writable only where both sides allow it. An anonymous volume stays one: it goes with the last
 * container that has it.
 */
function volumesFrom(text: string, input: PlanMountsInput): MountPointRecord[] {
  const [ref = "", mode = ""] = text.split(":", 2);
  if (ref === "") throw invalidArgument(`malformed volumes-from specification: ${text}`);
  const writable = modeAllowsWriting(mode);
  return namedInRequest(() => input.mountsOf(ref)).map((mount) => ({
    ...mount,
    rw: mount.rw && writable,
    copyData: false,
  }));
}

const imageVolume =
  (driver: string) =>
  (path: string): MountRequest => ({
    type: "volume",
    source: "",
    destination: clean(path.startsWith("/") ? path : `/${path}`),
    mode: "",
    rw: true,
    propagation: "",
    copyData: true,
    spec: { Type: "volume", Target: path, ...(driver === "" ? {} : { VolumeOptions: { DriverConfig: { Name: driver } } }) },
    createSource: false,
    fromImage: true,
  });
