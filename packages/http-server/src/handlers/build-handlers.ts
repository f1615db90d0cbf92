import {
  BuildImageNames,
  BuildLabels,
  BuildUlimits,
  decodeBody,
  endpoints,
  registryConfig,
  type HostConfig,
  type Static,
  type TSchema,
} from "@pouchcontainer/api";
import { invalidArgument, notImplemented } from "@pouchcontainer/errors";
import type { BuildBackend, BuildRequest } from "../backend.ts";
import type { Call, Calls, QueryOf } from "../call.ts";
import { platformOf } from "../platform.ts";
import { streamProgress } from "../progress-stream.ts";

type BuildQuery = QueryOf<typeof endpoints.ImageBuild>;

/** Images from Dockerfiles. */
export function buildHandlers(calls: Calls, builds: BuildBackend) {
  return {
    ImageBuild: calls.takeOver(endpoints.ImageBuild, async (call) => {
      const request = buildRequest(call);
      await streamProgress(call.response, (progress, hasRoom) => {
        const sink = async (line: Parameters<typeof progress>[0]): Promise<void> => {
          progress(line);
          await hasRoom();
        };
        return builds.build(request, call.request, sink, call.endlessSignal());
      });
    }),

    BuildCancel: calls.answer(endpoints.BuildCancel, async ({ query }) => {
      if (!query.id) throw invalidArgument("build ID not provided");
      builds.cancel(query.id);
    }),

    BuildPrune: calls.answer(endpoints.BuildPrune, () => builds.pruneCache()),
  };
}

function buildRequest({ query, request }: Call<typeof endpoints.ImageBuild>): BuildRequest {
  refuseUnsupported(query);
  const { dockerfile, t = [], remote, target, buildid, forcerm: forceRemove = false } = query;
  return {
    ...(buildid ? { id: buildid } : {}),
    ...(remote ? { remote } : {}),
    dockerfile: dockerfile || "Dockerfile",
    names: t.filter((name) => name !== ""),
    ...(target ? { target } : {}),
    ...platformOf(query),
    quiet: query.q ?? false,
    useCache: query.nocache !== true,
    cacheFrom: fromJson("cachefrom", query.cachefrom, BuildImageNames) ?? [],
    pull: query.pull ?? false,
    remove: forceRemove || (query.rm ?? true),
    forceRemove,
    arguments: argumentsOf(query.buildargs),
    labels: fromJson("labels", query.labels, BuildLabels) ?? {},
    hostConfig: hostConfigOf(query),
    credentials: registryConfig(request),
  };
}

/** What would make another image if it were left out. */
function refuseUnsupported(query: BuildQuery): void {
  const refuse = (what: string): never => {
    throw notImplemented(`${what} is not supported by the classic builder, which is the one that is here`);
  };
  if (query.version === "2") refuse("BuildKit (version=2; DOCKER_BUILDKIT=0 asks for the classic builder)");
  if (query.squash) refuse("squash");
  if (query.outputs && query.outputs !== "[]" && query.outputs !== "null") refuse("outputs");
  if (query.isolation && query.isolation !== "default") refuse(`isolation ${query.isolation}`);
  if (query.securityopt?.some((option) => !["", "[]", "null"].includes(option))) refuse("securityopt");
}

function hostConfigOf(query: BuildQuery): HostConfig {
  const { memory, memswap, cpushares, cpusetcpus, cpusetmems, cpuperiod, cpuquota, cgroupparent, shmsize } = query;
  const { extrahosts, networkmode } = query;
  const ulimits = fromJson("ulimits", query.ulimits, BuildUlimits);
  return {
    ...(memory && { Memory: memory }),
    ...(memswap && { MemorySwap: memswap }),
    ...(cpushares && { CpuShares: cpushares }),
    ...(cpusetcpus && { CpusetCpus: cpusetcpus }),
    ...(cpusetmems && { CpusetMems: cpusetmems }),
    ...(cpuperiod && { CpuPeriod: cpuperiod }),
    ...(cpuquota && { CpuQuota: cpuquota }),
    ...(cgroupparent && { CgroupParent: cgroupparent }),
    ...(shmsize && { ShmSize: shmsize }),
    ...(extrahosts && { ExtraHosts: extrahosts }),
    ...(networkmode && { NetworkMode: networkmode }),
    ...(ulimits && { Ulimits: ulimits }),
  };
}

/** By hand: what the decoder says repeats a value, which may be a secret. */
function argumentsOf(json: string | undefined): Map<string, string | undefined> {
  const parsed = parsedJson("buildargs", json) ?? {};
  if (typeof parsed !== "object" || Array.isArray(parsed)) throw invalidArgument("buildargs must be a JSON object");
  return new Map(
    Object.entries(parsed).map(([name, value]): [string, string | undefined] => {
      if (typeof value !== "string" && value !== null)
        throw invalidArgument(`buildargs: the value of ${name} must be a text, or null`);
      return [name, value ?? undefined];
    }),
  );
}

function fromJson<T extends TSchema>(name: string, json: string | undefined, schema: T): Static<T> | undefined {
  const parsed = parsedJson(name, json);
  return parsed === undefined || parsed === null ? undefined : decodeBody(schema, parsed, { subject: name });
}

function parsedJson(name: string, json: string | undefined): unknown {
  if (!json) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    // What JavaScript says of it repeats a piece of it, which may be a secret.
    throw invalidArgument(`the query parameter ${name} must be JSON`);
  }
}
