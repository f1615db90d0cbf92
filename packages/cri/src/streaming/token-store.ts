import { resourceExhausted } from "@pouchcontainer/errors";
import { randomBytes } from "node:crypto";

export interface TokenLimits {
  lifetimeMs: number;
  maxTokens: number;
  /** Milliseconds of any clock that never goes back. */
  now: () => number;
}

/** What was promised to whoever shows a token: each token counts once, for a time, and there are only so many. */
export class TokenStore<Promised> {
  readonly #limits: TokenLimits;
  /** In the order they were issued, which is that in which they expire. */
  readonly #issued = new Map<string, { promised: Promised; expiresAt: number }>();

  constructor(limits: TokenLimits) {
    this.#limits = limits;
  }

  /** Throws `resourceExhausted` when too many wait to be used. */
  issue(promised: Promised): string {
    this.#forgetExpired();
    if (this.#issued.size >= this.#limits.maxTokens)
      throw resourceExhausted(`${this.#limits.maxTokens} streaming requests wait for their clients already`);
    const token = randomBytes(18).toString("base64url");
    this.#issued.set(token, { promised, expiresAt: this.#limits.now() + this.#limits.lifetimeMs });
    return token;
  }

  /** What the token stands for, for the first who asks in time; undefined for everybody else. */
  redeem(token: string): Promised | undefined {
    this.#forgetExpired();
    const found = this.#issued.get(token);
    this.#issued.delete(token);
    return found?.promised;
  }

  #forgetExpired(): void {
    const now = this.#limits.now();
    for (const [token, { expiresAt }] of this.#issued) {
      if (expiresAt > now) return;
      this.#issued.delete(token);
    }
  }
}
