import type { ContentDescriptor, Reference } from "@pouchcontainer/oci";
import { contentInfo, sourceLabel, type ImageServices } from "../containerd-services.ts";

/** Names of repositories are short, and a label of containerd's has 4096 bytes at most. */
const mostRepositories = 8;

/** Repositories of a registry that have a blob, by the labels of its content: those it came from and went to, the latest last. */
export function sourcesIn(labels: Record<string, string>, domain: string): string[] {
  return (labels[sourceLabel(domain)] ?? "").split(",").filter((repository) => repository !== "");
}

/** Notes that a repository has these. */
export async function noteRepository(
  content: ImageServices["content"],
  blobs: ContentDescriptor[],
  { domain, path }: Reference,
): Promise<void> {
  for (const { digest } of blobs) {
    const info = await contentInfo(content, digest);
    if (info === undefined) continue;
    const known = sourcesIn(info.labels, domain);
    if (known.at(-1) === path) continue;
    const repositories = [...known.filter((repository) => repository !== path), path].slice(-mostRepositories);
    await content.updateLabels(digest, { [sourceLabel(domain)]: repositories.join(",") });
  }
}
