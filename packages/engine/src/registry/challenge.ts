/** One challenge of a `WWW-Authenticate` header (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** Lower case, `bearer` or `basic`. */
  scheme: string;
  parameters: Record<string, string>;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const parameterPattern = new RegExp(`^\\s*(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))\\s*,?`);
const schemePattern = new RegExp(`^\\s*(${token})(?:\\s+|\\s*,|$)`);

/** The challenges of a header, in its order; what cannot be read is left out. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  let rest = header.slice(0, 8192);
  while (rest.trim() !== "") {
    const parameter = parameterPattern.exec(rest);
    const current = challenges.at(-1);
    if (parameter && current) {
      const [, name = "", quoted, bare] = parameter;
      current.parameters[name.toLowerCase()] = quoted === undefined ? (bare ?? "") : quoted.replaceAll(/\\(.)/g, "$1");
      rest = rest.slice(parameter[0].length);
      continue;
    }
    const scheme = schemePattern.exec(rest);
    if (!scheme) break;
    challenges.push({ scheme: (scheme[1] ?? "").toLowerCase(), parameters: {} });
    rest = rest.slice(scheme[0].length);
  }
  return challenges;
}
