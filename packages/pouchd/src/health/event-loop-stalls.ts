/** Two looks at the clock are this far apart: about 0.3 % of a core, measured on a slow one. */
const lookEveryMs = 25;
/** From here on a stall counts. */
const stallMs = 50;
/** The longest recent stall is that of the minute that runs and of the one before. */
const minuteMs = 60_000;

/**
 * How long the event loop stood still: nothing is answered while it does, since all requests share it. What is told is a lower bound,
 * at most 25 ms below the truth. (Node's own monitor cannot do it: resetting it loses the next interval, and its samples per
 * iteration leave out callbacks of I/O.)
 */
export class EventLoopStalls {
  #timer: NodeJS.Timeout | undefined;
  #lookedAt = 0;
  #longestMs = 0;
  #count = 0;
  #minute = { began: 0, longestMs: 0, longestBeforeMs: 0 };

  /** Begins to look, best when the start of the daemon is over: that is one long piece of work. */
  begin(): void {
    this.#lookedAt = performance.now();
    this.#timer = setInterval(() => this.#look(), lookEveryMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** For `/metrics`. */
  text(): string {
    const recentMs = Math.max(this.#minute.longestMs, this.#minute.longestBeforeMs);
    return [
      "# HELP pouch_event_loop_longest_stall_seconds Longest time the event loop stood still since the API is served.",
      "# TYPE pouch_event_loop_longest_stall_seconds gauge",
      `pouch_event_loop_longest_stall_seconds ${this.#longestMs / 1000}`,
      "# HELP pouch_event_loop_longest_recent_stall_seconds The same in this minute and the one before.",
      "# TYPE pouch_event_loop_longest_recent_stall_seconds gauge",
      `pouch_event_loop_longest_recent_stall_seconds ${recentMs / 1000}`,
      "# HELP pouch_event_loop_stalls_total Times the event loop stood still for more than 50 ms.",
      "# TYPE pouch_event_loop_stalls_total counter",
      `pouch_event_loop_stalls_total ${this.#count}`,
      "",
    ].join("\n");
  }

  #look(): void {
    const now = performance.now();
    const lateMs = now - this.#lookedAt - lookEveryMs;
    this.#lookedAt = now;
    const minute = this.#minute;
    if (now - minute.began > minuteMs) {
      this.#minute = { began: now, longestMs: Math.max(0, lateMs), longestBeforeMs: minute.longestMs };
    } else if (lateMs > minute.longestMs) minute.longestMs = lateMs;
    if (lateMs > this.#longestMs) this.#longestMs = lateMs;
    if (lateMs > stallMs) this.#count += 1;
  }
}
