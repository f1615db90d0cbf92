import { invalidArgument } from "@pouchcontainer/errors";
import type { ImageRunConfig } from "@pouchcontainer/oci";
import { variableOf } from "./values.ts";
import { expand, type Variables } from "./words.ts";

/** What variables may make of a request's instructions, in characters: each may stand for many of another. */
const mostExpanded = 1024 * 1024;
/** As many as there are. */
const mostPorts = 65_535;

/**
 * The configuration of an image while instructions change it. Each costs what it says itself, however much is there already, and all
 * together are held to limits: they come from a client, and are applied at a stretch.
 */
export class ChangedConfig {
  /** All but lists and maps. */
  readonly plain: ImageRunConfig;
  isCommandGiven = false;
  readonly #variables: Map<string, string>;
  readonly #env: string[];
  /** Where in the environment a variable is. */
  readonly #places = new Map<string, number>();
  readonly #labels: [string, string][] = [];
  readonly #ports = new Set<string>();
  readonly #volumes: string[] = [];
  readonly #triggers: string[] = [];
  #portsLeft = mostPorts;
  #charactersLeft = mostExpanded;

  constructor(config: ImageRunConfig) {
    this.plain = { ...config };
    this.#env = [...(config.Env ?? [])];
    const pairs = this.#env.map(variableOf);
    for (const [place, [name]] of pairs.entries()) if (!this.#places.has(name)) this.#places.set(name, place);
    this.#variables = new Map(pairs);
  }

  get variables(): Variables {
    return this.#variables;
  }

  /** A text with its variables replaced. */
  expand(text: string): string {
    const expanded = expand(text, this.#variables);
    this.#charactersLeft -= expanded.length;
    if (this.#charactersLeft < 0)
      throw invalidArgument(`the changes are more than ${mostExpanded} characters with their variables`);
    return expanded;
  }

  /** One that is there keeps its place. */
  setVariables(pairs: readonly [string, string][]): void {
    for (const [name, value] of pairs) {
      const place = this.#places.get(name) ?? this.#env.length;
      this.#places.set(name, place);
      this.#env[place] = `${name}=${value}`;
      this.#variables.set(name, value);
    }
  }

  addLabels(pairs: readonly [string, string][]): void {
    this.#labels.push(...pairs);
  }

  /** Each port of a range is exposed by itself. */
  expose({ from, to, protocol }: { from: number; to: number; protocol: string }): void {
    this.#portsLeft -= to - from + 1;
    if (this.#portsLeft < 0) throw invalidArgument(`EXPOSE names more than ${mostPorts} ports`);
    for (let port = from; port <= to; port++) this.#ports.add(`${port}/${protocol}`);
  }

  addVolumes(places: readonly string[]): void {
    this.#volumes.push(...places);
  }

  addTrigger(trigger: string): void {
    this.#triggers.push(trigger);
  }

  /** The configuration with all that was changed. */
  done(): ImageRunConfig {
    const { ExposedPorts, Volumes, Labels, OnBuild } = this.plain;
    return {
      ...this.plain,
      ...(this.#env.length > 0 && { Env: this.#env }),
      ...(this.#labels.length > 0 && { Labels: { ...Labels, ...Object.fromEntries(this.#labels) } }),
      ...(this.#ports.size > 0 && { ExposedPorts: { ...ExposedPorts, ...emptySet(this.#ports) } }),
      ...(this.#volumes.length > 0 && { Volumes: { ...Volumes, ...emptySet(this.#volumes) } }),
      ...(this.#triggers.length > 0 && { OnBuild: [...(OnBuild ?? []), ...this.#triggers] }),
    };
  }
}

const emptySet = (names: Iterable<string>): Record<string, Record<string, never>> =>
  Object.fromEntries(Array.from(names, (name) => [name, {}]));
