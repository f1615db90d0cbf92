/** The value of a variable in a list of `KEY=value`, the last one where there are several, as the kernel's users see it. */
export function getEnv(env: readonly string[] | null | undefined, name: string): string | undefined {
  const prefix = `${name}=`;
  return env?.findLast((entry) => entry.startsWith(prefix))?.slice(prefix.length);
}

/** Sets a variable in a list of `KEY=value`, in its old place or at the end, and drops repetitions. Changes the list. */
export function setEnv(env: string[], name: string, value: string): void {
  const prefix = `${name}=`;
  const first = env.findIndex((entry) => entry.startsWith(prefix));
  if (first === -1) {
    env.push(prefix + value);
    return;
  }
  env[first] = prefix + value;
  for (let index = env.length - 1; index > first; index -= 1) if (env[index]?.startsWith(prefix) === true) env.splice(index, 1);
}

/** Removes a variable from a list of `KEY=value`. Changes the list; says whether it was there. */
export function unsetEnv(env: string[], name: string): boolean {
  const before = env.length;
  for (let index = env.length - 1; index >= 0; index -= 1) if (env[index]?.startsWith(`${name}=`) === true) env.splice(index, 1);
  return env.length !== before;
}
