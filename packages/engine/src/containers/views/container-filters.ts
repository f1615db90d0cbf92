import type { NetworkSettings } from "@pouchcontainer/api";
import { internal, invalidArgument } from "@pouchcontainer/errors";
import { parseRfc3339 } from "../clock.ts";
import { type ContainerRecord, zeroTime } from "../container-record.ts";
import { booleanFilter } from "../../boolean-filter.ts";
import { matchesText } from "../../matches-text.ts";

/** Docker's `filters` query: key → values. */
export type Filters = Record<string, string[]>;

/** What some filters need to know beyond the record. */
export interface FilterFacts {
  /** The container a `before` or `since` names; undefined when there is none. */
  container(ref: string): ContainerRecord | undefined;
  /** The id that begins like this, where one alone does. */
  idOfPrefix(prefix: string): string | undefined;
  /** Ids of the images a reference means; empty when there is none. */
  imageIds(reference: string): readonly string[];
  networkSettings(record: ContainerRecord): NetworkSettings;
}

type Predicate = (record: ContainerRecord) => boolean;

const keys = new Set(
  "ancestor before exited expose health id is-task isolation label name network publish since status volume".split(" "),
);
const statuses = new Set(["created", "running", "paused", "restarting", "removing", "exited", "dead"]);
const healths = new Set(["none", "starting", "healthy", "unhealthy"]);

/** Filters that make the list look at containers that do not run, even without `all`. */
export function filtersImplyAll(filters: Filters): boolean {
  return ["status", "before", "since", "exited"].some((key) => (filters[key] ?? []).length > 0);
}

/** One test made of all filters, after refusing what Docker refuses. Values of a key are alternatives, labels and keys add up. */
export function containerPredicate(filters: Filters, facts: FilterFacts): Predicate {
  for (const key of Object.keys(filters)) if (!keys.has(key)) throw invalidArgument(`invalid filter '${key}'`);
  // No container here is a Swarm task.
  if (booleanFilter(filters, "is-task") === true) return () => false;
  const predicates = Object.entries(filters).flatMap(([key, values]) =>
    values.length === 0 ? [] : [predicateOf(key, values, facts)],
  );
  return (record) => predicates.every((predicate) => predicate(record));
}

function predicateOf(key: string, values: string[], facts: FilterFacts): Predicate {
  switch (key) {
    case "id":
      return idPredicate(values, facts);
    case "name":
      return ({ name }) => values.some((value) => matchesText(value, name) || matchesText(value, `/${name}`));
    case "label":
      return ({ config }) => values.every((value) => matchesLabel(config.Labels ?? {}, value));
    case "status":
      refuseUnknown(values, statuses, (value) => `invalid filter 'status=${value}'`);
      return ({ state }) => values.includes(state.status);
    case "health":
      refuseUnknown(values, healths, (value) => `Unrecognised filter value for health: ${value}`);
      return ({ state }) => values.includes(state.health?.status ?? "none");
    case "exited":
      return exitedPredicate(values);
    case "ancestor":
      return ancestorPredicate(values, facts);
    case "before":
    case "since":
      return agePredicate(key, values, facts);
    case "volume":
      return ({ mountPoints }) =>
        mountPoints.some(({ name, destination }) => values.includes(name ?? "") || values.includes(destination));
    case "network":
      return networkPredicate(values, facts);
    case "publish":
    case "expose":
      return portPredicate(key, values, facts);
    default:
      // Isolation is a choice on Windows only: every value means all, as what is no task does.
      return () => true;
  }
}

/** `key` or `key=value`. */
export function matchesLabel(labels: Record<string, string>, filter: string): boolean {
  const at = filter.indexOf("=");
  if (at === -1) return Object.hasOwn(labels, filter);
  return labels[filter.slice(0, at)] === filter.slice(at + 1);
}

function idPredicate(values: readonly string[], facts: FilterFacts): Predicate {
  const ids = new Set(values.map((value) => facts.idOfPrefix(value)));
  return ({ id }) => ids.has(id);
}

function refuseUnknown(values: readonly string[], known: ReadonlySet<string>, message: (value: string) => string): void {
  const unknown = values.find((value) => !known.has(value));
  if (unknown !== undefined) throw invalidArgument(message(unknown));
}

function exitedPredicate(values: readonly string[]): Predicate {
  const codes = values.map((value) => {
    if (!/^[+-]?\d+$/.test(value)) throw invalidArgument(`strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
    return Number(value);
  });
  return ({ state }) => state.status === "exited" && state.startedAt !== zeroTime && codes.includes(state.exitCode);
}

function ancestorPredicate(values: readonly string[], facts: FilterFacts): Predicate {
  const ids = new Set(values.flatMap((value) => [...facts.imageIds(value)]));
  return ({ image }) => ids.has(image.id);
}

/** The newest `since` and the oldest `before` decide when several are given, as the narrowest. */
function agePredicate(key: "before" | "since", values: readonly string[], facts: FilterFacts): Predicate {
  const limits = values.map((value) => {
    const container = facts.container(value);
    if (container === undefined) throw invalidArgument(`no such container ${value}`);
    return createdAt(container);
  });
  return key === "before"
    ? (record) => limits.every((limit) => createdAt(record) < limit)
    : (record) => limits.every((limit) => createdAt(record) > limit);
}

function createdAt(record: ContainerRecord): bigint {
  const time = parseRfc3339(record.created);
  if (time === undefined) throw internal(`the record of container ${record.id} has no valid time of creation: ${record.created}`);
  return time;
}

function networkPredicate(values: readonly string[], facts: FilterFacts): Predicate {
  return (record) =>
    Object.entries(facts.networkSettings(record).Networks).some(
      ([name, { NetworkID: id = "" }]) => values.includes(name) || values.some((value) => id.startsWith(value)),
    );
}

/** `80`, `80/tcp` or `8000-8010/udp` against the ports a running container has: those of its own, or the host's they are published at. */
function portPredicate(key: "publish" | "expose", values: readonly string[], facts: FilterFacts): Predicate {
  const wanted = new Set(values.flatMap((value) => expandPorts(key, value)));
  return (record) =>
    Object.entries(facts.networkSettings(record).Ports).some(([port, places]) => {
      const [, protocol = "tcp"] = port.split("/");
      const ports = key === "expose" ? [port] : (places ?? []).map(({ HostPort }) => `${HostPort}/${protocol}`);
      return ports.some((one) => wanted.has(one));
    });
}

function expandPorts(key: string, value: string): string[] {
  const [range = "", protocol = "tcp"] = value.split("/");
  const [first = "", last = first] = range.split("-");
  for (const number of [first, last])
    if (!/^\d+$/.test(number) || Number(number) > 65_535)
      throw invalidArgument(
        `error while looking up for ${key} ${value}: strconv.ParseUint: parsing ${JSON.stringify(number)}: invalid syntax`,
      );
  const count = Number(last) - Number(first) + 1;
  if (count < 1) throw invalidArgument(`error while looking up for ${key} ${value}: Invalid range specified for port: ${value}`);
  return Array.from({ length: count }, (_, index) => `${Number(first) + index}/${protocol}`);
}
