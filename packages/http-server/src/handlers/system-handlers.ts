import { endpoints, type Handler } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { isBelow } from "../api-version.ts";
import type { SystemBackend } from "../backend.ts";
import type { Calls } from "../call.ts";
import { summaryForVersion } from "../image-for-version.ts";
import { infoForVersion } from "../info-for-version.ts";
import { streamJsonLines } from "../json-lines.ts";
import { sendJsonText } from "../respond.ts";
import { sendStream } from "../send-stream.ts";
import { nanoseconds } from "../timestamp.ts";

/** The daemon itself. */
export function systemHandlers(calls: Calls, system: SystemBackend, openApiJson: () => string) {
  return {
    SystemPing: pingHandler(system),
    SystemPingHead: pingHandler(system),
    SystemInfo: calls.answer(endpoints.SystemInfo, async ({ version }) => infoForVersion(await system.info(), version)),
    SystemVersion: calls.answer(endpoints.SystemVersion, () => system.version()),

    SystemDataUsage: calls.answer(endpoints.SystemDataUsage, async (call) => {
      const usage = await system.diskUsage(call.query.type ?? []);
      const images = usage.Images?.map((image) => summaryForVersion(image, call.version));
      const sized = isBelow(call.version, "1.42") ? { BuilderSize: 0, ...usage } : usage;
      return images === undefined ? sized : { ...sized, Images: images };
    }),

    SystemEvents: calls.takeOver(endpoints.SystemEvents, async (call) => {
      const { filters = {} } = call.query;
      const signal = call.endlessSignal();
      const since = eventTime("since", call.query.since);
      const until = eventTime("until", call.query.until);
      if (until !== undefined && until < (since ?? -Infinity))
        throw invalidArgument(`\`since\` time (${call.query.since}) cannot be after \`until\` time (${call.query.until})`);
      const options = { filters, ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
      await streamJsonLines(call.response, system.events(options, signal), signal);
    }),

    SystemAuth: calls.answer(endpoints.SystemAuth, (_call, auth) => system.checkAuth(auth)),

    SystemBackup: calls.takeOver(endpoints.SystemBackup, async ({ response }) => {
      const { content, sizeBytes } = await system.backup();
      await sendStream(response, { "Content-Type": "application/octet-stream", "Content-Length": sizeBytes }, content);
    }),

    OpenApi: calls.takeOver(endpoints.OpenApi, async ({ response }) => {
      sendJsonText(response, 200, openApiJson());
    }),
  };
}

/** In seconds. Second -1 means no limit here, as in dockerd. */
function eventTime(name: string, text: string | undefined): number | undefined {
  if (text !== undefined && /^-0*1(\.|$)/.test(text)) return undefined;
  const time = nanoseconds(name, text);
  return time === undefined ? undefined : Number(time) / 1e9;
}

/** Builder-Version 1 tells clients that there is no BuildKit; what they try instead is answered in words. */
const pingHeaders = {
  "Builder-Version": "1",
  "Cache-Control": "no-cache, no-store, must-revalidate",
  Pragma: "no-cache",
  Swarm: "inactive",
  "Content-Type": "text/plain; charset=utf-8",
};

function pingHandler(system: SystemBackend): Handler {
  return async (request, response) => {
    await system.ping();
    const body = request.method === "HEAD" ? "" : "OK";
    response.writeHead(200, { ...pingHeaders, "Content-Length": body.length });
    response.end(body);
  };
}
