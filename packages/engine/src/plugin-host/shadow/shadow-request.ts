import { cutText, failedPrecondition } from "@pouchcontainer/errors";
import type { HandlerSpec } from "@pouchcontainer/api";
import type { PluginLog, PointName } from "@pouchcontainer/plugin-sdk";
import type { PointRequest } from "@pouchcontainer/plugin-sdk/host";

/** Where a plugin in shadow mode is told that a container's files are: a path that leads nowhere, and never will. */
export const shadowRootfs = "/dev/null/a-plugin-in-shadow-mode-gets-no-rootfs";

/** What one call asked the daemon to do, which it did not. */
export class Withheld {
  readonly #log: PluginLog;
  readonly #what: string[] = [];

  constructor(log: PluginLog) {
    this.#log = log;
  }

  note(what: string): void {
    if (this.#what.length >= maxNotes) return;
    const words = cutText(what, maxBytes);
    this.#what.push(words);
    const last = this.#what.length === maxNotes ? "; what else it asks for in this call is not told" : "";
    this.#log.info(`in shadow mode, so not done: ${words}${last}`);
  }

  get what(): readonly string[] {
    return this.#what;
  }
}

/** Of one call, and bytes of each. */
const maxNotes = 16;
const maxBytes = 256;

type Members = Record<string, unknown>;

/**
 * By the name of a request's member, what stands in its place: what works on more than the plugin's own draft is here, and does nothing. A
 * member that is not is the plugin's own, or frozen.
 */
const standIns: { readonly [name: string]: (member: never, withheld: Withheld) => unknown } = {
  supervisor: (_real: PointRequest<"daemon.preStartHook">["supervisor"], withheld) => ({
    start: async ({ name }: { name: string }) => {
      withheld.note(`start the assistant process ${name}`);
      return { name, pid: undefined, restarts: 0, stop: async () => undefined };
    },
  }),
  image: (image: PointRequest<"image.postPull">["image"], withheld) => {
    const unpacked = new Set<string>();
    return {
      ...image,
      unpack: async (into: string) => {
        withheld.note(`unpack the image for ${into}`);
        unpacked.add(into);
      },
      isUnpacked: async (into: string) => unpacked.has(into) || (await image.isUnpacked(into)),
    };
  },
  rootfs: () => shadowRootfs,
};

/** A request whose members do nothing. */
export function shadowRequest<P extends PointName>(request: PointRequest<P>, withheld: Withheld): PointRequest<P> {
  const members = Object.entries(request as Members).map(([name, member]) => [
    name,
    Object.hasOwn(standIns, name) ? standIns[name]?.(member as never, withheld) : member,
  ]);
  // The same members, each of its own type.
  return Object.fromEntries(members) as PointRequest<P>;
}

/** The routes of a table as a plugin in shadow mode is lent them: they answer nothing. */
export function unserved(table: readonly HandlerSpec[]): HandlerSpec[] {
  return table.map((spec) => ({
    ...spec,
    handler: async () => {
      throw failedPrecondition(`a plugin in shadow mode cannot call ${spec.method} ${spec.path} of the daemon`);
    },
  }));
}
