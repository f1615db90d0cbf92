import type { MembershipOptions, PodRecord } from "@pouchcontainer/engine";
import { failedPrecondition, invalidArgument } from "@pouchcontainer/errors";
import { NamespaceMode, type NamespaceOption } from "../../gen/runtime_v1_pb.ts";
import type { CriContainers } from "../containers-deps.ts";
import { requireContainer } from "../find-container.ts";

/**
 * Whose processes a container sees. `POD` is also what a request has that says nothing: in a pod that shares no pid namespace it is the
 * container's own. The host's processes are seen in a pod that sees them, and in no other, whatever a container asks for: as with the
 * network, it is the pod that was allowed them.
 */
export function pidNamespace(
  options: NamespaceOption | undefined,
  pod: PodRecord,
  containers: Pick<CriContainers, "records">,
): NonNullable<MembershipOptions["pid"]> {
  switch (options?.pid ?? NamespaceMode.POD) {
    case NamespaceMode.CONTAINER:
      return "container";
    case NamespaceMode.TARGET:
      return { path: namespaceOf(options?.targetId ?? "", pod, containers) };
    default:
      return pod.config.namespaces.pid;
  }
}

function namespaceOf(targetId: string, pod: PodRecord, containers: Pick<CriContainers, "records">): string {
  const target = requireContainer(containers, targetId);
  if (target.pod.podId !== pod.id) throw invalidArgument(`target_id: container ${target.id} is not in pod ${pod.id}`);
  if (target.state.pid === 0) throw failedPrecondition(`target_id: container ${target.id} is not running`);
  return `/proc/${target.state.pid}/ns/pid`;
}
