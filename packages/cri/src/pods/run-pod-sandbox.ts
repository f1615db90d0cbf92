import { fromJson, toJson, type JsonValue } from "@bufbuild/protobuf";
import type { PodSandboxConfig as PodSandboxDraft, TraceEntry } from "@pouchcontainer/engine";
import { internal, invalidArgument, messageChain } from "@pouchcontainer/errors";
import {
  PodSandboxConfigSchema,
  type PodSandboxConfig,
  type RunPodSandboxRequest,
  type RuntimeService,
} from "../gen/runtime_v1_pb.ts";
import type { Handler } from "../wire/handlers.ts";
import type { PodCallDeps } from "./pod-call-deps.ts";
import { translatePod } from "./translate-pod.ts";

type Deps = Pick<PodCallDeps, "pods" | "handlers" | "cgroupDriver" | "preRunPodSandbox">;

/** Makes a pod that containers can be put into, as plugins would have it. What fails or is cancelled leaves nothing. */
export function runPodSandbox(deps: Deps): Handler<typeof RuntimeService.method.runPodSandbox> {
  return async (request, { signal }) => {
    const { config: asked, runtimeHandler } = request;
    if (asked?.metadata === undefined) throw invalidArgument("sandbox config must include metadata");
    if (!deps.handlers.includes(runtimeHandler)) throw invalidArgument(`no runtime for "${runtimeHandler}" is configured`);
    const trace: TraceEntry[] = [];
    const config = await afterPlugins(deps, request, asked, signal, trace);
    const { id } = await deps.pods.run(translatePod(config, { runtimeHandler, cgroupDriver: deps.cgroupDriver }), {
      signal,
      trace,
    });
    return { podSandboxId: id };
  };
}

/** Plugins see CRI's messages in protobuf's JSON. */
async function afterPlugins(
  { preRunPodSandbox }: Deps,
  request: RunPodSandboxRequest,
  asked: PodSandboxConfig,
  signal: AbortSignal,
  calls: TraceEntry[],
): Promise<PodSandboxConfig> {
  // The draft's type is that of the message in this form.
  const draft = toJson(PodSandboxConfigSchema, asked) as PodSandboxDraft;
  const podName = asked.metadata?.name ?? "";
  const context = { podName, labels: asked.labels, signal, calls };
  const changed = await preRunPodSandbox(draft, { config: draft, runtimeHandler: request.runtimeHandler }, context);
  if (changed === draft) return asked;
  try {
    // Made of what is JSON, by copies that are.
    return fromJson(PodSandboxConfigSchema, changed as JsonValue);
  } catch (error) {
    throw internal(`plugins at cri.preRunPodSandbox left no sandbox config: ${messageChain(error)}`, { cause: error });
  }
}
