import type { PluginReplayMessage, PluginReplaySummary } from "@pouchcontainer/api";
import { conflict, failedPrecondition, invalidArgument } from "@pouchcontainer/errors";
import { pointNames, type PointName } from "@pouchcontainer/plugin-sdk";
import type { PluginInstance } from "@pouchcontainer/plugin-sdk/host";
import { unpackPlugin, type PackageRoom, type PackageSource, type UnpackedPlugin } from "../installed/plugin-package.ts";
import { isReplayable } from "../journal/journaled-call.ts";
import type { PluginJournal } from "../journal/plugin-journal.ts";
import { recordOf } from "../new-record.ts";
import { toBeGranted } from "../permissions/granted.ts";
import type { PluginRecord } from "../plugin-record.ts";
import { RecordedCalls, type WantedCalls } from "./recorded-calls.ts";
import { AskedPlugin } from "./asked-plugin.ts";
import { replayCalls, type ReplayedPlugin } from "./replay-calls.ts";
import { ReplayInstances, replayLog, type ReplayInstancesDeps } from "./replay-instances.ts";

export type PluginReplaysDeps = ReplayInstancesDeps & PackageRoom & { journal?: PluginJournal | undefined };

export interface ReplayRequest extends Omit<WantedCalls, "plugin"> {
  /** The version that is run. Default: the present one. */
  against?: PackageSource;
}

/** A plugin as the daemon has it. */
export interface ReplaySubject {
  name: string;
  /** Of one that is compiled in, which has no process: the instance itself is called. */
  builtin: PluginInstance | undefined;
  record: PluginRecord | undefined;
}

export type TellReplay = (message: PluginReplayMessage) => Promise<void>;

/** Runs plugins over calls that were recorded of them, one replay at a time. Nothing is applied, granted or kept. */
export class PluginReplays {
  readonly #deps: PluginReplaysDeps;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;

  constructor(deps: PluginReplaysDeps) {
    this.#deps = deps;
  }

  async run(subject: ReplaySubject, request: ReplayRequest, tell: TellReplay, gone: AbortSignal): Promise<void> {
    const { journal } = this.#deps;
    if (journal === undefined)
      throw failedPrecondition(
        "the journal of plugin calls is switched off, so that there are no calls to replay: start the daemon with --plugin-journal-size=BYTES, such as 16777216",
      );
    checkPoint(request.point);
    if (this.#running !== undefined) throw conflict("another replay is under way: wait for it, or end it where it was begun");
    const running = this.#run(journal, subject, request, tell, AbortSignal.any([gone, this.#closing.signal]));
    const ended = (): undefined => (this.#running = undefined);
    this.#running = running.then(ended, ended);
    // Whoever reads it may begin the next one: nothing of this one is left then.
    await tell({ summary: await running });
  }

  /** Ends the one that runs. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("the daemon stops"));
    await this.#running;
  }

  async #run(
    journal: PluginJournal,
    subject: ReplaySubject,
    { against, ...wanted }: ReplayRequest,
    tell: TellReplay,
    signal: AbortSignal,
  ): Promise<PluginReplaySummary> {
    await using instances = new ReplayInstances(this.#deps);
    const present = subject.record?.installed?.directory;
    if (present !== undefined) instances.keep(present);
    const fresh = against && (await this.#unpacked(against, subject, instances));
    signal.throwIfAborted();
    // What does not start is told before there is anything else to tell: the answer is an error's then.
    const plugin = this.#plugin(subject, fresh, instances);
    const { manifest } = await plugin.tried.instance;
    const calls = await RecordedCalls.find(journal, { ...wanted, plugin: subject.name }, signal);
    await tell({ progress: { done: 0, total: calls.total } });
    const report = await replayCalls(calls, plugin, tell, signal);
    const missing = fresh === undefined ? [] : toBeGranted(fresh, subject.record);
    const { name, version } = manifest;
    return { plugin: name, version, ...report.summary, notRecorded: { ...journal.losses }, missing };
  }

  async #unpacked(source: PackageSource, { name, builtin }: ReplaySubject, instances: ReplayInstances): Promise<UnpackedPlugin> {
    if (builtin !== undefined)
      throw failedPrecondition(`plugin ${name} is compiled into the daemon: another version of it cannot be run beside it`);
    // Whoever asks for a replay has it run: what it lacks a grant for is in the report.
    const unpacked = await unpackPlugin(source, this.#deps, ({ manifest }) => {
      if (manifest.name !== name)
        throw invalidArgument(`the package is plugin "${manifest.name}", not "${name}", whose calls are recorded`);
    });
    instances.removeAfterwards(unpacked.directory);
    return unpacked;
  }

  #plugin(
    { name, builtin, record }: ReplaySubject,
    fresh: UnpackedPlugin | undefined,
    instances: ReplayInstances,
  ): ReplayedPlugin {
    const { host, logs } = this.#deps;
    const log = replayLog(logs.logOf(name));
    const end = (instance: PluginInstance): Promise<void> => instances.end(instance);
    const started = (from: PluginRecord): AskedPlugin => new AskedPlugin({ host, log, start: () => instances.start(from), end });
    const present =
      builtin === undefined
        ? started(record ?? { name, enabled: true })
        : new AskedPlugin({ host, log, start: async () => builtin, end: undefined });
    const { checks } = host;
    if (fresh === undefined) return { checks, tried: present };
    // As if it were installed in the other's place. The record is nobody's: that all is granted in it grants nothing.
    const options = { enable: true, privileges: "all" } as const;
    const tried = started(recordOf({ unpacked: fresh, place: {}, options, now: Date.now }, record));
    return { checks, tried, present };
  }
}

function checkPoint(point: string | undefined): void {
  if (point === undefined) return;
  const known: PointName | undefined = pointNames.find((name) => name === point);
  if (known === undefined) throw invalidArgument(`there is no point "${point}": ${pointNames.filter(isReplayable).join(", ")}`);
  if (!isReplayable(known))
    throw invalidArgument(`calls at ${point} are not recorded: they have no answer, or act on more than what they are given`);
}
