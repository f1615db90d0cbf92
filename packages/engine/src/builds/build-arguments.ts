/** Those that every build may have without naming them; they are in no history. */
const predefined = new Set([
  "HTTP_PROXY",
  "http_proxy",
  "HTTPS_PROXY",
  "https_proxy",
  "FTP_PROXY",
  "ftp_proxy",
  "NO_PROXY",
  "no_proxy",
  "ALL_PROXY",
  "all_proxy",
]);

type Declared = Map<string, string | undefined>;

/**
 * A build's arguments (Dockerfile reference, "ARG"): what the client gives counts where a stage names it; what comes before the first
 * stage counts in each `FROM`, and in a stage that names it without a value.
 */
export class BuildArguments {
  readonly #given: ReadonlyMap<string, string | undefined>;
  readonly #global: Declared;
  readonly #used: Set<string>;
  readonly #declared: Declared = new Map();

  constructor(given: ReadonlyMap<string, string | undefined>, global: Declared = new Map(), used = new Set<string>()) {
    this.#given = given;
    this.#global = global;
    this.#used = used;
  }

  /** For another stage, which has to name by itself what it uses. */
  forStage(): BuildArguments {
    return new BuildArguments(this.#given, this.#global, this.#used);
  }

  declareGlobally(name: string, value: string | undefined): void {
    this.#global.set(name, value);
    this.#used.add(name);
  }

  declare(name: string, value: string | undefined): void {
    this.#declared.set(name, value);
    this.#used.add(name);
  }

  /** What a `FROM` may say. */
  get global(): Map<string, string> {
    return defined(this.#global.keys(), (name) => this.#given.get(name) ?? this.#global.get(name));
  }

  /** What instructions and commands of the stage see beside its environment. */
  get visible(): Map<string, string> {
    const names = new Set([...this.#declared.keys(), ...predefined]);
    return defined(names, (name) => this.#given.get(name) ?? this.#declared.get(name) ?? this.#undeclaredValue(name));
  }

  /** Whether the history tells of it. */
  isTold(name: string): boolean {
    return this.#declared.has(name) || !predefined.has(name);
  }

  /** Names that were given and that no `ARG` has. */
  get unused(): string[] {
    return [...this.#given.keys()].filter((name) => !this.#used.has(name) && !predefined.has(name)).toSorted();
  }

  #undeclaredValue(name: string): string | undefined {
    return this.#declared.has(name) ? this.#global.get(name) : undefined;
  }
}

function defined(names: Iterable<string>, valueOf: (name: string) => string | undefined): Map<string, string> {
  return new Map(
    [...names].flatMap((name): [string, string][] => {
      const value = valueOf(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
