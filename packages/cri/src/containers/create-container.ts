import { toJson } from "@bufbuild/protobuf";
import { BodyHistory, type PodRecord, type TraceEntry } from "@pouchcontainer/engine";
import { alreadyExists, invalidArgument, isKind } from "@pouchcontainer/errors";
import { CreateContainerRequestSchema, type CreateContainerRequest, type RuntimeService } from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { ContainersDeps, CreateBody } from "./containers-deps.ts";
import { podContainers } from "./find-container.ts";
import { podLabel, translateCreate, type TranslatedCreate } from "./translate/create-body.ts";
import { containerLogPath } from "./translate/log-path.ts";
import { pidNamespace } from "./translate/pid-namespace.ts";

/**
 * Makes a container in a pod that is ready. First the request is translated, then plugins of `cri.preCreateContainer` change the body,
 * without anything held; then the engine makes it, while the pod cannot go. Nothing is left of one that fails.
 */
export function createContainer(deps: ContainersDeps): Handler<typeof RuntimeService.method.createContainer> {
  return async (request, { signal }) => {
    const { config } = request;
    if (config === undefined) throw invalidArgument("create container: the request has no config");
    const pod = deps.pods.requireReady(request.podSandboxId);
    const translated = translateCreate(config, pod, deps);
    const membership = {
      logPath: containerLogPath(request.sandboxConfig?.logDirectory || pod.config.logDirectory, config.logPath),
      pid: pidNamespace(config.linux?.securityContext?.namespaceOptions, pod, deps.containers),
    };
    refuseTaken(deps, translated);
    const { body, ...changes } = await changedByPlugins(deps, { request, pod, body: translated.body, signal });
    signal.throwIfAborted();
    const settings = { ...translated.settings, identity: { ...translated.settings.identity, labels: toldLabels(body) } };
    const { Id: containerId } = await deps.pods.whileReady(pod.id, async ({ id }) =>
      named(deps.containers.create(body, { pod: deps.pods.membershipOf(id, membership), cri: settings, ...changes })),
    );
    return { containerId };
  };
}

/** Before plugins are asked; somebody may still take it. */
function refuseTaken({ containers }: ContainersDeps, { body: { Name: name = "" } }: TranslatedCreate): void {
  const holder = podContainers(containers).find((record) => record.name === name);
  if (holder !== undefined) throw alreadyExists(`the container name "${name}" is reserved for ${holder.id}`);
}

/** A name that was taken in the meantime is told as one that was taken before. */
async function named<T>(made: Promise<T>): Promise<T> {
  try {
    return await made;
  } catch (cause) {
    if (isKind(cause, "conflict")) throw alreadyExists(cause.message, { cause });
    throw cause;
  }
}

async function changedByPlugins(
  { chains }: ContainersDeps,
  { request, pod, body, signal }: { request: CreateContainerRequest; pod: PodRecord; body: CreateBody; signal: AbortSignal },
): Promise<{ body: CreateBody; calls: TraceEntry[]; history: BodyHistory }> {
  const calls: TraceEntry[] = [];
  const history = new BodyHistory();
  const { Name: containerName, Labels: labels, Image: image, Env: env } = body;
  const changed = await chains.criPreCreateContainer(body, requestForPlugins(request, pod), {
    ...(containerName !== undefined && { containerName }),
    ...(labels !== undefined && { labels }),
    ...(image !== undefined && { image }),
    ...(env !== undefined && { env }),
    signal,
    calls,
    history,
  });
  return { body: changed, calls, history };
}

/** The request as protobuf's JSON, with its sandbox also where a client left that out. */
function requestForPlugins(request: CreateContainerRequest, { id, config }: PodRecord): unknown {
  const { metadata, hostname, logDirectory, labels, annotations } = config;
  const json = toJson(CreateContainerRequestSchema, request);
  return { sandboxConfig: { metadata, hostname, logDirectory, labels, annotations }, ...Object(json), podSandboxId: id };
}

function toldLabels({ Labels }: CreateBody): Record<string, string> {
  const { [podLabel]: _pod, ...labels } = Labels ?? {};
  return labels;
}
