import { decodeBody } from "@pouchcontainer/api";
import { EngineError, invalidArgument } from "@pouchcontainer/errors";
import type { SeccompAction, SeccompArg } from "@pouchcontainer/oci";
import { Type, type Static } from "typebox";

const text = Type.String();
const texts = Type.Optional(Type.Array(text));
const whole = Type.Integer();
const unsigned = Type.Integer({ minimum: 0 });
/** What is not said is 0, as in Go. */
const orZero = Type.Integer({ minimum: 0, default: 0 });
// Which there are is the runtime's to judge.
const action = Type.Unsafe<SeccompAction>(text);
const operator = Type.Unsafe<SeccompArg["op"]>(text);

const condition = Type.Optional(Type.Object({ caps: texts, arches: texts, minKernel: Type.Optional(text) }));

const argument = Type.Object({ index: orZero, value: orZero, valueTwo: Type.Optional(unsigned), op: operator });

const rule = Type.Object({
  name: Type.Optional(text),
  names: texts,
  action,
  errnoRet: Type.Optional(whole),
  args: Type.Optional(Type.Array(argument)),
  includes: condition,
  excludes: condition,
});

/** A profile as Docker's `--security-opt seccomp=` takes it: the OCI form plus conditions and an architecture map. */
const profile = Type.Object({
  defaultAction: action,
  defaultErrnoRet: Type.Optional(whole),
  architectures: texts,
  archMap: Type.Optional(Type.Array(Type.Object({ architecture: Type.Optional(text), subArchitectures: texts }))),
  flags: texts,
  listenerPath: Type.Optional(text),
  listenerMetadata: Type.Optional(text),
  syscalls: Type.Optional(Type.Array(rule)),
});

export type DockerProfile = Static<typeof profile>;
export type DockerRule = Static<typeof rule>;
export type Condition = Static<typeof condition>;

/** Reads it as Go does. Throws `invalidArgument` in dockerd's words for what is none. */
export function parseProfile(json: string): DockerProfile {
  try {
    return decodeBody(profile, JSON.parse(json), { subject: "it" });
  } catch (cause) {
    throw invalidArgument(`Decoding seccomp profile failed: ${EngineError.from(cause).message}`, { cause });
  }
}
