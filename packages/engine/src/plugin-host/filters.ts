import type { PluginFilters } from "@pouchcontainer/plugin-sdk";
import type { CallSubject } from "@pouchcontainer/plugin-sdk/host";
import { globPattern } from "./glob-pattern.ts";

/** Whether a call concerns the plugin. */
export type Filter = (subject: CallSubject) => boolean;

/** Compiles a manifest's filters; `undefined` when every call concerns the plugin. */
export function compileFilters(filters: PluginFilters): Filter | undefined {
  const checks: Filter[] = [];
  if (filters.labels !== undefined) {
    const patterns = filters.labels.map((pattern) => pairPattern(pattern));
    checks.push(({ labels }) => labels === undefined || patterns.some((matches) => anyLabel(labels, matches)));
  }
  if (filters.images !== undefined) {
    const patterns = filters.images.map(globPattern);
    checks.push(({ image }) => image === undefined || patterns.some((matches) => matches(image)));
  }
  if (filters.env !== undefined) {
    const patterns = filters.env.map((pattern) => pairPattern(pattern));
    checks.push(({ env }) => env === undefined || env.some((entry) => matchesPair(entry, patterns)));
  }
  if (checks.length === 0) return undefined;
  const only = checks[0];
  return checks.length === 1 && only !== undefined ? only : (subject) => checks.every((check) => check(subject));
}

/** Whether an api plugin is shown a route; patterns are `METHOD /path`. */
export function compileRouteFilter(filters: PluginFilters): (method: string, path: string) => boolean {
  if (filters.routes === undefined) return () => true;
  const patterns = filters.routes.map(globPattern);
  return (method, path) => patterns.some((matches) => matches(`${method} ${path}`));
}

type PairMatcher = (key: string, value: string) => boolean;

function pairPattern(pattern: string): PairMatcher {
  const equals = pattern.indexOf("=");
  if (equals === -1) {
    const matches = globPattern(pattern);
    return (key) => matches(key);
  }
  const [keyMatches, valueMatches] = [globPattern(pattern.slice(0, equals)), globPattern(pattern.slice(equals + 1))];
  return (key, value) => keyMatches(key) && valueMatches(value);
}

function anyLabel(labels: Readonly<Record<string, string>>, matches: PairMatcher): boolean {
  for (const key in labels) if (matches(key, labels[key] ?? "")) return true;
  return false;
}

function matchesPair(entry: string, patterns: readonly PairMatcher[]): boolean {
  const equals = entry.indexOf("=");
  const key = equals === -1 ? entry : entry.slice(0, equals);
  const value = equals === -1 ? "" : entry.slice(equals + 1);
  return patterns.some((matches) => matches(key, value));
}
