/** PATH of a container whose image sets none. */
export const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Puts `overrides` over `base` as Docker does: a known name is replaced in its place, a bare name removes it, the rest follows. */
export function mergeEnvironment(base: readonly string[], overrides: readonly string[]): string[] {
  const merged = [...base];
  const places = new Map(merged.map((entry, index) => [nameOf(entry), index]));
  const removed = new Set<number>();
  for (const entry of overrides) {
    const name = nameOf(entry);
    const place = places.get(name);
    if (!entry.includes("=")) {
      if (place !== undefined) removed.add(place);
      places.delete(name);
    } else if (place === undefined) {
      places.set(name, merged.push(entry) - 1);
    } else {
      merged[place] = entry;
    }
  }
  return removed.size === 0 ? merged : merged.filter((_entry, index) => !removed.has(index));
}

function nameOf(entry: string): string {
  const equals = entry.indexOf("=");
  return equals === -1 ? entry : entry.slice(0, equals);
}

/** What every process of a container starts from, before the image's and the user's variables. */
export function daemonEnvironment(options: { hostname: string; tty: boolean }): string[] {
  const env = [`PATH=${defaultPath}`, `HOSTNAME=${options.hostname}`];
  if (options.tty) env.push("TERM=xterm");
  return env;
}
