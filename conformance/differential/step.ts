/** One call of the script. Its key, by which the table of differences knows it, is version, call and note. */
export interface Step {
  /** Method and path; `<name>` stands for the id an earlier step bound. Characters a URL may not have are escaped when sent. */
  call: string;
  /** What tells the call from another one with the same method and path. */
  note?: string;
  /** API version in the path, or "none". Default 1.41, the newest dockerd 20.10 has. */
  version?: string;
  /** Sent as it is when it is text or bytes, else as JSON. */
  body?: unknown;
  /** On top of `Content-Type: application/json`, which goes with a body that is neither text nor bytes. */
  headers?: Record<string, string>;
  /** Name for the `Id` of the answer: where it shows up later it is `<name>`. */
  binds?: string;
  /** What the call made is removed again, and no more said of it: one engine may have made it and the other not. */
  discards?: true;
  /** Written to a connection that was taken over, then ended. */
  input?: string | Buffer;
  /** Repeated until the normalised body says so: for what comes about by itself. */
  until?: (body: unknown) => boolean;
  /**
   * The script goes on when the answer's head is there, and its body is compared at the end: for streams. With "unanswered" it does
   * not wait for the head: for what dockerd takes its time to answer.
   */
  goesOn?: true | "unanswered";
  /** Fields, as patterns, whose values no two runs have in common; their types are still compared. */
  varies?: string[];
  /** Lists, as patterns, whose order the API leaves open; they are sorted before they are compared. */
  unordered?: string[];
}

export const newestOfDockerd = "1.41";

export function keyOf({ call, note, version = newestOfDockerd }: Step): string {
  const [method, path] = call.split(/ (.*)/s);
  const prefix = version === newestOfDockerd || version === "none" ? "" : `/v${version}`;
  const notes = [...(version === "none" ? ["no version"] : []), ...(note === undefined ? [] : [note])];
  return `${method} ${prefix}${path}${notes.length === 0 ? "" : ` (${notes.join(", ")})`}`;
}
