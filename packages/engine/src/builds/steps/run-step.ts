import type { ContainerCreateConfig, HostConfig } from "@pouchcontainer/api";
import { failedPrecondition } from "@pouchcontainer/errors";
import { shortId } from "@pouchcontainer/oci";
import type { Draft } from "../../images/new/image-drafts.ts";
import type { BuildDeps, BuildRequest } from "../build-deps.ts";
import type { BuildOutput } from "../build-output.ts";

export interface BuildCommand {
  /** Id of the build. */
  build: string;
  command: readonly string[];
  /** Arguments as variables, in front of those of the image. */
  environment: readonly string[];
}

/** What a container is told of its build, for plugins and for whoever lists containers. */
const buildLabel = "io.pouchcontainer.build";

/**
 * Runs a command in a container of the draft, and hands what it changed to `use` as a layer. The container goes when that is over, as
 * the request asks for it; in any case when the build is called off.
 */
export async function runCommand<T>(
  { containers }: Pick<BuildDeps, "containers">,
  request: BuildRequest,
  draft: Draft,
  { build, command, environment }: BuildCommand,
  output: BuildOutput,
  use: (layer: Awaited<ReturnType<BuildDeps["containers"]["layer"]>>["tar"]) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { Id: id } = await containers.create(createBody(draft, command, environment, request.hostConfig, build), { build });
  let isDone = false;
  try {
    await output.say(` ---> Running in ${shortId(id)}\n`);
    await runToEnd(containers, id, command, output, signal);
    const { tar, ended } = await containers.layer(id);
    try {
      const made = await use(tar);
      isDone = true;
      return made;
    } finally {
      tar.destroy();
      await ended;
    }
  } finally {
    if (signal.aborted) await containers.removeOfBuild(id);
    else if (request.forceRemove || (request.remove && isDone)) {
      await containers.removeOfBuild(id);
      await output.say(`Removing intermediate container ${shortId(id)}\n`);
    } else await containers.keepOfBuild(id);
  }
}

function createBody(
  { id, documents }: Draft,
  command: readonly string[],
  environment: readonly string[],
  hostConfig: HostConfig,
  build: string,
): ContainerCreateConfig {
  return {
    Image: id,
    Cmd: [...command],
    Entrypoint: [""],
    Env: [...(documents.config.config?.Env ?? []), ...environment],
    Labels: { [buildLabel]: build },
    Healthcheck: { Test: ["NONE"] },
    HostConfig: { ...hostConfig, LogConfig: { Type: "none" } },
  };
}

async function runToEnd(
  containers: BuildDeps["containers"],
  id: string,
  command: readonly string[],
  output: BuildOutput,
  signal: AbortSignal,
): Promise<void> {
  const session = await containers.attach(id, { stdin: false, stdout: true, stderr: true, logs: false, stream: true });
  const leave = (): void => session.close();
  signal.addEventListener("abort", leave, { once: true });
  try {
    signal.throwIfAborted();
    await containers.start(id);
    const tell = output.command();
    for await (const chunk of session.output) await tell(chunk);
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", leave);
    session.close();
  }
  const { StatusCode: code } = await containers.wait(id, "not-running", signal).result;
  if (code !== 0)
    throw failedPrecondition(`The command '${command.join(" ")}' returned a non-zero code: ${code}`, { details: { code } });
}
