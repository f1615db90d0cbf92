import { invalidArgument } from "@pouchcontainer/errors";
import { familiarReference, familiarRepository, type NamingDefaults, type Reference } from "@pouchcontainer/oci";
import { pointInTime } from "../../point-in-time.ts";
import { pathPattern } from "../../path-pattern.ts";
import type { StoredImage } from "./image-store.ts";

/** Docker's `filters` query: key → values. */
export type Filters = Record<string, string[]>;

export function checkFilterKeys(filters: Filters, known: readonly string[]): void {
  for (const key of Object.keys(filters)) {
    if (!known.includes(key)) throw invalidArgument(`invalid filter '${key}'`);
  }
}

/** Whether the image has every label asked for, `key` or `key=value`, and none of the `label!`. */
export function matchesLabels(image: StoredImage, filters: Filters): boolean {
  const labels = image.config.config?.Labels ?? {};
  const has = (wanted: string): boolean => {
    const equals = wanted.indexOf("=");
    if (equals < 0) return Object.hasOwn(labels, wanted);
    return labels[wanted.slice(0, equals)] === wanted.slice(equals + 1);
  };
  return (filters["label"] ?? []).every(has) && !(filters["label!"] ?? []).some(has);
}

/** Whether a pattern fits the reference as people write it, or its repository alone. */
export function matchesReference(reference: Reference, patterns: readonly string[], naming: NamingDefaults): boolean {
  const names = [familiarReference(reference, naming), familiarRepository(reference, naming)];
  return patterns.some((pattern) => {
    const matcher = pathPattern(pattern);
    return names.some((name) => matcher.test(name));
  });
}

/** Seconds since the epoch that a filter `until` means; `now` in milliseconds. */
export function untilSeconds(text: string, now: number): number {
  return Number(pointInTime(text, BigInt(Math.floor(now)) * 1_000_000n)) / 1e9;
}

/** Seconds since the epoch an image says it was made at; 0 where it does not. */
export function createdSeconds(created: string | undefined): number {
  const time = Date.parse(created ?? "");
  return Number.isNaN(time) ? 0 : Math.floor(time / 1000);
}
