import { existsSync, writeFileSync } from "node:fs";
import type { ContainerCreateConfig, ContainerCreateResponse } from "@pouchcontainer/api";
import { CliError, isDaemonStatus } from "../cli-error.ts";
import type { CliContext } from "../context.ts";

export interface CreateRequest {
  body: ContainerCreateConfig;
  name: string | undefined;
  platform: string | undefined;
  /** always, missing (default) or never. */
  pull: string | undefined;
  quiet: boolean;
  idFile: string | undefined;
}

/** Creates a container, pulling its image first where that is asked for or needed; returns its id. */
export async function createContainer(context: CliContext, request: CreateRequest): Promise<string> {
  const { body, name, platform, idFile } = request;
  if (idFile !== undefined && existsSync(idFile)) {
    throw new CliError(`container ID file found, make sure the other container isn't running or delete ${idFile}`, {
      exitCode: 125,
    });
  }
  const engine = await context.engine();
  const image = body.Image ?? "";
  const pull = async (): Promise<void> => {
    const { pullImage } = await import("../image/pull-image.ts");
    await pullImage(context, image, { platform, quiet: request.quiet, progress: context.err });
  };
  const create = async (): Promise<ContainerCreateResponse> =>
    await engine.postJson<ContainerCreateResponse>("/containers/create", { query: { name, platform }, json: body });

  if (request.pull === "always") await pull();
  const created = await create().catch(async (error: unknown) => {
    if (!isDaemonStatus(error, 404) || (request.pull ?? "missing") !== "missing" || !/no such image/i.test(error.daemonMessage))
      throw error;
    if (!request.quiet) context.err.write(`Unable to find image '${withTag(image)}' locally\n`);
    await pull();
    return await create();
  });
  for (const warning of created.Warnings ?? []) context.err.write(`WARNING: ${warning}\n`);
  if (idFile !== undefined) writeFileSync(idFile, created.Id);
  return created.Id;
}

const withTag = (image: string): string => (/[:@][^/]*$/.test(image) ? image : `${image}:latest`);
