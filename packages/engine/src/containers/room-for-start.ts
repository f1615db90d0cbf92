import { resourceExhausted } from "@pouchcontainer/errors";
import { randomBytes } from "node:crypto";
import { open, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { isDiskFull } from "../disk-full.ts";
import type { Container } from "./container.ts";
import { refuseGone } from "./refuse-gone.ts";
import { markedForRemoval } from "./start-container.ts";

/** More than a start writes beside the store: a log, the files of the network, containerd's record. */
const roomBytes = 256 * 1024;

/**
 * For who stops a container only to start it again: on a full disk it is refused, by the store as the start would be, before
 * anything is stopped. The room is kept until the answer is closed, or the daemon is dead. The caller holds the container's lock.
 */
export async function roomForStart(container: Container): Promise<FileHandle> {
  refuseGone(container, markedForRemoval);
  await container.change({});
  const path = join(container.directory, "room-for-start");
  const file = await open(path, "w", 0o600);
  try {
    await unlink(path);
    // A file system may keep zeros without taking room for them.
    await file.writeFile(randomBytes(roomBytes));
    return file;
  } catch (cause) {
    await file.close();
    if (!isDiskFull(cause)) throw cause;
    throw resourceExhausted(`no space left on the device of ${container.directory}: free some and try again`, { cause });
  }
}
