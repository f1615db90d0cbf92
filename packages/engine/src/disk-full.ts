import { messageChain } from "@pouchcontainer/errors";

/** Whether something failed since a disk, or a quota of it, is full: of containerd and runtimes nothing but the words say so. */
export function isDiskFull(thrown: unknown): boolean {
  return /no space left on (?:the )?device|disk quota exceeded/i.test(messageChain(thrown));
}
