import { defaultApparmorProfile, type CriSettings, type PodConfig } from "@pouchcontainer/engine";
import { failedPrecondition, invalidArgument } from "@pouchcontainer/errors";
import {
  NamespaceMode,
  SecurityProfile_ProfileType as ProfileType,
  SupplementalGroupsPolicy,
  type Capability,
  type LinuxContainerSecurityContext,
  type SecurityProfile,
} from "../../gen/runtime_v1_pb.ts";
import type { ContainersDeps, CreateBody } from "../containers-deps.ts";
import { idText, userText } from "./user.ts";

export interface TranslatedSecurity {
  user?: string;
  hostConfig: NonNullable<CreateBody["HostConfig"]>;
  settings: CriSettings;
}

/**
 * A security context in Docker's words, and in `CriSettings` where it has none. What is not said is as CRI has it: without a profile
 * seccomp is off, and no path is masked; a request that has no security context at all gets Docker's defaults of both.
 */
export function translateSecurity(
  context: LinuxContainerSecurityContext | undefined,
  pod: Pick<PodConfig, "privileged">,
  host: Pick<ContainersDeps, "hasSeccomp" | "apparmorProfiles">,
): TranslatedSecurity {
  if (context === undefined) return { hostConfig: {}, settings: {} };
  refuseUnsupported(context, pod);
  const user = userText(context);
  const { hostConfig, ambient } = capabilitiesOf(context.capabilities);
  const seccomp = seccompOf(context);
  if (seccomp !== "unconfined" && !host.hasSeccomp)
    throw failedPrecondition(
      `seccomp is not supported: the profile ${typeof seccomp === "object" ? seccomp.path : "RuntimeDefault"} cannot be enforced by ` +
        "this machine's kernel: ask for Unconfined, or for none",
    );
  return {
    ...(user !== undefined && { user }),
    hostConfig: {
      ...hostConfig,
      ...(context.privileged && { Privileged: true }),
      ...(context.readonlyRootfs && { ReadonlyRootfs: true }),
      MaskedPaths: [...context.maskedPaths],
      ReadonlyPaths: [...context.readonlyPaths],
      SecurityOpt: [
        ...(context.noNewPrivs ? ["no-new-privileges"] : []),
        ...(seccomp === "unconfined" ? ["seccomp=unconfined"] : []),
        ...apparmorOptions(context, host),
      ],
    },
    settings: {
      ...(ambient.length > 0 && { ambientCapabilities: ambient }),
      ...(typeof seccomp === "object" && { seccompPath: seccomp.path }),
      supplementalGroups: context.supplementalGroups.map((id) => Number(idText(id, "supplemental_groups"))),
      supplementalGroupsPolicy: context.supplementalGroupsPolicy === SupplementalGroupsPolicy.Strict ? "strict" : "merge",
    },
  };
}

function refuseUnsupported({ privileged, namespaceOptions }: LinuxContainerSecurityContext, pod: { privileged: boolean }): void {
  if (privileged && !pod.privileged)
    throw failedPrecondition("no privileged container is allowed in a pod that is not privileged");
  if (namespaceOptions?.usernsOptions?.mode === NamespaceMode.POD)
    throw invalidArgument("user namespaces are not supported: userns_options.mode POD cannot be given");
}

/** One that is to be added and dropped is dropped, as in containerd. */
function capabilitiesOf(asked: Capability | undefined): { hostConfig: TranslatedSecurity["hostConfig"]; ambient: string[] } {
  const { addCapabilities: add = [], dropCapabilities: drop = [], addAmbientCapabilities: ambient = [] } = asked ?? {};
  const bare = (name: string): string => name.toUpperCase().replace(/^CAP_/, "");
  const dropped = new Set(drop.map(bare));
  const added = add.filter((name) => bare(name) === "ALL" || !dropped.has(bare(name)));
  return {
    hostConfig: { ...(added.length > 0 && { CapAdd: added }), ...(drop.length > 0 && { CapDrop: [...drop] }) },
    ambient: [...ambient],
  };
}

const localhost = "localhost/";

function seccompOf({
  seccomp,
  seccompProfilePath,
  privileged,
}: LinuxContainerSecurityContext): "default" | "unconfined" | { path: string } {
  if (privileged) return "unconfined";
  if (seccomp === undefined) return seccompOfText(seccompProfilePath);
  switch (seccomp.profileType) {
    case ProfileType.RuntimeDefault:
      return "default";
    case ProfileType.Localhost:
      return { path: localProfile(seccomp, "seccomp") };
    default:
      return "unconfined";
  }
}

/** As kubelets before 1.19 said it. */
function seccompOfText(profile: string): "default" | "unconfined" | { path: string } {
  if (profile === "" || profile === "unconfined") return "unconfined";
  if (profile === "runtime/default" || profile === "docker/default") return "default";
  if (profile.startsWith(localhost)) return { path: profile.slice(localhost.length) };
  throw invalidArgument(`seccomp_profile_path: unknown profile ${profile}`);
}

/** A profile that nobody would enforce is refused, the runtime's own too. Who names none has the runtime's where that is loaded. */
function apparmorOptions(
  { apparmor, apparmorProfile }: LinuxContainerSecurityContext,
  host: Pick<ContainersDeps, "apparmorProfiles">,
): string[] {
  const profile = apparmor === undefined ? apparmorOfText(apparmorProfile) : apparmorOf(apparmor);
  if (profile === "") return [];
  if (profile !== "unconfined") refuseUnloaded(profile, host.apparmorProfiles());
  return [`apparmor=${profile}`];
}

function refuseUnloaded(profile: string, loaded: readonly string[] | undefined): void {
  if (loaded === undefined)
    throw failedPrecondition(
      `apparmor is not supported: profile ${profile} cannot be enforced, since this machine has no AppArmor: ask for Unconfined, or for none`,
    );
  if (loaded.includes(profile)) return;
  const meaning = profile === defaultApparmorProfile ? ", which RuntimeDefault stands for," : "";
  const loader = profile === defaultApparmorProfile ? "; dockerd, where there is one, loads it when it starts" : "";
  throw failedPrecondition(
    `apparmor: profile ${profile}${meaning} is not loaded on this machine: load it with apparmor_parser -r FILE${loader}`,
  );
}

function apparmorOf(apparmor: SecurityProfile): string {
  switch (apparmor.profileType) {
    case ProfileType.RuntimeDefault:
      return defaultApparmorProfile;
    case ProfileType.Localhost:
      return localProfile(apparmor, "apparmor");
    default:
      return "unconfined";
  }
}

function apparmorOfText(profile: string): string {
  if (profile === "runtime/default") return defaultApparmorProfile;
  return profile.startsWith(localhost) ? profile.slice(localhost.length) : profile;
}

function localProfile({ localhostRef }: SecurityProfile, field: string): string {
  const name = localhostRef.startsWith(localhost) ? localhostRef.slice(localhost.length) : localhostRef;
  if (name === "") throw invalidArgument(`${field}: profile type Localhost needs a localhost_ref`);
  return name;
}
