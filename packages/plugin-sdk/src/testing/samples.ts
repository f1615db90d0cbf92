import type { ContainerCreateConfig, ContainerInspect, Volume, VolumeCreateConfig } from "@pouchcontainer/api";
import type { Endpoint } from "../container-plugin.ts";
import type { PulledImage, StoredImage } from "../image-plugin.ts";

/** A small create body, as `docker run busybox` sends it, with `changes` on top. */
export function sampleContainerConfig(changes: Partial<ContainerCreateConfig> = {}): ContainerCreateConfig {
  return { Image: "busybox", Cmd: ["sh"], Env: ["PATH=/usr/bin:/bin"], Labels: {}, HostConfig: {}, ...changes };
}

/** A created container as `inspect` shows it: the fields that plugins commonly read, with `changes` on top. */
export function sampleContainer(changes: Partial<ContainerInspect> = {}): ContainerInspect {
  const sample = {
    Id: "1f0c".repeat(16),
    Name: "/sample",
    Image: `sha256:${"0".repeat(64)}`,
    Config: { Image: "busybox", Env: ["PATH=/usr/bin:/bin"], Labels: {} },
    HostConfig: { NetworkMode: "bridge" },
    State: { Status: "created", Running: false, Pid: 0 },
    ...changes,
  };
  // Enough of the type for a test; a plugin that reads a rarer field passes it in `changes`.
  return sample as unknown as ContainerInspect;
}

/** An endpoint in a bridge network named "web", with `changes` on top. */
export function sampleEndpoint(changes: Partial<Endpoint> = {}): Endpoint {
  return {
    networkName: "web",
    networkId: "9a".repeat(32),
    driver: "bridge",
    priority: 0,
    disableResolver: false,
    genericParams: {},
    aliases: [],
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
    driverOptions: {},
    ...changes,
  };
}

/** A volume's create body, with `changes` on top. */
export function sampleVolumeConfig(changes: Partial<VolumeCreateConfig> = {}): VolumeCreateConfig {
  return { Name: "data", Driver: "local", DriverOpts: {}, Labels: {}, ...changes };
}

/** A volume as `volume inspect` shows it, with `changes` on top. */
export function sampleVolume(changes: Partial<Volume> = {}): Volume {
  return {
    CreatedAt: "2026-01-02T10:00:00Z",
    Driver: "local",
    Labels: {},
    Mountpoint: "/var/lib/pouch/volumes/data/_data",
    Name: "data",
    Options: null,
    Scope: "local",
    ...changes,
  };
}

/** An image that is here. */
export function sampleStoredImage(changes: Partial<StoredImage> = {}): StoredImage {
  return {
    reference: "busybox:latest",
    digest: `sha256:${"b".repeat(64)}`,
    platform: "linux/amd64",
    sizeBytes: 2_000_000,
    config: { architecture: "amd64", os: "linux" },
    ...changes,
  };
}

/** A pulled image that remembers what it was unpacked to. */
export function sampleImage(changes: Partial<PulledImage> = {}): PulledImage & { readonly unpackedTo: string[] } {
  const unpackedTo: string[] = [];
  return {
    ...sampleStoredImage(),
    unpack: async (snapshotter) => void unpackedTo.push(snapshotter),
    isUnpacked: async (snapshotter) => unpackedTo.includes(snapshotter),
    ...changes,
    unpackedTo,
  };
}
