import { maxJsonValues } from "@pouchcontainer/api";

/** What one answer of a plugin may hold, so that a runaway plugin costs an error and not the daemon's memory or time. */
export interface AnswerBounds {
  /** Bytes of an answer that is sent; of one that is not, characters of its names and texts. */
  bytes: number;
  /** Members, items, objects and lists. */
  values: number;
  /** Levels of the body that it changes. */
  depth: number;
}

/** What a client may send at most is passed on, with room for what a plugin adds. */
export const defaultAnswerBounds: AnswerBounds = { bytes: 16 * 1024 * 1024, values: 2 * maxJsonValues, depth: 100 };
