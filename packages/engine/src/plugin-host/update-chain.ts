import { jsonBoundsInPieces, maxJsonValues } from "@pouchcontainer/api";
import { EngineError, internal, invalidArgument } from "@pouchcontainer/errors";
import { answerScan, type AnswerBounds, type PointAnswer } from "@pouchcontainer/plugin-sdk/host";
import type { Readable } from "node:stream";
import { changesOf, type BodyChains } from "./body-chains.ts";
import type { CallRunner, Settled } from "./call-runner.ts";
import type { ChainContext } from "./chains.ts";
import { WriteLog } from "./conflicts.ts";
import { inTurn, type ChainLink, type PluginRegistry } from "./plugin-registry.ts";
import { subjectOfContext } from "./point-chains.ts";
import { bodyOf, jsonOf, readBody } from "./update-body.ts";

export interface UpdateChainDeps {
  registry: PluginRegistry;
  runner: CallRunner;
  bodies: BodyChains;
  bounds: AnswerBounds;
  /** Throws for what cannot be the body of an update. */
  decode: (body: unknown) => void;
}

/** `container.preUpdate`: the bytes of an update on their way from plugin to plugin, before anything of them is decoded. */
export class UpdateChain {
  readonly #deps: UpdateChainDeps;

  constructor(deps: UpdateChainDeps) {
    this.#deps = deps;
  }

  async change(body: Readable, context: ChainContext): Promise<Readable> {
    const { registry, runner, bodies, bounds } = this.#deps;
    const subject = subjectOfContext(context);
    const matches = ({ filter }: ChainLink): boolean => filter?.(subject) !== false;
    const links = registry.chain("container.preUpdate");
    if (!links.some(matches)) return body;
    const writes = new WriteLog();
    // What is wrong here is the caller's fault, and no plugin's.
    const bytes = await readBody(body, { look: jsonBoundsInPieces() });
    let current = this.#updateBody(bytes);
    for (const link of inTurn(links)) {
      if (!matches(link)) continue;
      const before = current;
      const settle = async (answer: PointAnswer<"container.preUpdate">, by: ChainLink): Promise<Settled<typeof current>> => {
        const { bytes: maxBytes, values } = bounds;
        const look = answerScan(Math.min(values, maxJsonValues));
        const answered = await readBody(answer.body, { refuse: internal, maxBytes, look });
        const isChanged = !answered.equals(before.bytes);
        const after = isChanged ? { ...this.#updateBody(answered), changedBy: link.slot.name } : before;
        if (after.json === undefined && before.json !== undefined) throw internal("the body it returned is not JSON any more");
        if (after.problem !== undefined && before.problem === undefined) throw internal(after.problem);
        const [from, to] = [before.json ?? {}, after.json ?? {}];
        return bodies.settled(by, writes, { before: from, after: to, patch: changesOf(from, to) }, after);
      };
      current =
        (await runner.run("container.preUpdate", link, { body: bodyOf(before.bytes) }, context, settle, {
          shown: before.json,
          given: { body: before.json },
        })) ?? before;
    }
    const { problem, changedBy } = current;
    // The client's words are not those that are refused.
    if (problem !== undefined && changedBy !== undefined)
      throw invalidArgument(`${problem} (plugin "${changedBy}" was the last to change the body, at container.preUpdate)`);
    return bodyOf(current.bytes);
  }

  #updateBody(bytes: Buffer): UpdateBody {
    const json = jsonOf(bytes);
    if (json === undefined) return { bytes, json, problem: "the body is not JSON", changedBy: undefined };
    try {
      this.#deps.decode(json);
      return { bytes, json, problem: undefined, changedBy: undefined };
    } catch (error) {
      return { bytes, json, problem: EngineError.from(error).message, changedBy: undefined };
    }
  }
}

/** The body of an update on its way from plugin to plugin. */
interface UpdateBody {
  bytes: Buffer;
  json: unknown;
  /** Why an update cannot take it. */
  problem: string | undefined;
  changedBy: string | undefined;
}
