import { Libc } from "@pouchcontainer/linux";
import { Channel } from "./channel.ts";
import { doJob } from "./jobs.ts";
import { enterView } from "./enter-view.ts";
import { describeFailure } from "./job-failure.ts";

/** Descriptor of the channel to the daemon, beside the standard streams. */
const channelFd = 3;

/**
 * The life of a file worker: it waits for one job, makes the job's files its root, does it, and ends. All its calls wait: there
 * is nothing else it could do, and only the thread that entered the root is in it. `folder` is an empty one to mount on.
 */
export function runFileWorker(folder: string): void {
  const channel = new Channel(channelFd);
  channel.send({ up: true });
  const job = channel.receive();
  if (job === undefined) return;
  try {
    const libc = Libc.load();
    if (libc === undefined)
      throw new Error("work on containers' files needs calls into libc: start Node with --experimental-ffi");
    process.umask(0);
    enterView(libc, job.view, folder);
    const answer = doJob(libc, job, (head) => channel.send({ head }));
    channel.send({ answer });
  } catch (error) {
    channel.send({ failure: describeFailure(error) });
  }
}
