import type { SystemVersion } from "@pouchcontainer/api";
import { clientApiVersion } from "../../client/engine-client.ts";
import { CliError } from "../../cli-error.ts";
import { defineCommand, noArgs } from "../../command.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { compile } from "../../output/listing.ts";
import { writeData } from "../../output/output.ts";
import { alignColumns } from "../../output/tabwriter.ts";
import { toJson } from "../../template/functions.ts";
import { clientVersion } from "../../version.ts";

interface ClientVersion {
  Version: string;
  ApiVersion: string;
  DefaultAPIVersion: string;
  RuntimeVersion: string;
  Os: string;
  Arch: string;
}

export const command = defineCommand({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: {
    format: text("Print with a Go template, or as 'json'", { short: "f" }),
    short: bool("Print the client's version only, without asking the daemon"),
  },
  examples: [
    { does: "Versions of the command line and the daemon", run: "pouch version" },
    { does: "The daemon's alone", run: "pouch version -f '{{.Server.Version}}'" },
  ],
  async run(context, { flags }) {
    if (flags.short) {
      context.out.write(`Pouch version ${clientVersion}\n`);
      return 0;
    }
    let server: SystemVersion | undefined;
    let failure: unknown;
    let apiVersion = clientApiVersion;
    try {
      const engine = await context.engine();
      server = await engine.getJson<SystemVersion>("/version");
      apiVersion = await engine.agreedVersion();
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      failure = error;
    }
    const client = clientFacts(apiVersion);
    if (flags.format !== undefined && flags.format !== "") {
      const data = { Client: client, ...(server === undefined ? {} : { Server: server }) };
      writeData(context.out, `${flags.format === "json" ? toJson(data) : compile(flags.format).render(data)}\n`);
    } else context.out.write(clientText(client) + (server === undefined ? "" : `\n${serverText(server)}`));
    if (failure !== undefined) throw failure;
    return 0;
  },
});

function clientFacts(apiVersion: string): ClientVersion {
  const { versions, platform, arch } = process;
  return {
    Version: clientVersion,
    ApiVersion: apiVersion,
    DefaultAPIVersion: clientApiVersion,
    RuntimeVersion: versions["bun"] === undefined ? `node ${versions.node}` : `bun ${versions["bun"]}`,
    Os: platform,
    Arch: arch === "x64" ? "amd64" : arch,
  };
}

function clientText(client: ClientVersion): string {
  const api =
    client.ApiVersion === client.DefaultAPIVersion
      ? client.ApiVersion
      : `${client.ApiVersion} (downgraded from ${client.DefaultAPIVersion})`;
  return alignColumns(
    `Client: PouchContainer\n Version:\t${client.Version}\n API version:\t${api}\n Runtime:\t${client.RuntimeVersion}\n OS/Arch:\t${client.Os}/${client.Arch}\n`,
  );
}

function serverText(server: SystemVersion): string {
  const components = server.Components ?? [];
  const name = server.Platform?.Name;
  const engine = [
    ` Engine:`,
    `  Version:\t${server.Version}`,
    `  API version:\t${server.ApiVersion} (minimum version ${server.MinAPIVersion})`,
    `  Git commit:\t${server.GitCommit}`,
    ...(server.BuildTime ? [`  Built:\t${server.BuildTime}`] : []),
    `  OS/Arch:\t${server.Os}/${server.Arch}`,
    ...(server.KernelVersion ? [`  Kernel:\t${server.KernelVersion}`] : []),
    `  Experimental:\t${server.Experimental === true}`,
  ];
  const others = components
    .filter((one) => one.Name !== "Engine")
    .flatMap((one) => [
      ` ${one.Name}:`,
      `  Version:\t${one.Version}`,
      ...(one.Details?.["GitCommit"] ? [`  GitCommit:\t${one.Details["GitCommit"]}`] : []),
    ]);
  return alignColumns(`Server:${name ? ` ${name}` : ""}\n${[...engine, ...others].join("\n")}\n`);
}
