import {
  canaryFailureLimit,
  canaryMaxMs,
  canaryShare,
  canaryTrialSeconds,
  type CanaryOption,
  type Plugin,
} from "@pouchcontainer/api";
import { changePlugin } from "../../change-plugin.ts";
import { CliError } from "../../cli-error.ts";
import { defineCommand, minArgs } from "../../command.ts";
import { BadFlagValue, parsed } from "../../flags/flag-types.ts";
import { parseDuration } from "../../flags/value-parsers.ts";
import { forEachName, inPath } from "../../for-each-name.ts";
import { authHeader } from "../../image/credentials.ts";
import { parseImageName } from "../../image/reference.ts";
import { askForPrivileges, grantFlag, inQuery, type SentPackage } from "../../plugin-privileges.ts";
import { isRegistryReference, sentPluginSource } from "../../plugin-source.ts";

export const command = defineCommand({
  usage: "[OPTIONS] PLUGIN [PLUGIN...]",
  args: minArgs(1),
  flags: {
    ...grantFlag,
    canary: parsed("Share of the calls that the new version takes beside the old one, such as 5%", checked(canaryShare), {
      placeholder: "percent",
    }),
    "canary-failures": parsed(
      "Failed and slow calls, and crashes, with which a canary goes back: a number, or a share of its calls such as 10%",
      checked(canaryFailureLimit),
      { shownDefault: "3" },
    ),
    "canary-max-ms": parsed(
      "Milliseconds after which a call of a canary is slow; by default only its deadline counts",
      checked(canaryMaxMs),
      { placeholder: "int" },
    ),
    "promote-after": parsed("How long a canary is tried before it takes all calls by itself, such as 10m", trialSeconds, {
      placeholder: "duration",
    }),
  },
  description:
    "What a plugin was installed from is looked at again: its folder or archive on this host, which is sent, its reference in a registry, which is pulled again (a digest stays what it is), or its package. The new version is started and checked before it takes over; calls under way end in the old one. One that is compiled in stays the same, with its settings and permissions read anew. A new version that fails leaves the old one in place, and so does one that asks for more than was granted, until that is granted. With --canary it takes a share of the calls at first, and goes back by itself when too many of them fail or are slow, or it crashes; `pouch plugin canary` lets it take all, or none.",
  examples: [
    { does: "Take over what changed in its folder", run: "pouch plugin reload net-qos" },
    { does: "Try it on some calls first", run: "pouch plugin reload --canary 5% --promote-after 30m net-qos" },
  ],
  async run(context, { flags, args }) {
    const query = canaryQuery(flags);
    const engine = await context.engine();
    return await forEachName(context, args, async (name) => {
      const path = `/plugins/${inPath(name)}`;
      const { PluginReference = "" }: Partial<Plugin> = await engine.getJson<Plugin>(`${path}/json`);
      const headers = isRegistryReference(PluginReference) ? authHeader(context, parseImageName(PluginReference).registry) : {};
      const packed = async (): Promise<SentPackage | undefined> => {
        const local = await sentPluginSource(PluginReference);
        if (local !== undefined) return { body: local.body };
        return isRegistryReference(PluginReference) ? { json: { source: PluginReference }, headers } : undefined;
      };
      // Of what else the daemon fetches itself it says what lacks a grant.
      const privileges = await askForPrivileges(context, engine, packed, flags["grant-all-permissions"]);
      const body = (await packed())?.body;
      const request = {
        query: { privileges: inQuery(privileges), ...query },
        ...(body === undefined ? { headers } : { body }),
      };
      await changePlugin(context, name, (_engine, signal) => engine.postAndForget(`${path}/reload`, { ...request, signal }));
      return name;
    });
  },
});

/** As it was given; the daemon reads it by the same rule. */
function checked(option: CanaryOption<unknown>): (given: string) => string {
  return (given) => {
    if (option.read(given) === undefined) throw new BadFlagValue(given, `must be ${option.right}`);
    return given;
  };
}

/** Whole seconds, since the daemon counts those. */
function trialSeconds(given: string): string {
  const seconds = String(Math.ceil(parseDuration(given) / 1e9));
  if (canaryTrialSeconds.read(seconds) === undefined) throw new BadFlagValue(given, "must be from 1s to 168h");
  return seconds;
}

const canaryFlags = {
  "canary-failures": "canaryFailures",
  "canary-max-ms": "canaryMaxMs",
  "promote-after": "promoteAfter",
} as const;

type CanaryFlag = keyof typeof canaryFlags;

function canaryQuery(flags: Record<CanaryFlag | "canary", string | undefined>): Record<string, string | undefined> {
  // The keys of the table are its flags.
  const names = Object.keys(canaryFlags) as CanaryFlag[];
  const odd = flags.canary === undefined ? names.find((name) => flags[name] !== undefined) : undefined;
  if (odd !== undefined) throw new CliError(`--${odd} is about a canary: give its share as well, such as --canary 5%`);
  return { canary: flags.canary, ...Object.fromEntries(names.map((name) => [canaryFlags[name], flags[name]])) };
}
