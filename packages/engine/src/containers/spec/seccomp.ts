import { invalidArgument } from "@pouchcontainer/errors";
import type { Seccomp, SeccompArg, SeccompRule } from "@pouchcontainer/oci";
import { parseProfile, type Condition, type DockerRule } from "./seccomp-profile.ts";
import {
  callsByArchitecture,
  callsByCapability,
  callsSince48,
  harmlessPersonalities,
  namespaceCloneFlags,
  seccompArchitectures,
  unprivilegedCalls,
  vsockFamily,
} from "./seccomp-default.ts";

/** What a profile's conditions are judged by. */
export interface SeccompContext {
  /** Node's name of the machine type (`process.arch`). */
  architecture: string;
  /** `[6, 18]` for 6.18. */
  kernelVersion: readonly [number, number];
  /** With the `CAP_` prefix. */
  capabilities: readonly string[];
}

const enosys = 38;
const eperm = 1;

/** The filter of a container that brings no profile of its own. */
export function defaultSeccomp(context: SeccompContext): Seccomp {
  const has = (capability: string): boolean => context.capabilities.includes(capability);
  const calls = new Set([...unprivilegedCalls, ...(callsByArchitecture[context.architecture] ?? [])]);
  if (isAtLeast(context.kernelVersion, [4, 8])) for (const call of callsSince48) calls.add(call);
  for (const [capability, more] of Object.entries(callsByCapability))
    if (has(capability)) for (const call of more) calls.add(call);

  const rules: SeccompRule[] = [
    allow([...calls]),
    allow(["socket"], { index: 0, value: vsockFamily, op: "SCMP_CMP_NE" }),
    ...harmlessPersonalities.map((value) => allow(["personality"], { index: 0, value, op: "SCMP_CMP_EQ" })),
  ];
  if (!has("CAP_SYS_ADMIN")) {
    // On s390x the flags are clone's second argument.
    const index = context.architecture === "s390x" ? 1 : 0;
    rules.push(allow(["clone"], { index, value: namespaceCloneFlags, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }));
    // clone3 takes its flags from memory, where a filter cannot look: "not there" makes the C library use clone.
    rules.push({ names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: enosys });
  }
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: eperm,
    architectures: [...(seccompArchitectures[context.architecture] ?? [])],
    syscalls: rules,
  };
}

function allow(names: string[], ...args: SeccompArg[]): SeccompRule {
  return { names, action: "SCMP_ACT_ALLOW", ...(args.length === 0 ? {} : { args }) };
}

/** Go's names of machine types, which profiles use. */
const goArchitectures: Record<string, string> = { x64: "amd64", ia32: "x86", ppc64: "ppc64le" };

/** Turns the JSON text of a user's profile into the filter of this container. */
export function customSeccomp(json: string, context: SeccompContext): Seccomp {
  const profile = parseProfile(json);
  const { archMap, syscalls, ...rest } = profile;
  if (archMap && archMap.length > 0 && profile.architectures && profile.architectures.length > 0)
    throw invalidArgument(
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
    );

  const own = seccompArchitectures[context.architecture]?.[0];
  const mapped = archMap?.find((entry) => entry.architecture === own);
  const architectures = mapped
    ? [...(own === undefined ? [] : [own]), ...(mapped.subArchitectures ?? [])]
    : profile.architectures;
  const rules = (syscalls ?? []).flatMap((rule) => customRule(rule, context));
  return { ...rest, ...(architectures ? { architectures } : {}), syscalls: rules };
}

function customRule(rule: DockerRule, context: SeccompContext): SeccompRule[] {
  const { name, names, includes, excludes, action, args, errnoRet } = rule;
  if (name !== undefined && name !== "" && names && names.length > 0)
    throw invalidArgument("'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'");
  if (!applies(includes, excludes, context)) return [];
  return [
    {
      names: names && names.length > 0 ? names : name ? [name] : [],
      action,
      ...(errnoRet === undefined ? {} : { errnoRet }),
      ...(args && args.length > 0 ? { args } : {}),
    },
  ];
}

function applies(includes: Condition | undefined, excludes: Condition | undefined, context: SeccompContext): boolean {
  const architecture = goArchitectures[context.architecture] ?? context.architecture;
  const kernelIs = (minimum: string): boolean => isAtLeast(context.kernelVersion, parseKernel(minimum));
  if (excludes?.arches?.includes(architecture)) return false;
  if (excludes?.caps?.some((capability) => context.capabilities.includes(capability))) return false;
  if (excludes?.minKernel && kernelIs(excludes.minKernel)) return false;
  if (includes?.arches?.length && !includes.arches.includes(architecture)) return false;
  if (includes?.caps && !includes.caps.every((capability) => context.capabilities.includes(capability))) return false;
  if (includes?.minKernel && !kernelIs(includes.minKernel)) return false;
  return true;
}

/** `6.18.33-1` as `[6, 18]`. */
export function parseKernel(release: string): [number, number] {
  const [, major = "0", minor = "0"] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return [Number(major), Number(minor)];
}

export function isAtLeast(version: readonly [number, number], minimum: readonly [number, number]): boolean {
  return version[0] > minimum[0] || (version[0] === minimum[0] && version[1] >= minimum[1]);
}
