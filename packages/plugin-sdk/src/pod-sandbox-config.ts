import { Type, type Static } from "typebox";

const text = Type.Optional(Type.String());
const texts = Type.Optional(Type.Array(Type.String()));
const map = Type.Optional(Type.Record(Type.String(), Type.String()));
const flag = Type.Optional(Type.Boolean());
const whole = Type.Optional(Type.Integer());
/** A number of 64 bits: as text where it comes from CRI, which keeps every digit; either way where it goes there. */
const long = Type.Optional(Type.Union([Type.String({ pattern: "^-?[0-9]+$" }), Type.Integer()]));
const exactly = { additionalProperties: false } as const;

const resources = Type.Optional(
  Type.Object(
    {
      cpuPeriod: long,
      cpuQuota: long,
      cpuShares: long,
      memoryLimitInBytes: long,
      memorySwapLimitInBytes: long,
      oomScoreAdj: long,
      cpusetCpus: text,
      cpusetMems: text,
      hugepageLimits: Type.Optional(Type.Array(Type.Object({ pageSize: text, limit: long }, exactly))),
      unified: map,
    },
    exactly,
  ),
);

const profile = Type.Optional(
  Type.Object(
    { profileType: Type.Optional(Type.Enum(["RuntimeDefault", "Unconfined", "Localhost"])), localhostRef: text },
    exactly,
  ),
);

const mode = Type.Optional(Type.Enum(["POD", "CONTAINER", "NODE", "TARGET"]));
const idMappings = Type.Optional(Type.Array(Type.Object({ hostId: whole, containerId: whole, length: whole }, exactly)));

const securityContext = Type.Optional(
  Type.Object(
    {
      namespaceOptions: Type.Optional(
        Type.Object(
          {
            network: mode,
            pid: mode,
            ipc: mode,
            targetId: text,
            usernsOptions: Type.Optional(Type.Object({ mode, uids: idMappings, gids: idMappings }, exactly)),
          },
          exactly,
        ),
      ),
      selinuxOptions: Type.Optional(Type.Object({ user: text, role: text, type: text, level: text }, exactly)),
      runAsUser: Type.Optional(Type.Object({ value: long }, exactly)),
      runAsGroup: Type.Optional(Type.Object({ value: long }, exactly)),
      readonlyRootfs: flag,
      supplementalGroups: Type.Optional(Type.Array(Type.Union([Type.String({ pattern: "^-?[0-9]+$" }), Type.Integer()]))),
      supplementalGroupsPolicy: Type.Optional(Type.Enum(["Merge", "Strict"])),
      privileged: flag,
      seccomp: profile,
      apparmor: profile,
      seccompProfilePath: text,
    },
    exactly,
  ),
);

/**
 * JSON Schema of a pod's configuration as `cri.preRunPodSandbox` may leave it: CRI's PodSandboxConfig in protobuf's JSON. What has its
 * default value (empty, 0, false, the first of an enumeration) is left out.
 */
export const podSandboxConfigSchema = Type.Object(
  {
    metadata: Type.Object({ name: text, uid: text, namespace: text, attempt: whole }, exactly),
    hostname: text,
    logDirectory: text,
    dnsConfig: Type.Optional(Type.Object({ servers: texts, searches: texts, options: texts }, exactly)),
    portMappings: Type.Optional(
      Type.Array(
        Type.Object(
          { protocol: Type.Optional(Type.Enum(["TCP", "UDP", "SCTP"])), containerPort: whole, hostPort: whole, hostIp: text },
          exactly,
        ),
      ),
    ),
    labels: map,
    annotations: map,
    linux: Type.Optional(
      Type.Object({ cgroupParent: text, securityContext, sysctls: map, overhead: resources, resources }, exactly),
    ),
    windows: Type.Optional(Type.Unknown()),
  },
  exactly,
);

/** A pod's configuration: CRI's PodSandboxConfig in protobuf's JSON, the members with default values left out. */
export type PodSandboxConfig = Static<typeof podSandboxConfigSchema>;
