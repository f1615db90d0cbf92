import { decodeBody, Platform } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";

/**
 * The `platform` query as `os[/arch[/variant]]`. Create and pull send it so; inspect, history, load and save of newer clients
 * (API 1.48) send an OCI platform as JSON.
 */
export function platformOf({ platform }: { platform?: string }): { platform?: string } {
  if (!platform) return {};
  if (!platform.startsWith("{")) return { platform };
  const { os = "linux", architecture, variant } = parsed(platform);
  const parts = architecture ? [os, architecture, ...(variant ? [variant] : [])] : [os];
  return { platform: parts.join("/") };
}

function parsed(json: string): Platform {
  try {
    return decodeBody(Platform, JSON.parse(json), { subject: "platform" });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw invalidArgument(`invalid platform ${JSON.stringify(json)}: ${why}`, { cause });
  }
}
