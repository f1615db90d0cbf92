import { ContainerCreateConfig, VolumeCreateConfig } from "@pouchcontainer/api";
import { podSandboxConfigSchema } from "./pod-sandbox-config.ts";
import { Type, type TSchema } from "typebox";
import { Compile } from "typebox/compile";
import type { SchemaIssue } from "./schema-issue.ts";

/** Complaints about a body; none when it is valid. */
export type BodyCheck = (value: unknown) => readonly SchemaIssue[];

/** One check per body that a plugin may change or make. */
export interface BodyChecks {
  containerCreate: BodyCheck;
  volumeCreate: BodyCheck;
  podSandbox: BodyCheck;
  endpoint: BodyCheck;
  preStartHooks: BodyCheck;
  environment: BodyCheck;
}

const strings = Type.Array(Type.String());

/** JSON Schema of an endpoint as `container.preCreateEndpoint` may leave it. */
export const endpointSchema = Type.Object({
  networkName: Type.String(),
  networkId: Type.String(),
  driver: Type.String(),
  priority: Type.Integer(),
  disableResolver: Type.Boolean(),
  genericParams: Type.Record(Type.String(), Type.Unknown()),
  ipv4Address: Type.Optional(Type.String()),
  ipv6Address: Type.Optional(Type.String()),
  macAddress: Type.Optional(Type.String()),
  aliases: strings,
  dns: strings,
  dnsSearch: strings,
  dnsOptions: strings,
  driverOptions: Type.Record(Type.String(), Type.String()),
});

/** What a hook has that names no timeout. */
export const defaultHookTimeoutSeconds = 30;
/** Longest time of one hook: the client's `start` waits for it. */
const maxHookTimeoutSeconds = 300;
/** Most hooks of one plugin for one start. */
const maxHooks = 100;

/** JSON Schema of the hooks that `container.preStart` returns. */
export const preStartHooksSchema = Type.Array(
  Type.Object(
    {
      priority: Type.Integer(),
      args: Type.Array(Type.String(), { minItems: 1 }),
      env: Type.Optional(Type.Array(Type.String({ pattern: "^[^=]+=" }))),
      timeoutSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: maxHookTimeoutSeconds })),
    },
    { additionalProperties: false },
  ),
  { maxItems: maxHooks },
);

/** JSON Schema of the environment that `container.postUpdate` returns. */
export const environmentSchema = Type.Array(Type.String({ pattern: "^[^=]+" }));

function check(schema: TSchema): BodyCheck {
  const validator = Compile(schema);
  return (value) => (validator.Check(value) ? [] : validator.Errors(value));
}

/** Compiles all checks; some milliseconds, once per daemon. */
export function compileBodyChecks(): BodyChecks {
  return {
    containerCreate: check(ContainerCreateConfig),
    volumeCreate: check(VolumeCreateConfig),
    podSandbox: check(podSandboxConfigSchema),
    endpoint: check(endpointSchema),
    preStartHooks: check(preStartHooksSchema),
    environment: check(environmentSchema),
  };
}
