import { maskSecrets, secretsIn, withoutSecrets } from "@pouchcontainer/api";
import type { ContainerCreateConfig, ContainerInspect, VolumeCreateConfig } from "@pouchcontainer/api";
import { EngineError, invalidArgument } from "@pouchcontainer/errors";
import { jsonStream, readJson, type Endpoint, type PodSandboxConfig } from "@pouchcontainer/plugin-sdk";
import type { BodyCheck, BodyChecks } from "@pouchcontainer/plugin-sdk/host";
import { describeIssue, isObject } from "@pouchcontainer/plugin-sdk/host";
import type { PluginHost } from "./plugin-host.ts";
import type { TraceEntry } from "./trace.ts";

/** What each plugin would do, and what would come out. */
export interface DryRunResult {
  calls: TraceEntry[];
  body?: unknown;
  error?: string;
}

/** Runs the chain of a point on a body. Plugins are really called; nothing comes of it but this answer. */
export async function dryRun(
  host: PluginHost,
  checks: BodyChecks,
  request: { point: string; body: unknown; showEnv?: boolean },
): Promise<DryRunResult> {
  const rehearsal = host.rehearsal();
  const reveal = request.showEnv === true;
  const chain = chainOf(rehearsal, checks, request.point, request.body);
  try {
    const body = await chain();
    return { calls: rehearsal.trace.last({ reveal }), body: reveal ? body : withoutSecrets(body) };
  } catch (error) {
    const { message, details } = EngineError.from(error);
    // A plugin's failure was masked where it came from.
    const secrets = reveal || "plugin" in details ? [] : secretsIn(request.body);
    return { calls: rehearsal.trace.last({ reveal }), error: maskSecrets(message, secrets) };
  }
}

function chainOf(host: PluginHost, checks: BodyChecks, point: string, body: unknown): () => Promise<unknown> {
  // Each body is checked against the schema of the type it is taken for, in the same line.
  switch (point) {
    case "container.preCreate":
    case "container.validateCreate": {
      const config = checked(checks.containerCreate, withHostConfig(body)) as ContainerCreateConfig;
      return () => host.preCreate(config, {});
    }
    case "cri.preRunPodSandbox": {
      const config = checked(checks.podSandbox, body) as PodSandboxConfig;
      return () => host.criPreRunPodSandbox(config, {}, {});
    }
    case "cri.preCreateContainer": {
      const config = checked(checks.containerCreate, withHostConfig(body)) as ContainerCreateConfig;
      return () => host.criPreCreateContainer(config, {}, {});
    }
    case "volume.preVolumeCreate":
    case "volume.validateVolumeCreate": {
      const config = checked(checks.volumeCreate, body) as VolumeCreateConfig;
      return () => host.preVolumeCreate(config, {});
    }
    case "container.preCreateEndpoint": {
      const { Config: _config, Labels: _labels, Image: _image, Env: _env, ...rest } = isObject(body) ? body : {};
      const endpoint = checked(checks.endpoint, isObject(body) ? rest : body) as Endpoint;
      const context = containerOf(body);
      return () => host.preCreateEndpoint("dry-run", context.env, endpoint, context);
    }
    case "container.preUpdate":
      return async () => {
        const changed: unknown = await readJson(await host.preUpdate(jsonStream(body), containerOf(body)));
        host.decodeUpdate(changed);
        return changed;
      };
    case "container.preStart":
      // A view for plugins to read; no schema says which of its members a caller has to make up.
      return () => host.preStart(body as ContainerInspect, containerOf(body));
    default:
      throw invalidArgument(`${point} cannot be tried: it has no body, or it acts on more than its body`);
  }
}

/** What filters look at: of a container as inspect shows it, or given beside the body. What is not there is as with a create. */
function containerOf(body: unknown): { labels: Record<string, string>; image?: string; env: string[] } {
  const { Config } = isObject(body) ? body : {};
  const { Labels, Image, Env } = isObject(Config) ? Config : isObject(body) ? body : {};
  const isText = (value: unknown): value is string => typeof value === "string";
  return {
    labels: Object.fromEntries(Object.entries(isObject(Labels) ? Labels : {}).map(([name, value]) => [name, String(value)])),
    ...(isText(Image) ? { image: Image } : {}),
    env: Array.isArray(Env) ? Env.filter(isText) : [],
  };
}

function withHostConfig(body: unknown): unknown {
  return typeof body === "object" && body !== null && !("HostConfig" in body) ? { ...body, HostConfig: {} } : body;
}

function checked(check: BodyCheck, body: unknown): unknown {
  const issues = check(body);
  if (issues.length > 0) throw invalidArgument(`the body is not valid at this point: ${describeIssue(issues, body)}`);
  return body;
}
