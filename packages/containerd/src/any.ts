import { internal } from "@pouchcontainer/errors";
import type { AnyValue } from "./types.ts";

/**
 * containerd packs the OCI runtime types as JSON and names them by these URLs (containerd `pkg/oci`, `typeurl.Register`);
 * protobuf messages go by their bare full name.
 */
export const TypeUrl = {
  spec: "types.containerd.io/opencontainers/runtime-spec/1/Spec",
  process: "types.containerd.io/opencontainers/runtime-spec/1/Process",
  linuxResources: "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources",
  runcOptions: "containerd.runc.v1.Options",
} as const;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function packJson(typeUrl: string, value: unknown): AnyValue {
  return { typeUrl, value: encoder.encode(JSON.stringify(value)) };
}

/** The JSON value inside; containerd itself never puts anything but JSON where an OCI type is. */
export function unpackJson(any: AnyValue): unknown {
  try {
    return JSON.parse(decoder.decode(any.value));
  } catch (cause) {
    throw internal(`the value of type ${any.typeUrl} is not JSON`, { cause });
  }
}

/** The message's full name: what follows the last slash, since containerd writes it with and without a host. */
export function messageNameOf(any: AnyValue): string {
  return any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1);
}

export function plainAny(any: AnyValue): AnyValue {
  return { typeUrl: any.typeUrl, value: any.value };
}
