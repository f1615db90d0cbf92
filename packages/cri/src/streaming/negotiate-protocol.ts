/** The first protocol of a client's list that we speak; clients name the one they like best first. */
export function negotiateProtocol(header: string | readonly string[] | undefined, spoken: readonly string[]): string | undefined {
  return protocolsIn(header).find((name) => spoken.includes(name));
}

/** Names in a header that lists them, separated by commas, on one line or several. */
export function protocolsIn(header: string | readonly string[] | undefined): string[] {
  return [header ?? []]
    .flat()
    .flatMap((line) => line.split(","))
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
