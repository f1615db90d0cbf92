import { internal } from "@pouchcontainer/errors";
import { lastWords, programOutcome } from "@pouchcontainer/owners";
import { lookup } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { asTheKernelNames, mountsAtOrBelow } from "../mounts-below.ts";
import { isThere } from "../remove-tree.ts";
import type { LocalMount } from "./local-options.ts";
import { mountFolder } from "./mount-folder.ts";

/** Mounts what a volume's options ask for. */
export interface VolumeMounter {
  mount(mount: LocalMount, target: string): Promise<void>;
  unmount(target: string): Promise<void>;
  isMounted(target: string): Promise<boolean>;
}

/** The machine's mount program, so that every file system with a helper works. */
export function systemMounter(): VolumeMounter {
  return {
    async mount(mount, target) {
      const outcome = await programOutcome("mount", await mountArguments(mount, target), { cwd: mountFolder });
      if (outcome.status !== 0)
        throw internal(`failed to mount local volume: mount ${mount.device}:${target}: ${lastWords(outcome)}`);
    },
    async unmount(target) {
      const outcome = await programOutcome("umount", [target]);
      if (outcome.status !== 0) throw internal(`failed to unmount local volume ${target}: ${lastWords(outcome)}`);
    },
    async isMounted(target) {
      // Not the target itself: a file system that does not answer would be waited for.
      if (!isThere(dirname(target))) return false;
      const name = await asTheKernelNames(target);
      return mountsAtOrBelow(await readFile("/proc/self/mountinfo", "utf8"), name).includes(name);
    },
  };
}

/**
 * `-i` goes straight to the kernel, as Docker does, where an NFS server is given by `addr=` beside a device `:/path`: the
 * helper does not take that form, and the kernel wants the address as a number.
 */
async function mountArguments({ type, device, options }: LocalMount, target: string): Promise<string[]> {
  const words = options.split(",").filter((word) => word !== "");
  const direct = type.startsWith("nfs") && device.startsWith(":");
  if (direct) {
    const at = words.findIndex((word) => word.startsWith("addr="));
    if (at !== -1) words[at] = `addr=${await addressOf(words[at]?.slice("addr=".length) ?? "")}`;
  }
  return [
    ...(direct ? ["-i"] : []),
    ...(type === "none" ? [] : ["-t", type]),
    ...(words.length > 0 ? ["-o", words.join(",")] : []),
    // What follows is no option, whatever it looks like.
    "--",
    device,
    target,
  ];
}

async function addressOf(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (cause) {
    throw internal(`error resolving passed in network volume address: ${host}`, { cause });
  }
}
