import { ContainerCreateConfig, ExecCreateConfig, NetworkCreateConfig, Volume, VolumeCreateConfig } from "@pouchcontainer/api";
import { Type } from "typebox";
import {
  containerExitSchema,
  endpointSchema,
  environmentSchema,
  imageRequestSchema,
  preStartHooksSchema,
  provenanceSchema,
  routesSchema,
  storedImageSchema,
} from "./body-schemas.ts";
import { podSandboxConfigSchema } from "./pod-sandbox-config.ts";
import { argument, pointRules, type Argument, type CallSubject, type PointEntry } from "./point-rules.ts";
import type { PointArguments, PointName } from "./points.ts";
import type { ImageRequest, PulledImage, StoredImage } from "./image-plugin.ts";

const createBody = argument("config", ContainerCreateConfig, { about: "`ContainerCreateConfig`" });
const volumeBody = argument("config", VolumeCreateConfig, { about: "`VolumeCreateConfig`" });
const networkBody = argument("config", NetworkCreateConfig, { about: "`NetworkCreateConfig`" });
const podBody = argument("config", podSandboxConfigSchema, { about: "CRI's PodSandboxConfig in protobuf's JSON" });
const criRequest = argument("criRequest", Type.Unknown());
const execBody = argument("config", ExecCreateConfig, { about: "the body of an exec create, `ExecCreateConfig`" });
const imageRequest = argument("request", imageRequestSchema, { about: "`reference`, `platform`" });
const aboutImage = "`reference`, `digest`, `platform`, `sizeBytes`, `config`";
const container = argument("container", Type.Object({}), { about: "`ContainerInspect`" });
const endpoint = argument("endpoint", endpointSchema);
const exit = argument("exit", containerExitSchema, { about: "`exitCode`, `oomKilled`" });
const env = argument("env", environmentSchema);
const provenance = argument("provenance", provenanceSchema, { about: "see below" });
const updateBody = argument("body", Type.Unknown(), { about: "a stream" });
const handlers = argument("handlers", routesSchema, { about: "the table of `{ method, path, handler }`" });

const ofContainer = ({ Labels, Image, Env }: ContainerCreateConfig): CallSubject => ({
  labels: Labels ?? {},
  image: Image,
  env: Env ?? [],
});
const ofLabels = ({ Labels }: { Labels?: Record<string, string> | null }): CallSubject => ({ labels: Labels ?? {} });

/** A point's entry; its method in the interface of its kind says for what `args` stand. */
type EntryOf<P extends PointName> = PointEntry & {
  readonly args: { readonly length: PointArguments<P>["length"] };
  /** What filters look at. Default: what the caller says of the container. */
  readonly concerns?: (...args: PointArguments<P>) => CallSubject;
};

/**
 * All points, in the order of a container's life. What is called, checked, sent, tried and documented follows from an entry here; what the
 * author of a plugin reads is the method of that name in the interface of its kind.
 */
export const points = {
  "daemon.preStartHook": { rule: "supervises", args: [] },
  "daemon.preStopHook": { rule: "supervises", args: [] },
  "api.updateHandler": { rule: "routes", args: [handlers], answer: handlers },
  "image.prePull": {
    rule: "changes",
    args: [imageRequest],
    answer: imageRequest,
    concerns: ({ reference }: ImageRequest): CallSubject => ({ image: reference }),
  },
  "image.postPull": {
    rule: "asks",
    args: [argument("snapshotter", Type.String()), argument("image", storedImageSchema, { about: aboutImage, isHandle: true })],
    concerns: (_snapshotter: string, image: PulledImage): CallSubject => ({ image: image.reference }),
    may: "`image.unpack(…)` into another snapshotter; throw to fail the pull",
  },
  "image.prePush": {
    rule: "asks",
    args: [argument("pushed", storedImageSchema, { about: aboutImage })],
    concerns: ({ reference }: StoredImage): CallSubject => ({ image: reference }),
  },
  "volume.preVolumeCreate": {
    rule: "changes",
    args: [volumeBody],
    answer: volumeBody,
    concerns: ofLabels,
    thenAsks: "volume.validateVolumeCreate",
    may: "change name, driver, options, labels; throw to refuse",
  },
  "volume.validateVolumeCreate": { rule: "asks", args: [volumeBody], concerns: ofLabels },
  "volume.preRemove": {
    rule: "asks",
    args: [argument("volume", Volume, { about: "`Volume`, as `volume inspect` shows it" })],
    concerns: ofLabels,
  },
  "network.preCreate": {
    rule: "changes",
    args: [networkBody],
    answer: networkBody,
    concerns: ofLabels,
    may: "change name, driver, addresses, options, labels; throw to refuse",
  },
  "cri.preRunPodSandbox": {
    rule: "changes",
    args: [podBody, criRequest],
    answer: podBody,
    concerns: ({ labels }: { labels?: Record<string, string> }): CallSubject => ({ labels: labels ?? {} }),
    may: "change the pod before it is made; throw to refuse",
  },
  "cri.preCreateContainer": { rule: "changes", args: [createBody, criRequest], answer: createBody, concerns: ofContainer },
  "container.preCreate": {
    rule: "changes",
    args: [createBody],
    answer: createBody,
    concerns: ofContainer,
    thenAsks: "container.validateCreate",
  },
  "container.validateCreate": { rule: "asks", args: [createBody], concerns: ofContainer },
  "container.postCreate": { rule: "tells", args: [container] },
  "container.preStart": {
    rule: "collects",
    args: [container],
    answer: argument("hooks", preStartHooksSchema),
    may: "return hooks `{ priority, args, env?, timeoutSeconds? }[]`; throw to refuse",
  },
  "container.postStart": { rule: "tells", args: [container] },
  "container.preCreateEndpoint": {
    rule: "changes",
    args: [argument("id", Type.String()), argument("env", Type.Array(Type.String())), endpoint],
    answer: endpoint,
    keeps: { of: "an endpoint", fields: ["networkName", "networkId", "driver"] },
    may: "change `priority`, `disableResolver`, `genericParams`, addresses, aliases, DNS; of a pod of Kubernetes: see below",
  },
  "container.preExec": { rule: "changes", args: [execBody], answer: execBody },
  "container.preUpdate": {
    rule: "rewrites",
    args: [updateBody],
    answer: updateBody,
    may: "return another stream; `readJson`, `jsonStream`, `rewriteJson` help",
  },
  "container.postUpdate": {
    rule: "changes",
    args: [argument("rootfs", Type.String()), env],
    answer: env,
    may: "change files below `rootfs` (with `writeInRootfs`), and the recorded environment",
  },
  "container.preStop": {
    rule: "tells",
    args: [container],
    may: "look, and hold the stop up within its deadline; a throw is logged and traced only",
  },
  "container.postStop": { rule: "tells", args: [container, exit] },
  "container.preRemove": { rule: "asks", args: [container] },
} as const satisfies { [P in PointName]: EntryOf<P> };

/** All points, in the table's order. */
// The keys of the table are the points: its type says so.
export const pointNames = Object.keys(points) as readonly PointName[];

/** A point's entry as data, for code that is the same for all. */
export function entryOf(point: PointName): PointEntry {
  return points[point];
}

const askedAfter: ReadonlySet<PointName> = new Set(pointNames.flatMap((point) => entryOf(point).thenAsks ?? []));

/** Whether plugins are asked about what others made of a body: then they are told who changed what of it. */
export function isAskedAfterChanges(point: PointName): boolean {
  return askedAfter.has(point);
}

/** All members of a point's request: the arguments of its method, and what stands in the method's `call`. */
export function membersOf(point: PointName): readonly Argument[] {
  const { args } = entryOf(point);
  return isAskedAfterChanges(point) ? [...args, provenance] : args;
}

/** What filters look at in a request, where they look into it at all; only then it is asked for. */
export function subjectOf(point: PointName, request: () => object): CallSubject | undefined {
  const { args, concerns } = points[point] as PointEntry & { concerns?: (...args: readonly unknown[]) => CallSubject };
  return concerns?.(...valuesOf(args, request()));
}

/** The arguments of a request, in order. */
export function valuesOf(args: PointEntry["args"], request: object): unknown[] {
  // A request has the members that its point's arguments name.
  const members = request as Record<string, unknown>;
  return args.map(({ name }) => members[name]);
}

/** Milliseconds a plugin has at a point when its manifest does not say. */
export function defaultTimeoutMs(point: PointName): number {
  return pointRules[points[point].rule].timeoutMs;
}
