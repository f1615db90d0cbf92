import type { ContainerInspect } from "@pouchcontainer/api";
import { cutText, forbidden, internal } from "@pouchcontainer/errors";
import {
  cloneJson,
  deepFreeze,
  defaultHookTimeoutSeconds,
  difference,
  type BodyChecks,
  type PointAnswer,
} from "@pouchcontainer/plugin-sdk/host";
import { assertValid, type BodyChains } from "./body-chains.ts";
import type { CallRunner, Settled } from "./call-runner.ts";
import type { ChainContext, PreStartHook } from "./chains.ts";
import { inTurn, type ChainLink, type PluginRegistry } from "./plugin-registry.ts";
import { subjectOfContext } from "./point-chains.ts";

type Hooks = PointAnswer<"container.preStart">["hooks"];

export interface HookChainDeps {
  registry: PluginRegistry;
  runner: CallRunner;
  bodies: BodyChains;
  check: BodyChecks["container.preStart"];
  /** Whether hooks, which run on the host, are refused. */
  isRefused: boolean;
}

/** `container.preStart`: collects the hooks of all plugins, in the order of their priorities. */
export class HookChain {
  readonly #deps: HookChainDeps;

  constructor(deps: HookChainDeps) {
    this.#deps = deps;
  }

  async ask(container: ContainerInspect, context: ChainContext): Promise<PreStartHook[]> {
    const { registry, runner } = this.#deps;
    const links = registry.chain("container.preStart");
    if (links.length === 0) return [];
    const view = deepFreeze(cloneJson(container));
    const subject = subjectOfContext(context);
    const hooks: PreStartHook[] = [];
    for (const link of inTurn(links)) {
      if (link.filter?.(subject) === false) continue;
      const asked = await runner.run(
        "container.preStart",
        link,
        { container: view },
        context,
        (answer, by) => this.#checkHooks(by, answer.hooks),
        { shown: { container: view } },
      );
      for (const hook of asked ?? []) hooks.push({ timeoutSeconds: defaultHookTimeoutSeconds, ...hook, plugin: link.slot.name });
    }
    // A stable sort keeps the chain's order among equals.
    return hooks.toSorted((a, b) => b.priority - a.priority);
  }

  #checkHooks({ guard }: ChainLink, answer: unknown): Settled<Hooks> {
    const hooks = this.#deps.bodies.taken(answer);
    assertValid(this.#deps.check, hooks, "hooks");
    // Valid against the schema of PreStartHook[] by the line above.
    const checked = hooks as Hooks;
    for (const { args } of checked) {
      if (this.#deps.isRefused)
        throw forbidden(
          `it asks for the hook ${cutText(args.join(" "), 256)}, and the daemon's --validator rules out hooks on the host`,
        );
      if (args[0]?.startsWith("/") !== true)
        throw internal(`the program of a hook must be an absolute path, got ${JSON.stringify(args[0])}`);
    }
    if (checked.length > 0) guard.uses("hooks", "it returned hooks");
    return { result: checked, patch: difference([], checked) };
  }
}
