/** `default` and an empty mode mean the default bridge. */
export function networkName(mode: string | undefined): string {
  return mode === undefined || mode === "" || mode === "default" ? "bridge" : mode;
}
