import { isProtectedPath, type Handler, type HandlerSpec } from "@pouchcontainer/api";
import { forbidden } from "@pouchcontainer/errors";
import { asHost } from "@pouchcontainer/owners";
import { readThrown, type PatchOperation } from "@pouchcontainer/plugin-sdk/host";
import { routePointer, wrapping } from "./handler-table.ts";
import type { Enter } from "./late-failures.ts";

/** Whose code a table is lent to, and how handlers that it makes are run. */
export interface Borrower {
  name: string;
  /** Set for code in this process: a handler it is shown runs as the daemon, wherever it is called from, and its own as the plugin. */
  enter?: Enter | undefined;
  /** Whether a paper says what it may do. */
  isLimited: boolean;
  /** In shadow mode no handler of the table does anything, and each says so. */
  isShadow: boolean;
}

/**
 * A route table as it is lent to a plugin. The handlers in it are the daemon's, each of which does what only a granted request may: they answer
 * once the plugin's own table is accepted, those of protected routes never, and where its permissions are limited only those of routes that it
 * replaced, wrapped or removed, which it was allowed by then.
 */
export class LentRoutes {
  readonly shown: HandlerSpec[];
  readonly #borrower: Borrower;
  readonly #originals = new Map<Handler, Handler>();
  /** By their pointers. Undefined until the table is accepted. */
  #changed: ReadonlySet<string> | undefined;

  constructor(routes: readonly HandlerSpec[], borrower: Borrower) {
    this.#borrower = borrower;
    this.shown = routes.map((spec) => {
      const lent: Handler = async (...args) => {
        this.#check(spec);
        await (borrower.enter === undefined ? spec.handler(...args) : asHost(() => spec.handler(...args)));
      };
      this.#originals.set(lent, spec.handler);
      return { ...spec, handler: wrapping(spec.handler, lent) };
    });
  }

  /** The table the plugin made of it: handlers that were lent are the daemon's again, those of code in this process run as the plugin. */
  takenBack(answer: readonly unknown[]): unknown[] {
    const { enter } = this.#borrower;
    return answer.map((spec) => {
      // Anything that has a handler; what else has to be in it is checked afterwards.
      const { handler } = (spec ?? {}) as Partial<HandlerSpec>;
      if (typeof handler !== "function") return spec;
      const original = this.#originals.get(handler);
      if (original === undefined && enter === undefined) return spec;
      return { ...(spec as HandlerSpec), handler: original ?? asPlugin(handler, enter) };
    });
  }

  /** What the plugin changed is checked and allowed. */
  accept(patch: readonly PatchOperation[]): void {
    this.#changed = new Set(patch.map(({ path }) => path));
  }

  #check(spec: HandlerSpec): void {
    const { name, isLimited, isShadow } = this.#borrower;
    if (isShadow) return;
    const isOpen =
      this.#changed !== undefined && !isProtectedPath(spec.path) && (!isLimited || this.#changed.has(routePointer(spec)));
    if (!isOpen)
      throw forbidden(
        `plugin "${name}" cannot call ${spec.method} ${spec.path} of the daemon: ${
          isProtectedPath(spec.path) ? "the route is protected" : "it has not replaced, wrapped or removed that route"
        }`,
      );
  }
}

function asPlugin(handler: Handler, enter: Enter = (code) => code()): Handler {
  return async (...args) => {
    try {
      await enter(() => handler(...args));
    } catch (thrown) {
      throw readThrown(thrown);
    }
  };
}
