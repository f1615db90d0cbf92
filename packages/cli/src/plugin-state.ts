import type { Plugin } from "@pouchcontainer/api";

/** The mode, with the canary that takes a share of the calls, where there is one. */
export function modeText({ Pouch }: Partial<Plugin>): string {
  const canary = Pouch?.Canary;
  return [Pouch?.Mode ?? "", ...(canary ? [`canary ${canary.Share}`] : [])].join(", ");
}

/** Which calls run in versions that take no more, and until when they may. Empty where none do. */
export function leavingText({ Pouch }: Partial<Plugin>): string {
  return (Pouch?.Leaving ?? [])
    .map(
      ({ Version, Calls, Until }) =>
        `${Calls} ${Calls === 1 ? "call" : "calls"} in version ${Version} until ${Until} at the latest`,
    )
    .join(", ");
}
