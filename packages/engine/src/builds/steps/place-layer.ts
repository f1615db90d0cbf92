import { notImplemented } from "@pouchcontainer/errors";
import type { FileView } from "@pouchcontainer/files";
import type { Readable } from "node:stream";
import { stackedView } from "../../containers/changes.ts";
import { layersOf } from "../../containers/rootfs.ts";
import type { Draft, DraftFiles, ImageDrafts, Scratch } from "../../images/new/image-drafts.ts";
import type { BuildDeps } from "../build-deps.ts";

export interface Owner {
  uid: number;
  gid: number;
}

/** Changes a draft's files by `change`, and hands what that changed to `use` as a layer. */
export async function withPlacedLayer<T>(
  files: BuildDeps["files"],
  drafts: ImageDrafts,
  draft: Draft | Scratch,
  change: (view: FileView) => Promise<void>,
  use: (layer: Readable) => Promise<T>,
): Promise<T> {
  const tree = await drafts.writable(draft);
  try {
    const layers = layersApart(draft, tree);
    await change(viewOf(tree));
    const { tar, ended } = await files.layer(stackedView(layers), []);
    try {
      return await use(tar);
    } finally {
      tar.destroy();
      await ended;
    }
  } finally {
    await tree.release();
  }
}

export function viewOf({ mounts }: DraftFiles): FileView {
  return { kind: "assembled", parts: [{ place: "/", mounts }], binds: [] };
}

function layersApart(draft: Draft | Scratch, { mounts }: DraftFiles): { upper: string; lower: string[] } {
  const [upper, ...lower] = layersOf(mounts) ?? [];
  const hasLayers = "documents" in draft && draft.documents.manifest.layers.length > 0;
  if (upper === undefined || (lower.length === 0 && hasLayers))
    throw notImplemented("images are built with an overlay's snapshotter alone: others do not keep layers apart");
  return { upper, lower };
}
