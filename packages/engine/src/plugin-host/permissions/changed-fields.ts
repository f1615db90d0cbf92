import { isObject, valueAt, type PatchOperation } from "@pouchcontainer/plugin-sdk/host";
import { commonEnds } from "../common-ends.ts";
import { step, type FieldPatterns, type Reach } from "./field-patterns.ts";

/** What is granted, and which fields are entries of maps. */
export interface Granted {
  readonly patterns: FieldPatterns;
  readonly entries: FieldPatterns;
}

/** Names of fields that a change touched and patterns do not cover, at most `max`; none where all is covered. */
export function uncoveredFields(
  granted: Granted,
  before: unknown,
  after: unknown,
  patch: readonly PatchOperation[],
  max = 1,
): string[] {
  const search = new Search(granted, before, after, max);
  for (const operation of patch) {
    search.look(operation);
    if (search.found.size >= max) break;
  }
  return [...search.found];
}

/** Where the operations on the members of one object are, or those on the items of a list. */
interface Parent {
  path: string;
  name: string;
  value: unknown;
  reach: Reach;
  /** How far the way to an entry of a map goes; `granted` in one. */
  entry: Reach;
}

type Place = Pick<Parent, "reach" | "entry">;

class Search {
  readonly found = new Set<string>();
  readonly #granted: Granted;
  readonly #before: unknown;
  readonly #after: unknown;
  readonly #max: number;
  #parent: Parent | undefined;
  /** The list that was looked through last. */
  #list: string | undefined;

  constructor(granted: Granted, before: unknown, after: unknown, max: number) {
    this.#granted = granted;
    this.#before = before;
    this.#after = after;
    this.#max = max;
  }

  look(operation: PatchOperation): void {
    const { path } = operation;
    const { patterns, entries } = this.#granted;
    if (path === "") return this.#values({ reach: patterns.start, entry: entries.start }, "", [this.#before, this.#after]);
    const end = path.lastIndexOf("/");
    const parentPath = path.slice(0, end);
    if (this.#parent?.path !== parentPath) this.#parent = this.#parentAt(parentPath);
    const { reach, name, value } = this.#parent;
    if (reach === "granted" || this.#list === this.#parent.path) return;
    if (Array.isArray(value)) {
      this.#list = this.#parent.path;
      return this.#listed(reach, name, value, valueAt(this.#after, this.#list));
    }
    const key = unescape(path.slice(end + 1));
    const earlier = isObject(value) ? ownMember(value, key) : undefined;
    this.#member(this.#parent, name, key, [earlier, operation.op === "remove" ? undefined : operation.value]);
  }

  /** A list is where the way ends: items have no names. */
  #parentAt(path: string): Parent {
    const { patterns, entries } = this.#granted;
    let parent: Parent = { path: "", name: "", value: this.#before, reach: patterns.start, entry: entries.start };
    let at = 0;
    while (at < path.length && !Array.isArray(parent.value)) {
      const slash = path.indexOf("/", at + 1);
      const end = slash === -1 ? path.length : slash;
      const key = unescape(path.slice(at + 1, end));
      const value = isObject(parent.value) ? ownMember(parent.value, key) : undefined;
      const [reach, entry] = [step(parent.reach, key), step(parent.entry, key)];
      parent = { path: path.slice(0, end), name: join(parent.name, key), value, reach, entry };
      at = end;
    }
    return parent;
  }

  /** A member that came, went or is another; an entry of a map that stays an object is not among those: its own members are. */
  #member({ reach, entry }: Place, name: string, key: string, values: readonly unknown[]): void {
    const next = { reach: step(reach, key), entry: step(entry, key) };
    if (next.reach === "granted") return;
    const isEntry = entry !== "granted" && next.entry === "granted";
    if (isEntry) this.#uncovered(join(name, key));
    else this.#values(next, join(name, key), values);
  }

  /** What was there went and what is there came, so that both have to be covered, each as a whole or member by member. */
  #values(at: Place, name: string, values: readonly unknown[]): void {
    for (const value of values) if (value !== undefined) this.#whole(at, name, value);
  }

  #whole(at: Place, name: string, value: unknown): void {
    const { reach } = at;
    if (reach === "granted" || this.found.size >= this.#max) return;
    if (isObject(value)) {
      const members = Object.entries(value);
      if (members.length === 0) return this.#empty(reach, name);
      for (const [key, member] of members) this.#member(at, name, key, [member]);
    } else if (value === null) this.#empty(reach, name);
    else if (Array.isArray(value) && isEnvironment(name)) this.#listed(reach, name, [], value);
    else this.#uncovered(name);
  }

  /** Who may change something in it may make it, or take it away. */
  #empty(reach: Reach, name: string): void {
    if (reach !== "granted" && reach.length === 0) this.#uncovered(name);
  }

  #listed(reach: Reach, name: string, before: readonly unknown[], after: unknown): void {
    if (!isEnvironment(name) || !isTexts(before) || !isTexts(after)) return this.#uncovered(name);
    if (before.length === after.length && after.length === 0) return this.#empty(reach, name);
    const isGranted = (variable: string): boolean => step(reach, variable) === "granted";
    for (const variable of changedVariables(before, after, isGranted)) this.#uncovered(join(name, variable));
  }

  #uncovered(name: string): void {
    if (this.found.size < this.#max) this.found.add(name);
  }
}

/** `NAME=value` in lists of this name are known by their name. */
function isEnvironment(name: string): boolean {
  return name === "Env" || name.endsWith(".Env");
}

/** One place in a list of variables. */
interface Entry {
  readonly name: string;
  readonly text: string;
}

/** Variables, none of those that may change, that are not what they were: by their entries, one after the other, or by their place among the others. */
function changedVariables(
  before: readonly string[],
  after: readonly string[],
  mayChange: (name: string) => boolean,
): Set<string> {
  const [old, now] = differingParts(before, after);
  const changed = new Set<string>();
  const isLeft = ({ name }: Entry): boolean => !changed.has(name) && !mayChange(name);
  const [oldEntries, nowEntries] = [byVariable(old), byVariable(now)];
  for (const { name } of [...old, ...now].filter(isLeft)) if (oldEntries.get(name) !== nowEntries.get(name)) changed.add(name);
  // What is left has the same entries in both, so that only their order can differ.
  const kept = now.filter(isLeft);
  let at = 0;
  for (const entry of old.filter(isLeft)) {
    if (changed.has(entry.name)) continue;
    while (at < kept.length && changed.has(kept[at]?.name ?? "")) at += 1;
    if (kept[at]?.text === entry.text) at += 1;
    else changed.add(entry.name);
  }
  return changed;
}

/** Two lists without what both begin and end with. */
function differingParts(before: readonly string[], after: readonly string[]): [Entry[], Entry[]] {
  const { head, tail } = commonEnds(before, after);
  return [before.slice(head, before.length - tail).map(entryOf), after.slice(head, after.length - tail).map(entryOf)];
}

function entryOf(text: string): Entry {
  const equals = text.indexOf("=");
  return { name: equals === -1 ? text : text.slice(0, equals), text };
}

/** The entries of each variable, one after the other, each after its length. */
function byVariable(entries: readonly Entry[]): Map<string, string> {
  const variables = new Map<string, string>();
  for (const { name, text } of entries) variables.set(name, `${variables.get(name) ?? ""}${text.length}:${text}`);
  return variables;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function ownMember(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function join(name: string, key: string): string {
  return name === "" ? key : `${name}.${key}`;
}

function unescape(part: string): string {
  return part.includes("~") ? part.replaceAll("~1", "/").replaceAll("~0", "~") : part;
}
