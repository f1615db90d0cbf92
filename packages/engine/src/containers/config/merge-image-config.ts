import type { ContainerConfig, HealthConfig } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import type { ImageConfig } from "../../images/image-source.ts";
import { isExposable } from "./verify-ports.ts";

/** `withImageConfig` for a container, which runs a command. */
export function mergeImageConfig(config: ContainerConfig, image: ImageConfig): ContainerConfig {
  const merged = withImageConfig(config, image);
  if ((merged.Entrypoint ?? []).length === 0 && (merged.Cmd ?? []).length === 0) throw invalidArgument("No command specified");
  return merged;
}

/** The request's configuration with the image's where the request says nothing, by Docker's rules for each field. */
export function withImageConfig(config: ContainerConfig, image: ImageConfig): ContainerConfig {
  const merged: ContainerConfig = {
    ...config,
    User: config.User || (image.User ?? ""),
    WorkingDir: config.WorkingDir || (image.WorkingDir ?? ""),
    Labels: { ...image.Labels, ...config.Labels },
    ...withSet("ExposedPorts", { ...config.ExposedPorts, ...portsOf(image) }),
    ...withSet("Volumes", { ...config.Volumes, ...image.Volumes }),
    ...commandOf(config, image),
  };
  const env = mergeEnv(config.Env ?? [], image.Env ?? []);
  if (env.length > 0) merged.Env = env;
  const stopSignal = config.StopSignal || image.StopSignal;
  if (stopSignal) merged.StopSignal = stopSignal;
  const healthcheck = mergeHealthcheck(config.Healthcheck, image.Healthcheck);
  if (healthcheck !== undefined) merged.Healthcheck = healthcheck;
  const shell = config.Shell?.length ? config.Shell : image.Shell;
  if (shell?.length) merged.Shell = [...shell];
  return merged;
}

/** What an image exposes that is no port could not be published, and must not make the image one that nobody can run. */
function portsOf({ ExposedPorts = {} }: ImageConfig): Record<string, object> {
  return Object.fromEntries(Object.entries(ExposedPorts).filter(([port]) => isExposable(port)));
}

function withSet(field: "ExposedPorts" | "Volumes", set: Record<string, object>): Partial<ContainerConfig> {
  return Object.keys(set).length > 0 ? { [field]: set } : {};
}

/**
 * A request with a command or an entry point of its own does not get the image's command; `[""]` as entry point takes the
 * image's away.
 */
function commandOf(config: ContainerConfig, image: ImageConfig): Partial<ContainerConfig> {
  const entrypointGiven = (config.Entrypoint ?? []).length > 0;
  const inherited = entrypointGiven ? undefined : image.Entrypoint;
  const command = entrypointGiven || (config.Cmd ?? []).length > 0 ? config.Cmd : image.Cmd;
  const entrypoint =
    config.Entrypoint?.length === 1 && config.Entrypoint[0] === "" ? undefined : (config.Entrypoint ?? inherited);
  return {
    // A field the request had and the rules took away must not shine through.
    Cmd: command ? [...command] : [],
    Entrypoint: entrypoint ? [...entrypoint] : [],
  };
}

/** The request's variables, then those of the image it does not set. */
function mergeEnv(requested: readonly string[], image: readonly string[]): string[] {
  const names = new Set(requested.map((entry) => entry.split("=", 1)[0]));
  return [...requested, ...image.filter((entry) => !names.has(entry.split("=", 1)[0]))];
}

function mergeHealthcheck(requested: HealthConfig | undefined, image: ImageConfig["Healthcheck"]): HealthConfig | undefined {
  if (requested === undefined) return image === undefined ? undefined : { ...image };
  if (image === undefined) return requested;
  const set = Object.entries(requested).filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value !== 0));
  return { ...image, ...Object.fromEntries(set) };
}
