import { fromJson, toJson, type JsonValue } from "@bufbuild/protobuf";
import { checkPodConfig, type PodSandboxConfig as PodSandboxDraft, type TraceEntry } from "@pouchcontainer/engine";
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

/** What is checked of a pod on its way, for a plugin that changes it. */
function verifierOf(runtimeHandler: string, cgroupDriver: Deps["cgroupDriver"]): (draft: PodSandboxDraft) => void {
  return (draft) => checkPodConfig(translatePod(messageOf(draft), { runtimeHandler, cgroupDriver }), cgroupDriver);
}

// A draft is made of what is JSON, by copies that are.
const messageOf = (draft: PodSandboxDraft): PodSandboxConfig => fromJson(PodSandboxConfigSchema, draft as JsonValue);

/** Plugins see CRI's messages in protobuf's JSON. */
async function afterPlugins(
  { preRunPodSandbox, cgroupDriver }: Deps,
  request: RunPodSandboxRequest,
  asked: PodSandboxConfig,
  signal: AbortSignal,
  calls: TraceEntry[],
): Promise<PodSandboxConfig> {
  // The draft's type is that of the message in this form.
  const draft = toJson(PodSandboxConfigSchema, asked) as PodSandboxDraft;
  const podName = asked.metadata?.name ?? "";
  const verify = verifierOf(request.runtimeHandler, cgroupDriver);
  const context = { podName, labels: asked.labels, signal, calls, verify };
  const changed = await preRunPodSandbox(draft, { config: draft, runtimeHandler: request.runtimeHandler }, context);
  if (changed === draft) return asked;
  try {
    return messageOf(changed);
  } catch (error) {
    throw internal(`plugins at cri.preRunPodSandbox left no sandbox config: ${messageChain(error)}`, { cause: error });
  }
}
