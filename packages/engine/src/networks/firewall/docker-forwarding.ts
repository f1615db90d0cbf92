import { programOutcome } from "@pouchcontainer/owners";

/**
 * Docker on the same host sets the policy of iptables' FORWARD chain to drop, and a packet has to pass every table. Docker
 * leaves one chain to others: DOCKER-USER. Where it is there, our bridges are let through in it; what may pass is still
 * said by our own table. On hosts without Docker this does nothing.
 */
export class DockerForwarding {
  readonly #env: NodeJS.ProcessEnv;
  readonly #programs: string[];
  #known: Promise<string[]> | undefined;

  constructor(deps: { env: NodeJS.ProcessEnv; programs?: string[] }) {
    this.#env = deps.env;
    this.#programs = deps.programs ?? ["iptables", "ip6tables"];
  }

  /** For as long as the work with many bridges goes on it is asked only once where the chain is. */
  async askingOnce(work: () => Promise<void>): Promise<void> {
    this.#known = this.#programsWithChain();
    try {
      await work();
    } finally {
      this.#known = undefined;
    }
  }

  /** Lets a bridge through; again and again has no effect. Returns what takes back the rules that were not there before. */
  async allow(bridge: string): Promise<() => Promise<void>> {
    const made: [program: string, rule: string[]][] = [];
    for (const program of await (this.#known ?? this.#programsWithChain())) {
      for (const rule of rules(bridge)) {
        if (await this.#run(program, "-C", "DOCKER-USER", ...rule)) continue;
        if (await this.#run(program, "-I", "DOCKER-USER", ...rule)) made.push([program, rule]);
      }
    }
    return async () => {
      for (const [program, rule] of made) await this.#run(program, "-D", "DOCKER-USER", ...rule);
    };
  }

  async withdraw(bridge: string): Promise<void> {
    for (const program of await (this.#known ?? this.#programsWithChain())) {
      for (const rule of rules(bridge)) await this.#run(program, "-D", "DOCKER-USER", ...rule);
    }
  }

  async #programsWithChain(): Promise<string[]> {
    const found = await Promise.all(this.#programs.map((program) => this.#run(program, "-S", "DOCKER-USER")));
    return this.#programs.filter((_program, index) => found[index] === true);
  }

  /** Whether iptables said yes; a host without it says no. */
  async #run(program: string, ...args: string[]): Promise<boolean> {
    try {
      return (await programOutcome(program, ["-w", "5", ...args], { env: this.#env })).status === 0;
    } catch {
      return false;
    }
  }
}

/** With our name on them: a rule that the operator wrote for the same bridge is not ours to take away. */
function rules(bridge: string): string[][] {
  return ["-i", "-o"].map((direction) => [direction, bridge, "-m", "comment", "--comment", "pouch", "-j", "ACCEPT"]);
}
