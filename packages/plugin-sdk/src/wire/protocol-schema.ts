import { ContainerCreateConfig, VolumeCreateConfig } from "@pouchcontainer/api";
import { Type, type TProperties, type TSchema } from "typebox";
import { endpointSchema, environmentSchema, preStartHooksSchema } from "../body-checks.ts";
import { pouchSectionSchema } from "../manifest-schema.ts";
import { podSandboxConfigSchema } from "../pod-sandbox-config.ts";
import { pointPath } from "./wire.ts";

const call = Type.Object({
  id: Type.String(),
  timeoutMs: Type.Integer(),
  container: Type.Optional(Type.Object({ id: Type.Optional(Type.String()), name: Type.Optional(Type.String()) })),
});

const route = Type.Object({ method: Type.String(), path: Type.String() });

const operations = Type.Array(
  Type.Object({
    op: Type.Enum(["add", "remove", "replace", "wrap"]),
    ...route.properties,
    before: Type.Optional(Type.Boolean()),
    after: Type.Optional(Type.Boolean()),
    requestBody: Type.Optional(Type.Boolean()),
    responseBody: Type.Optional(Type.Boolean()),
  }),
);

const image = Type.Object({
  reference: Type.String(),
  digest: Type.String(),
  platform: Type.String(),
  sizeBytes: Type.Integer(),
  config: Type.Unknown(),
});

const exchange = (request: TProperties, answer: Record<string, TSchema>) => ({
  request: Type.Object({ call, ...request }),
  // What is left out of an answer did not change.
  answer: Type.Object(Object.fromEntries(Object.entries(answer).map(([name, schema]) => [name, Type.Optional(schema)]))),
});

const daemonPoint = exchange({ stateDirectory: Type.String() }, {});

/** JSON Schemas of the bodies of docs/plugin-protocol.md, by path. `PreUpdate` has none: its bodies are raw. */
const protocolSchemas = {
  manifest: pouchSectionSchema,
  "/Plugin.Activate": {
    request: Type.Object({ apiVersion: Type.String(), name: Type.String(), configuration: Type.Object({}) }),
    answer: Type.Object({ Implements: Type.Array(Type.String()) }),
  },
  error: Type.Object({ Err: Type.String(), Kind: Type.Optional(Type.String()) }),
  [pointPath("container.preCreate")]: exchange({ config: ContainerCreateConfig }, { config: ContainerCreateConfig }),
  [pointPath("container.validateCreate")]: exchange({ config: ContainerCreateConfig }, {}),
  [pointPath("container.preStart")]: exchange({ container: Type.Object({}) }, { hooks: preStartHooksSchema }),
  [pointPath("container.preCreateEndpoint")]: exchange(
    { id: Type.String(), env: Type.Array(Type.String()), endpoint: endpointSchema },
    { endpoint: endpointSchema },
  ),
  [pointPath("container.postUpdate")]: exchange({ rootfs: Type.String(), env: environmentSchema }, { env: environmentSchema }),
  [pointPath("daemon.preStartHook")]: daemonPoint,
  [pointPath("daemon.preStopHook")]: daemonPoint,
  [pointPath("volume.preVolumeCreate")]: exchange({ config: VolumeCreateConfig }, { config: VolumeCreateConfig }),
  [pointPath("volume.validateVolumeCreate")]: exchange({ config: VolumeCreateConfig }, {}),
  [pointPath("cri.preRunPodSandbox")]: exchange(
    { config: podSandboxConfigSchema, criRequest: Type.Unknown() },
    { config: podSandboxConfigSchema },
  ),
  [pointPath("cri.preCreateContainer")]: exchange(
    { config: ContainerCreateConfig, criRequest: Type.Unknown() },
    { config: ContainerCreateConfig },
  ),
  [pointPath("image.postPull")]: exchange({ snapshotter: Type.String(), image }, {}),
  [pointPath("api.updateHandler")]: exchange({ handlers: Type.Array(route), inUse: Type.Array(Type.String()) }, { operations }),
};

/** The text of docs/plugin-protocol.schema.json. */
export function protocolSchemaDocument(): string {
  const document = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Bodies of the PouchContainer plugin protocol",
    definitions: protocolSchemas,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
