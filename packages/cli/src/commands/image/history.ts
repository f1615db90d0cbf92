import type { ImageHistoryItem } from "@pouchcontainer/api";
import { argument, defineCommand, exactArgs } from "../../command.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { inPath } from "../../for-each-name.ts";
import { platformQuery } from "../../image/platform.ts";
import { listFlags } from "../../list-flags.ts";
import { printListing } from "../../output/listing.ts";
import type { Listing } from "../../output/listing.ts";
import { ago, ellipsis, shortDecimalSize, shortId } from "../../output/units.ts";

export const command = defineCommand({
  usage: "[OPTIONS] IMAGE",
  args: exactArgs(1),
  flags: {
    ...listFlags,
    human: bool("Print sizes and dates in human readable format", { short: "H", default: true }),
    platform: text("Show history for the given platform (os[/arch[/variant]])"),
  },
  examples: [{ does: "The steps an image was made with", run: "pouch history --no-trunc busybox" }],
  async run(context, { flags, args }) {
    const engine = await context.engine();
    const items = await engine.getJson<ImageHistoryItem[]>(`/images/${inPath(argument(args, 0))}/history`, {
      platform: platformQuery(flags.platform),
    });
    printListing(
      context.out,
      historyListing({ noTrunc: flags["no-trunc"], human: flags.human, nowMs: context.now() }),
      items,
      flags,
    );
  },
});

function historyListing(options: { noTrunc: boolean; human: boolean; nowMs: number }): Listing<ImageHistoryItem> {
  return {
    headings: {
      Comment: "COMMENT",
      CreatedAt: "CREATED AT",
      CreatedBy: "CREATED BY",
      CreatedSince: "CREATED",
      ID: "IMAGE",
      Size: "SIZE",
    },
    table: `{{.ID}}\t${options.human ? "{{.CreatedSince}}" : "{{.CreatedAt}}"}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}`,
    quiet: "{{.ID}}",
    row: (item) => {
      const step = item.CreatedBy.replaceAll("\t", " ");
      return {
        Comment: item.Comment,
        CreatedAt: item.Created <= 0 ? "" : `${new Date(item.Created * 1000).toISOString().slice(0, 19)}Z`,
        CreatedBy: options.noTrunc ? step : ellipsis(step, 45),
        CreatedSince: item.Created <= 0 ? "N/A" : ago(item.Created, options.nowMs),
        ID: options.noTrunc || item.Id === "<missing>" ? item.Id : shortId(item.Id),
        Size: options.human ? shortDecimalSize(item.Size) : String(item.Size),
      };
    },
  };
}
