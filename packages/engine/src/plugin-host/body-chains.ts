import { conflict, EngineError, internal, resourceExhausted } from "@pouchcontainer/errors";
import { takeLoopShare } from "@pouchcontainer/owners";
import type { ConflictPolicy, PointName } from "@pouchcontainer/plugin-sdk";
import {
  cloneJson,
  copyAnswer,
  describeIssue,
  difference,
  isObject,
  type AnswerBounds,
  type PatchOperation,
  type BodyCheck,
  type CallSubject,
  type PointAnswer,
  type PointRequest,
} from "@pouchcontainer/plugin-sdk/host";
import type { CallRunner, Settled } from "./call-runner.ts";
import type { ChainContext, Verify } from "./chains.ts";
import { describeConflict, WriteLog, type Conflict } from "./conflicts.ts";
import { inKeyOrderOf } from "./key-order.ts";
import { inTurn, type ChainLink } from "./plugin-registry.ts";
import { assertUsable } from "./usable-body.ts";

/** How one point shows a body to a plugin and takes it back. */
export interface BodyShape<P extends PointName, B> {
  subject: (body: B) => CallSubject;
  check: (value: B) => ReturnType<BodyCheck>;
  request: (draft: B) => PointRequest<P>;
  answer: (answer: PointAnswer<P>) => B;
  /** A copy of an answer as it goes on, before it is checked. Default: as the plugin wrote it. */
  read?: ((taken: B) => B) | undefined;
  /** Throws for a body, as it was read, whose fields that must stay have changed. Default: none must. */
  checkKept?: (taken: B) => void;
  /** Besides its form. Default: what has the form will do. */
  verify?: Verify<B> | undefined;
}

/** Chains along which a body goes from plugin to plugin. */
export class BodyChains {
  readonly #runner: CallRunner;
  readonly #onConflict: ConflictPolicy | undefined;
  readonly #bounds: AnswerBounds;

  constructor(runner: CallRunner, options: { onConflict: ConflictPolicy | undefined; bounds: AnswerBounds }) {
    this.#runner = runner;
    this.#onConflict = options.onConflict;
    this.#bounds = options.bounds;
  }

  /** Hands a body from plugin to plugin, each with a draft of its own. */
  async change<P extends PointName, B extends object>(
    point: P,
    links: readonly ChainLink[],
    body: B,
    context: ChainContext,
    shape: BodyShape<P, B>,
  ): Promise<B> {
    const writes = links.length > 1 ? new WriteLog() : undefined;
    let current = body;
    for (const link of inTurn(links)) {
      if (link.filter?.(shape.subject(current)) === false) continue;
      // Who called goes on with its own while a shadow's answer is compared.
      const before = link.slot.mode === "shadow" ? cloneJson(current) : current;
      let changed: readonly PatchOperation[] = [];
      const settle = async (answer: PointAnswer<P>, by: ChainLink): Promise<Settled<B>> => {
        // Of a large body each of these is as much as others may be asked to wait for.
        await takeLoopShare();
        // The copy is out of the plugin's reach: what it does to its draft later changes nothing.
        const written = this.taken(shape.answer(answer));
        if (!isObject(written)) throw internal("the answer is not an object");
        await takeLoopShare();
        const taken = shape.read?.(written) ?? written;
        await takeLoopShare();
        assertValid(shape.check, taken);
        shape.checkKept?.(taken);
        await takeLoopShare();
        // The same members in the same shape.
        const after = inKeyOrderOf(before, taken) as B;
        await takeLoopShare();
        const patch = changesOf(before, after);
        if (shape.verify !== undefined && patch.length > 0) await assertUsable(shape.verify, before, after, patch);
        await takeLoopShare();
        changed = patch;
        return this.settled(by, writes, { before, after, patch }, after);
      };
      const given = shape.request(before);
      const after = await this.#runner.run(point, link, shape.request(cloneJson(before)), context, settle, { shown: given });
      if (after === undefined) continue;
      current = after;
      context.history?.note(link.slot.name, before, after, changed);
    }
    return current;
  }

  /** What a plugin answered, out of its reach; what JSON cannot hold is its fault and not the client's. */
  taken<T>(answer: T): T {
    return copyAnswer(answer, this.#bounds);
  }

  /** What a call changed, which the plugin has to be allowed; two plugins that changed the same are a conflict, unless one is in shadow mode. */
  settled<R>(
    link: ChainLink,
    writes: WriteLog | undefined,
    { before, after, patch }: { before: unknown; after: unknown; patch: PatchOperation[] },
    result: R,
  ): Settled<R> {
    link.guard.changed(before, after, patch);
    if (patch.length === 0 || writes === undefined || link.slot.mode === "shadow") return { result, patch };
    const note = (): Conflict[] => {
      const { conflicts, take } = writes.plan(link.slot.name, before, after, patch);
      const first = conflicts[0];
      if (first !== undefined && (this.#onConflict === "error" || link.settings.onConflict === "error"))
        throw conflict(describeConflict(first), { details: { field: first.field } });
      take();
      return conflicts;
    };
    return { result, patch, note };
  }
}

/** Characters of the path of one field that a plugin changed; an annotation's key has about 300. */
const maxPath = 8192;
/** Characters of all of them: every path is read as a whole when it is held against what other plugins changed. */
const maxPaths = 16 * 1024 * 1024;

/** Fields below one long key have it in their paths each: what is small as a body may be large as a patch. The paths are not yet made here. */
export function changesOf(before: unknown, after: unknown): PatchOperation[] {
  const patch = difference(before, after);
  let sum = 0;
  for (const { path } of patch) {
    if (path.length > maxPath)
      throw resourceExhausted(`it changed a field whose path has ${path.length} characters; at most ${maxPath} are allowed`);
    sum += path.length;
  }
  if (sum > maxPaths)
    throw resourceExhausted(`the paths of the fields it changed have ${sum} characters; at most ${maxPaths} are allowed`);
  return patch;
}

export function noChange(): Settled<true> {
  return { result: true };
}

export function assertValid<T>(check: (value: T) => ReturnType<BodyCheck>, value: T, root = ""): void {
  const issues = check(value);
  if (issues.length === 0) return;
  // A body the plugin made invalid is the plugin's fault, not the client's: `internal`, not `invalidArgument`.
  throw new EngineError("internal", describeIssue(issues, value, root), { details: { field: issues[0]?.instancePath } });
}
