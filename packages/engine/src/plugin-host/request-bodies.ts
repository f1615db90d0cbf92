import {
  ContainerCreateConfig,
  ExecCreateConfig,
  namedFields,
  NetworkCreateConfig,
  VolumeCreateConfig,
  type TSchema,
} from "@pouchcontainer/api";
import { EngineError, internal } from "@pouchcontainer/errors";
import type { Argument } from "@pouchcontainer/plugin-sdk/host";

/** What requests of the API have as bodies. */
const requestBodies = [ContainerCreateConfig, VolumeCreateConfig, NetworkCreateConfig, ExecCreateConfig] as const;

/** The schema of an argument that is the body of a request of the API. */
export function requestBodyOf({ schema }: Argument): (typeof requestBodies)[number] | undefined {
  return requestBodies.find((one) => one === schema);
}

/** A plugin's body with its fields under the names that a client's are read by; what has one of them twice is the plugin's fault. */
export function asRead(schema: TSchema, body: unknown): unknown {
  try {
    return namedFields(schema, body);
  } catch (cause) {
    throw internal(EngineError.from(cause).message, { cause });
  }
}
