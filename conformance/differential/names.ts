/**
 * Gives values that differ from run to run the same names in both engines. A name comes from where a value was first seen: the
 * id in the answer of the step that bound it, any other id by the call and the field. So an engine that mixes ids up shows a
 * difference. Times are named only when they lie within the run.
 */
export class Names {
  readonly #startedAt = Date.now() - 120_000;
  readonly #byId = new Map<string, string>();
  readonly #places: [string, string][];

  /** `places`: text that is this engine's own wherever it stands, for example its folder, and the name for it. */
  constructor(places: [string, string][]) {
    this.#places = places;
  }

  bind(name: string, id: string): void {
    this.#byId.set(id, `<${name}>`);
    this.#byId.set(id.slice(0, 12), `<${name}:12>`);
  }

  /** The id with this name. */
  find(name: string): string {
    for (const [id, known] of this.#byId) if (known === `<${name}>`) return id;
    throw new Error(`no step has bound <${name}>`);
  }

  /** The value with names in it; `where` is the call it answers. */
  normalise(value: unknown, where: string, path: string[] = []): unknown {
    if (typeof value === "string") return this.#text(value, `${path.join(".")} of ${where}`);
    if (typeof value === "number") return this.#number(value, path.at(-1) ?? "");
    if (Array.isArray(value)) return value.map((item: unknown, index) => this.normalise(item, where, [...path, String(index)]));
    if (typeof value !== "object" || value === null) return value;
    const named: [string, unknown][] = Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [this.#text(key, `a key of ${where}`), this.normalise(item, where, [...path, key])]);
    return Object.fromEntries(named);
  }

  #text(value: string, where: string): string {
    let named = value;
    for (const [place, name] of this.#places) named = named.replaceAll(place, name);
    return named
      .replaceAll(/(?<!sha256:)\b[0-9a-f]{64}\b/g, (id) => this.#nameOf(id, where))
      .replaceAll(/\b[0-9a-f]{12}\b/g, (id) => this.#byId.get(id) ?? id)
      .replaceAll(
        /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g,
        (time, fraction: string | undefined, zone: string) =>
          this.#isNow(Date.parse(time)) ? `<time${fraction === undefined ? "" : ".fraction"}${zone}>` : time,
      )
      .replaceAll(/\b(Less than a second|\d+ seconds?|About a minute)( ago)?\b/g, "<seconds>$2");
  }

  #nameOf(id: string, where: string): string {
    if (!this.#byId.has(id)) this.bind(`id first seen in ${where}`, id);
    return this.#byId.get(id) ?? id;
  }

  #number(value: number, field: string): unknown {
    if (/^(Pid|PID)$/.test(field) && value > 1) return "<pid>";
    if (this.#isNow(value * 1000)) return "<time in seconds>";
    if (this.#isNow(value / 1e6)) return "<time in nanoseconds>";
    return value;
  }

  #isNow(milliseconds: number): boolean {
    return milliseconds >= this.#startedAt && milliseconds <= Date.now() + 2000;
  }
}
