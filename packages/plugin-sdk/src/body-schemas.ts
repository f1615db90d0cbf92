import { Type } from "typebox";
import { programWord } from "./program-word.ts";

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
      args: Type.Array(programWord, { minItems: 1 }),
      env: Type.Optional(Type.Array(Type.String({ pattern: "^[^=\\u0000]+=[^\\u0000]*$" }))),
      timeoutSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: maxHookTimeoutSeconds })),
    },
    { additionalProperties: false },
  ),
  { maxItems: maxHooks },
);

/** JSON Schema of the environment that `container.postUpdate` returns. */
export const environmentSchema = Type.Array(Type.String({ pattern: "^[^=\\u0000]+(=[^\\u0000]*)?$" }));

/** JSON Schema of how a container ended, for `container.postStop`. */
export const containerExitSchema = Type.Object({ exitCode: Type.Integer(), oomKilled: Type.Boolean() });

/** JSON Schema of what `image.prePull` may change. */
export const imageRequestSchema = Type.Object({ reference: Type.String({ minLength: 1 }), platform: Type.String() });

/** JSON Schema of an image that is here, without what asks the daemon. */
export const storedImageSchema = Type.Object({
  reference: Type.String(),
  digest: Type.String(),
  platform: Type.String(),
  sizeBytes: Type.Integer(),
  config: Type.Unknown(),
});

/** JSON Schema of the routes that `api.updateHandler` shows, without their handlers. */
export const routesSchema = Type.Array(Type.Object({ method: Type.String(), path: Type.String() }));

const write = {
  plugin: Type.String(),
  old: Type.Optional(Type.Unknown()),
  new: Type.Optional(Type.Unknown()),
  field: Type.Optional(Type.String()),
};

/** JSON Schema of who changed what of a body. */
export const provenanceSchema = Type.Record(
  Type.String(),
  Type.Object({ ...write, earlier: Type.Optional(Type.Array(Type.Object(write))) }),
);
