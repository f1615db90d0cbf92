import type { ContainerSummary } from "@pouchcontainer/api";
import { defineCommand, noArgs } from "../../command.ts";
import { portText } from "../../container/port-text.ts";
import { filterFlag } from "../../filters.ts";
import { bool, int } from "../../flags/flag-types.ts";
import { listFlags } from "../../list-flags.ts";
import { printListing } from "../../output/listing.ts";
import type { Listing } from "../../output/listing.ts";
import { goQuote } from "../../template/go-format.ts";
import { ago, ellipsis, goTime, shortDecimalSize, shortId } from "../../output/units.ts";

export const command = defineCommand({
  usage: "[OPTIONS]",
  args: noArgs,
  flags: {
    ...listFlags,
    all: bool("Show all containers (default shows just running)", { short: "a" }),
    filter: filterFlag("Filter output based on conditions provided", "f"),
    last: int("Show n last created containers (includes all states)", { short: "n" }),
    latest: bool("Show the latest created container (includes all states)", { short: "l" }),
    size: bool("Display total file sizes", { short: "s" }),
  },
  examples: [
    { does: "Everything, running or not", run: "pouch ps -a" },
    {
      does: "Names and states of the containers of one image",
      run: "pouch ps -a -f ancestor=busybox --format 'table {{.Names}}\\t{{.Status}}'",
    },
    { does: "Stop all that run", run: "pouch stop $(pouch ps -q)" },
  ],
  async run(context, { flags }) {
    const engine = await context.engine();
    const limit = flags.latest ? 1 : flags.last;
    const size = flags.size || /\.Size|json/.test(flags.format ?? "");
    const containers = await engine.getJson<ContainerSummary[]>("/containers/json", {
      all: flags.all ? 1 : undefined,
      limit,
      size: size ? 1 : undefined,
      filters: flags.filter,
    });
    const listing = containerListing({ noTrunc: flags["no-trunc"], size: flags.size, nowMs: context.now() });
    printListing(context.out, listing, containers, flags);
  },
});

export function containerListing(options: { noTrunc: boolean; size: boolean; nowMs: number }): Listing<ContainerSummary> {
  return {
    headings: {
      Command: "COMMAND",
      CreatedAt: "CREATED AT",
      ID: "CONTAINER ID",
      Image: "IMAGE",
      Labels: "LABELS",
      LocalVolumes: "LOCAL VOLUMES",
      Mounts: "MOUNTS",
      Names: "NAMES",
      Networks: "NETWORKS",
      Platform: "PLATFORM",
      Ports: "PORTS",
      RunningFor: "CREATED",
      Size: "SIZE",
      State: "STATE",
      Status: "STATUS",
    },
    table: `{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}${options.size ? "\t{{.Size}}" : ""}`,
    quiet: "{{.ID}}",
    row: (container) => containerRow(container, options),
  };
}

function containerRow(
  container: ContainerSummary,
  { noTrunc, nowMs }: { noTrunc: boolean; nowMs: number },
): Record<string, unknown> {
  const platform = container.ImageManifestDescriptor?.platform;
  return {
    Command: goQuote(noTrunc ? container.Command : ellipsis(container.Command, 20)),
    CreatedAt: goTime(container.Created),
    ID: noTrunc ? container.Id : shortId(container.Id),
    Image: imageText(container, noTrunc),
    Labels: labelText(container.Labels),
    LocalVolumes: String(container.Mounts.filter((mount) => mount.Driver === "local").length),
    Mounts: container.Mounts.map((mount) => mount.Name || mount.Source)
      .map((name) => (noTrunc ? name : ellipsis(name, 15)))
      .join(","),
    Names: nameText(container.Names, noTrunc),
    Networks: Object.keys(container.NetworkSettings?.Networks ?? {}).join(","),
    Platform: platform?.os === undefined ? "" : [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/"),
    Ports: portText(container.Ports ?? []),
    RunningFor: ago(container.Created, nowMs),
    Size: sizeText(container),
    State: container.State,
    Status: container.Status,
    Label: (name: unknown) => container.Labels?.[String(name)] ?? "",
  };
}

function imageText({ Image: image, ImageID: id }: ContainerSummary, noTrunc: boolean): string {
  if (image === "") return "<no image>";
  if (noTrunc) return image;
  if (shortId(image) === shortId(id)) return shortId(image);
  // A name with a tag and a digest is shown by its tag, one with a digest alone stays.
  return /^(.+:[^@/]+)@sha256:[0-9a-f]+$/.exec(image)?.[1] ?? image;
}

/** Names without the slash; those of links (`/other/alias`) only untruncated. */
function nameText(names: readonly string[], noTrunc: boolean): string {
  const plain = names.map((name) => name.replace(/^\//, ""));
  return (noTrunc ? plain : plain.filter((name) => !name.includes("/"))).join(",");
}

export function labelText(labels: Readonly<Record<string, string>> | null | undefined): string {
  return Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(",");
}

function sizeText({ SizeRw: written = 0, SizeRootFs: whole = 0 }: ContainerSummary): string {
  return whole > 0 ? `${shortDecimalSize(written)} (virtual ${shortDecimalSize(whole)})` : shortDecimalSize(written);
}
