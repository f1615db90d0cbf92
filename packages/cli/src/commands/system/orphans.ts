import type { Orphan } from "@pouchcontainer/api";
import { UsageError } from "../../cli-error.ts";
import { anyArgs, defineCommand } from "../../command.ts";
import { bool, text } from "../../flags/flag-types.ts";
import { forEachName, inPath } from "../../for-each-name.ts";
import { printListing, type Listing } from "../../output/listing.ts";

export const command = defineCommand({
  usage: "[OPTIONS] [ID...]",
  description:
    "After a restored or damaged store the daemon may find containers it has no record of. They are set aside: what runs of them runs on, and nothing of them is removed until you say so.",
  args: anyArgs,
  flags: {
    adopt: bool("Make containers of the given ones again, by the records that lie beside them"),
    remove: bool("End the given ones and remove their files"),
    format: text("Print with a Go template, as 'table TEMPLATE', or as 'json'"),
    quiet: bool("Only display IDs", { short: "q" }),
  },
  examples: [
    { does: "What is set aside", run: "pouch system orphans" },
    { does: "Take one up again", run: "pouch system orphans --adopt 3f1c" },
    { does: "End one and remove what it wrote", run: "pouch system orphans --remove 3f1c" },
  ],
  async run(context, { flags, args }) {
    const wish = flags.adopt ? "adopt" : flags.remove ? "remove" : undefined;
    if (flags.adopt && flags.remove) throw new UsageError("--adopt and --remove exclude each other");
    if (wish !== undefined && args.length === 0) throw new UsageError(`--${wish} needs the IDs it is for`);
    if (wish === undefined && args.length > 0) throw new UsageError("IDs are for --adopt and --remove");
    const engine = await context.engine();
    if (wish !== undefined)
      return await forEachName(context, args, async (id) => {
        const path = `/system/orphans/${inPath(id)}`;
        (await (wish === "adopt" ? engine.request("POST", `${path}/adopt`) : engine.request("DELETE", path))).close();
        return id;
      });
    printListing(context.out, orphanListing, await engine.getJson<Orphan[]>("/system/orphans"), flags);
    return 0;
  },
});

const orphanListing: Listing<Orphan> = {
  headings: {
    ID: "CONTAINER ID",
    Name: "NAME",
    Image: "IMAGE",
    Created: "CREATED",
    State: "STATE",
    Snapshotter: "SNAPSHOTTER",
    Adoptable: "ADOPTABLE",
  },
  table: "{{.ID}}\t{{.Name}}\t{{.Image}}\t{{.Created}}\t{{.State}}\t{{.Adoptable}}",
  quiet: "{{.ID}}",
  row: (orphan) => ({
    ID: orphan.Id.slice(0, 12),
    Name: orphan.Name,
    Image: orphan.Image,
    Created: orphan.Created,
    State: orphan.State,
    Snapshotter: orphan.Snapshotter,
    Adoptable: String(orphan.Adoptable),
  }),
};
