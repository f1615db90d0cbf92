import { readFileSync } from "node:fs";

/** Each relayed connection has two descriptors of the daemon; all together have a quarter of what the daemon may open. */
const shareOfDescriptors = 8;
/** Where the kernel does not say how many that is. */
const usualDescriptors = 1024;

/** How many connections to published ports the daemon relays at once, for all containers together. */
export class RelayBudget {
  readonly #most: number;
  #left: number;

  constructor(most: number) {
    this.#most = most;
    this.#left = most;
  }

  /** What one port may have of it: none takes all. */
  get ofOnePort(): number {
    return Math.ceil(this.#most / 2);
  }

  static ofProcess(): RelayBudget {
    const [, limit = ""] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1")) ?? [];
    return new RelayBudget(Math.floor(Number(limit || usualDescriptors) / shareOfDescriptors));
  }

  /** Whether there is room for one more; `giveBack` returns it. */
  take(): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }

  giveBack(): void {
    this.#left += 1;
  }
}
