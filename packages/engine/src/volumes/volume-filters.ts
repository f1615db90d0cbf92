import { invalidArgument } from "@pouchcontainer/errors";
import { booleanFilter } from "../boolean-filter.ts";
import { anonymousLabel, type VolumeRecord } from "./volume-record.ts";
import { matchesText } from "../matches-text.ts";

type Filters = Record<string, string[]>;
type Predicate = (record: VolumeRecord) => boolean;

/** The test behind `docker volume ls --filter`. */
export function listPredicate(filters: Filters, inUse: (name: string) => boolean): Predicate {
  refuseUnknown(filters, ["dangling", "driver", "label", "name"]);
  const { driver = [], name = [], label = [] } = filters;
  const dangling = booleanFilter(filters, "dangling");
  return (record) =>
    (driver.length === 0 || driver.includes(record.driver)) &&
    (name.length === 0 || name.some((pattern) => matchesText(pattern, record.name))) &&
    label.every((wanted) => matchesLabel(record, wanted)) &&
    (dangling === undefined || dangling === !inUse(record.name));
}

/** Whether the volume's content is in its folder: what options mount from elsewhere takes no room here. */
export function isKeptHere({ options }: VolumeRecord): boolean {
  return Object.keys(options ?? {}).length === 0;
}

/** The test behind `docker volume prune`: volumes kept here, unnamed ones only unless `all` is asked for. */
export function prunePredicate(filters: Filters): Predicate {
  refuseUnknown(filters, ["all", "label", "label!"]);
  const all = booleanFilter(filters, "all") ?? false;
  const { label = [], "label!": notLabel = [] } = filters;
  return (record) =>
    isKeptHere(record) &&
    (all || Object.hasOwn(record.labels ?? {}, anonymousLabel)) &&
    label.every((wanted) => matchesLabel(record, wanted)) &&
    !notLabel.some((unwanted) => matchesLabel(record, unwanted));
}

function refuseUnknown(filters: Filters, known: readonly string[]): void {
  const unknown = Object.keys(filters).find((key) => !known.includes(key));
  if (unknown !== undefined) throw invalidArgument(`invalid filter '${unknown}'`);
}

function matchesLabel({ labels }: VolumeRecord, filter: string): boolean {
  const at = filter.indexOf("=");
  if (at === -1) return Object.hasOwn(labels ?? {}, filter);
  return labels?.[filter.slice(0, at)] === filter.slice(at + 1);
}
