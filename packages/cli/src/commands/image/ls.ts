import type { ImageSummary } from "@pouchcontainer/api";
import { defineCommand, maxArgs } from "../../command.ts";
import { filterFlag, withFilter } from "../../filters.ts";
import { bool } from "../../flags/flag-types.ts";
import { listFlags } from "../../list-flags.ts";
import { printListing } from "../../output/listing.ts";
import type { Listing } from "../../output/listing.ts";
import { ago, decimalSize, goTime, shortDecimalSize, shortId } from "../../output/units.ts";

export const command = defineCommand({
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  args: maxArgs(1),
  flags: {
    ...listFlags,
    all: bool("Show all images (default hides intermediate images)", { short: "a" }),
    digests: bool("Show digests", { aliases: ["digest"] }),
    filter: filterFlag("Filter output based on conditions provided", "f"),
  },
  examples: [
    { does: "All images", run: "pouch images" },
    { does: "Names and sizes", run: "pouch images --format '{{.Repository}}:{{.Tag}} {{.Size}}'" },
  ],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    const filters = args[0] === undefined ? flags.filter : withFilter(flags.filter, "reference", args[0]);
    const images = await engine.getJson<ImageSummary[]>("/images/json", {
      all: flags.all ? 1 : undefined,
      digests: flags.digests ? 1 : undefined,
      filters,
    });
    const rows = images.flatMap((image) => namesOf(image, flags.digests));
    // Docker lists an image by its id alone once, however many names it has.
    const shown = flags.quiet
      ? rows.filter((row, at) => rows.findIndex((other) => other.image.Id === row.image.Id) === at)
      : rows;
    printListing(
      context.out,
      imageListing({ noTrunc: flags["no-trunc"], digests: flags.digests, nowMs: context.now() }),
      shown,
      flags,
    );
  },
});

/** One name of an image: an image has a line for each. */
export interface NamedImage {
  image: ImageSummary;
  repository: string;
  tag: string;
  digest: string;
}

const none = "<none>";

/** The names of an image, with digests beside the tags of the same repository where they are asked for. */
export function namesOf(image: ImageSummary, withDigests: boolean): NamedImage[] {
  const tags = (image.RepoTags ?? []).filter((one) => one !== "<none>:<none>");
  const digests = (image.RepoDigests ?? []).filter((one) => one !== "<none>@<none>").map((one) => splitAt(one, one.indexOf("@")));
  const rows: NamedImage[] = [];
  for (const tagged of tags) {
    const [repository, tag] = splitAt(tagged, tagged.lastIndexOf(":"));
    const own = digests.filter(([name]) => name === repository);
    if (!withDigests || own.length === 0) rows.push({ image, repository, tag, digest: none });
    else for (const [, digest] of own) rows.push({ image, repository, tag, digest });
  }
  const untagged = digests.filter(([name]) => !tags.some((one) => one.slice(0, one.lastIndexOf(":")) === name));
  if (withDigests || tags.length === 0)
    for (const [repository, digest] of untagged) rows.push({ image, repository, tag: none, digest });
  return rows.length > 0 ? rows : [{ image, repository: none, tag: none, digest: none }];
}

const splitAt = (text: string, at: number): [string, string] => [text.slice(0, at), text.slice(at + 1)];

export function imageListing(options: { noTrunc: boolean; digests: boolean; nowMs: number }): Listing<NamedImage> {
  return {
    headings: {
      Containers: "CONTAINERS",
      CreatedAt: "CREATED AT",
      CreatedSince: "CREATED",
      Digest: "DIGEST",
      ID: "IMAGE ID",
      Repository: "REPOSITORY",
      SharedSize: "SHARED SIZE",
      Size: "SIZE",
      Tag: "TAG",
      UniqueSize: "UNIQUE SIZE",
      VirtualSize: "SIZE",
    },
    table: `{{.Repository}}\t{{.Tag}}\t${options.digests ? "{{.Digest}}\t" : ""}{{.ID}}\t{{.CreatedSince}}\t{{.Size}}`,
    quiet: "{{.ID}}",
    row: ({ image, repository, tag, digest }) => ({
      Containers: image.Containers < 0 ? "N/A" : String(image.Containers),
      CreatedAt: goTime(image.Created),
      CreatedSince: image.Created === 0 ? "N/A" : ago(image.Created, options.nowMs),
      Digest: digest,
      ID: options.noTrunc ? image.Id : shortId(image.Id),
      Repository: repository,
      SharedSize: image.SharedSize < 0 ? "N/A" : decimalSize(image.SharedSize),
      Size: shortDecimalSize(image.Size),
      Tag: tag,
      UniqueSize: image.SharedSize < 0 ? "N/A" : decimalSize(image.Size - image.SharedSize),
      VirtualSize: shortDecimalSize(image.Size),
    }),
  };
}
