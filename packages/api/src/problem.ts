/** Something a value has that its schema does not allow. */
export interface Problem {
  /** Where, for example `HostConfig.Mounts[0].Target`; empty for the value itself. */
  path: string;
  /** What would be right, for example `must be an integer, got "lots"`. */
  message: string;
}

/** A problem as a sentence: `HostConfig.Memory must be an integer, got "lots"`. `subject` stands where there is no path. */
export function problemText(problem: Problem, subject = "body"): string {
  return `${problem.path === "" ? subject : problem.path} ${problem.message}`;
}

/** A value as messages show it: JSON, cut at 40 characters; lists and objects by their kind. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const json = JSON.stringify(value) ?? typeof value;
  return json.length > 40 ? `${json.slice(0, 39)}…` : json;
}

const plainKey = /^[A-Za-z_][\w-]*$/;

/** The path of a key below a path. */
export function pathOf(parent: string, key: string | number): string {
  if (typeof key === "number") return `${parent}[${key}]`;
  if (!plainKey.test(key)) return `${parent}[${JSON.stringify(key)}]`;
  return parent === "" ? key : `${parent}.${key}`;
}
