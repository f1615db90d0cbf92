import { endpoints, registryAuth } from "@pouchcontainer/api";
import { invalidArgument, notImplemented } from "@pouchcontainer/errors";
import type { ImageBackend } from "../backend.ts";
import type { Calls } from "../call.ts";
import { inspectForVersion, summaryForVersion } from "../image-for-version.ts";
import { platformOf } from "../platform.ts";
import { streamProgress } from "../progress-stream.ts";
import { sendStream } from "../send-stream.ts";
import { refOf } from "./ref.ts";

/** Images. */
export function imageHandlers(calls: Calls, images: ImageBackend) {
  return {
    ImageList: calls.answer(endpoints.ImageList, async ({ query, version }) => {
      const { all = false, digests = false, "shared-size": sharedSize = false, filter, filters = {} } = query;
      const named = filter ? { ...filters, reference: [...(filters["reference"] ?? []), filter] } : filters;
      const found = await images.list({ all, digests, sharedSize, filters: named });
      return found.map((image) => summaryForVersion(image, version));
    }),

    ImageInspect: calls.answer(endpoints.ImageInspect, async (call) => {
      const image = await images.inspect(refOf(call), platformOf(call.query));
      return inspectForVersion(image, call.version);
    }),

    ImageHistory: calls.answer(endpoints.ImageHistory, (call) => images.history(refOf(call))),

    ImageCreate: calls.takeOver(endpoints.ImageCreate, async (call) => {
      const { fromImage, fromSrc, repo, tag, message = "", changes = [] } = call.query;
      if (!fromImage) {
        if (!fromSrc)
          throw invalidArgument("fromImage must name the image to pull, or fromSrc say where the archive to import is");
        const name = { ...(repo ? { repository: repo } : {}), ...(tag ? { tag } : {}) };
        const request = { source: fromSrc, ...name, ...platformOf(call.query), message, changes };
        return await streamProgress(call.response, (progress) =>
          images.importImage(request, call.request, progress, call.signal()),
        );
      }
      const auth = registryAuth(call.request);
      const request = { reference: fromImage, ...(tag ? { tag } : {}), ...platformOf(call.query), ...(auth ? { auth } : {}) };
      await streamProgress(call.response, (progress) => images.pull(request, progress, call.signal()));
    }),

    ImageLoad: calls.takeOver(endpoints.ImageLoad, async (call) => {
      const options = { quiet: call.query.quiet ?? true, ...platformOf(call.query) };
      await streamProgress(call.response, (progress) => images.load(call.request, options, progress, call.signal()), "line");
    }),

    ImageGet: calls.takeOver(endpoints.ImageGet, async (call) => {
      const tar = await images.save([refOf(call)], platformOf(call.query), call.signal());
      await sendStream(call.response, { "Content-Type": "application/x-tar" }, tar);
    }),

    ImageGetAll: calls.takeOver(endpoints.ImageGetAll, async (call) => {
      const names = (call.query.names ?? []).flatMap((name) => name.split(",")).filter((name) => name !== "");
      const tar = await images.save(names, platformOf(call.query), call.signal());
      await sendStream(call.response, { "Content-Type": "application/x-tar" }, tar);
    }),

    ImageTag: calls.answer(endpoints.ImageTag, (call) => {
      const { repo, tag } = call.query;
      if (!repo) throw invalidArgument("invalid reference format");
      return images.tag(refOf(call), { repository: repo, ...(tag ? { tag } : {}) });
    }),

    ImagePush: calls.takeOver(endpoints.ImagePush, async (call) => {
      const { tag } = call.query;
      const auth = registryAuth(call.request);
      const request = { reference: refOf(call), ...(tag ? { tag } : {}), ...platformOf(call.query), ...(auth ? { auth } : {}) };
      await streamProgress(call.response, (progress) => images.push(request, progress, call.signal()));
    }),

    ImageDelete: calls.answer(endpoints.ImageDelete, (call) => {
      const { force = false, noprune = false } = call.query;
      return images.remove(refOf(call), { force, noPrune: noprune });
    }),

    ImagePrune: calls.answer(endpoints.ImagePrune, ({ query }) => images.prune(query.filters ?? {})),

    ImageSearch: notSupported("searching Docker Hub is not supported: search on its web site"),
    DistributionInspect: notSupported("asking a registry about an image is not supported: pull it, then inspect it"),
  };
}

function notSupported(message: string) {
  return () => {
    throw notImplemented(message);
  };
}
