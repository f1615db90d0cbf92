import { isOutage } from "@pouchcontainer/containerd";
import { cancelled, conflict, EngineError, invalidArgument, isKind } from "@pouchcontainer/errors";
import { shortId, type Reference } from "@pouchcontainer/oci";
import type { Readable } from "node:stream";
import { openContext } from "./build-context.ts";
import type { BuildDeps, BuildRequest, BuildSink } from "./build-deps.ts";
import { makeBuildFolder, newBuildId, removeBuildFolder, removeLeftFolders } from "./build-folder.ts";
import { BuildOutput } from "./build-output.ts";
import { parseDockerfile } from "./dockerfile/parse-dockerfile.ts";
import { runBuild } from "./run-build.ts";

/** Images from Dockerfiles: `POST /build` as Docker's classic builder has it (docs/adr/0017). */
export class BuildManager {
  readonly #deps: BuildDeps;
  readonly #running = new Set<{ id: string | undefined; stop: AbortController; done: Promise<unknown> }>();
  #isClosing = false;

  constructor(deps: BuildDeps) {
    this.#deps = deps;
  }

  /** Removes what builds of a daemon that was killed had begun. Before the first build. */
  async recover(): Promise<void> {
    const { containers } = this.#deps;
    for (const id of containers.ofBuilds()) {
      try {
        await containers.removeOfBuild(id);
      } catch (error) {
        // The next start finds it again.
        if (!isKind(error, "notFound"))
          this.#deps.warn("a container of a build that was cut short could not be removed", {
            container: id,
            error: String(error),
          });
      }
    }
    await removeLeftFolders(this.#deps);
  }

  /**
   * Builds an image of a context, which is a tar, and tells how far it is. Whatever it is cut short by, nothing of it stays but the
   * image of the last step that was done, which has no name.
   */
  async build(request: BuildRequest, body: Readable, sink: BuildSink, signal: AbortSignal): Promise<void> {
    if (this.#isClosing) throw cancelled("the daemon is stopping");
    if (request.id !== undefined && [...this.#running].some(({ id }) => id === request.id))
      throw conflict(`build with id ${request.id} is running already`);
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    const running = { id: request.id, stop, done: this.#build(request, body, sink, either) };
    this.#running.add(running);
    try {
      await running.done;
    } catch (error) {
      if (either.aborted) throw cancelled("Build cancelled", { cause: error });
      throw error;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Calls off the build of this id, if there is one. */
  cancel(id: string): void {
    for (const running of this.#running) if (running.id === id) running.stop.abort();
  }

  /** Steps are taken up from images: there is no cache beside them to empty. */
  pruneCache(): Promise<{ CachesDeleted: null; SpaceReclaimed: number }> {
    this.#deps.events.publish({ type: "builder", action: "prune", id: "", attributes: { reclaimed: "0" } });
    return Promise.resolve({ CachesDeleted: null, SpaceReclaimed: 0 });
  }

  /** Calls off all builds; resolves when nothing of them is left. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const running = [...this.#running];
    for (const { stop } of running) stop.abort();
    await Promise.allSettled(running.map(({ done }) => done));
  }

  async #build(request: BuildRequest, body: Readable, sink: BuildSink, signal: AbortSignal): Promise<void> {
    const { images } = this.#deps;
    const names = request.names.map((name) => images.buildName(name));
    images.platform(request.platform);
    const id = newBuildId();
    const own = await makeBuildFolder(this.#deps, id);
    try {
      await this.#buildIn({ id, folder: own, names }, request, body, sink, signal);
    } finally {
      await removeBuildFolder(this.#deps, own);
    }
  }

  async #buildIn(
    { id, folder, names }: { id: string; folder: string; names: readonly Reference[] },
    request: BuildRequest,
    body: Readable,
    sink: BuildSink,
    signal: AbortSignal,
  ): Promise<void> {
    const { images } = this.#deps;
    const context = await openContext(this.#deps, request, body, folder, signal);
    if (context.dockerfile === "") throw invalidArgument(`the Dockerfile (${request.dockerfile}) cannot be empty`);
    const dockerfile = parseDockerfile(context.dockerfile);
    const output = new BuildOutput(sink, request.quiet);
    const drafts = await images.openDrafts();
    let afterOutage = false;
    try {
      const room = {
        id,
        deps: this.#deps,
        request,
        drafts,
        output,
        signal,
        folder,
        context: context.view,
        escape: dockerfile.escape,
        trusted: await this.#trusted(request),
        done: [],
      };
      const draft = await runBuild(room, dockerfile);
      await output.say(`Successfully built ${shortId(draft.id)}\n`);
      const image = await drafts.keep(draft, names);
      for (const name of names) await output.say(`Successfully tagged ${images.tellBuilt(image, name)}\n`);
      await output.result(draft.id);
    } catch (error) {
      afterOutage = isOutage(error);
      if (!signal.aborted) await output.failed();
      throw EngineError.from(error);
    } finally {
      await drafts.close({ afterOutage });
    }
  }

  async #trusted({ cacheFrom, platform }: BuildRequest): Promise<Set<string>> {
    const found = await Promise.all(cacheFrom.map((name) => this.#deps.images.findForBuild(name, platform)));
    return new Set(found.flatMap((image) => image?.id ?? []));
  }
}
