import type { ImageView } from "@pouchcontainer/engine";
import { notFound } from "@pouchcontainer/errors";
import type { Call } from "../wire/handlers.ts";
import type { CriImages, ImageDeps, RegistryAuth } from "../images/image-deps.ts";

export const forever: Call = { signal: new AbortController().signal, apiVersion: "v1" };

export function imageView(name: string, more: Partial<ImageView> & { user?: string } = {}): ImageView {
  const { user, ...rest } = more;
  const id = `sha256:${Buffer.from(name).toString("hex").padEnd(64, "0").slice(0, 64)}`;
  return {
    id,
    tags: [`docker.io/library/${name}:latest`],
    digests: [`docker.io/library/${name}@${id}`],
    packedBytes: 1000,
    chainId: id,
    config: {
      os: "linux",
      architecture: "amd64",
      rootfs: { type: "layers", diff_ids: [] },
      ...(user !== undefined && { config: { User: user } }),
    },
    ...rest,
  };
}

/** Images in memory; a pull adds the name it is asked for, and keeps what it was asked with. */
export class FakeImages implements CriImages {
  readonly all: ImageView[];
  readonly pulls: { reference: string; tag?: string; auth?: RegistryAuth }[] = [];

  constructor(...all: ImageView[]) {
    this.all = all;
  }

  views(): ImageView[] {
    return this.all;
  }

  view(reference: string): ImageView | undefined {
    return this.all.find(({ id, tags }) => [id, ...tags].some((name) => name === reference || name.includes(`/${reference}:`)));
  }

  async pull(request: { reference: string; tag?: string; auth?: RegistryAuth }): Promise<void> {
    this.pulls.push(request);
    this.all.push(imageView(request.reference));
  }

  async remove(reference: string): Promise<void> {
    const index = this.all.findIndex(({ id }) => id === reference);
    if (index < 0) throw notFound(`No such image: ${reference}`);
    this.all.splice(index, 1);
  }

  async snapshotTotals() {
    return { bytes: 5000, inodes: 7, measuredAt: 1_700_000_000_000 };
  }
}

export function imageDeps(images: CriImages, more: Partial<ImageDeps> = {}): ImageDeps {
  return { images, isPinned: () => false, snapshotsFolder: async () => "/var/lib/snapshots", ...more };
}
