import type { HandlerSpec } from "@pouchcontainer/api";
import { asHost } from "@pouchcontainer/owners";
import { readThrown } from "@pouchcontainer/plugin-sdk/host";
import type { Enter } from "./late-failures.ts";

/** A route table as it is lent to a plugin in this process: a handler it is shown runs as the daemon, wherever it is called from. */
export class LentRoutes {
  readonly shown: HandlerSpec[];
  readonly #originals = new Map<HandlerSpec["handler"], HandlerSpec["handler"]>();

  constructor(routes: readonly HandlerSpec[]) {
    this.shown = routes.map((spec) => {
      const lent: HandlerSpec["handler"] = (...args) => asHost(() => spec.handler(...args));
      this.#originals.set(lent, spec.handler);
      return { ...spec, handler: lent };
    });
  }

  /** The table the plugin made of it: handlers that were lent are the daemon's again, others run as the plugin. */
  takenBack(answer: readonly unknown[], enter: Enter): unknown[] {
    return answer.map((spec) => {
      // Anything that has a handler; what else has to be in it is checked afterwards.
      const { handler } = (spec ?? {}) as Partial<HandlerSpec>;
      if (typeof handler !== "function") return spec;
      const original = this.#originals.get(handler);
      const own: HandlerSpec["handler"] = async (...args) => {
        try {
          await enter(() => handler(...args));
        } catch (thrown) {
          throw readThrown(thrown);
        }
      };
      return { ...(spec as HandlerSpec), handler: original ?? own };
    });
  }
}
