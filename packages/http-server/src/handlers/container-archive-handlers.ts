import { endpoints } from "@pouchcontainer/api";
import type { ContainerPathStat } from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import type { ContainerBackend } from "../backend.ts";
import type { Calls } from "../call.ts";
import { sendEmpty } from "../respond.ts";
import { sendStream } from "../send-stream.ts";
import { refOf } from "./ref.ts";

/** Files in and out of containers, as tars. */
export function containerArchiveHandlers(calls: Calls, containers: ContainerBackend) {
  return {
    ContainerArchiveInfo: calls.takeOver(endpoints.ContainerArchiveInfo, async (call) => {
      const stat = await containers.archiveStat(refOf(call), pathOf(call.query));
      call.response.setHeader("X-Docker-Container-Path-Stat", encodeStat(stat));
      sendEmpty(call.response, 200);
    }),

    ContainerArchive: calls.takeOver(endpoints.ContainerArchive, async (call) => {
      const { stat, tar } = await containers.archiveGet(refOf(call), pathOf(call.query));
      call.response.setHeader("X-Docker-Container-Path-Stat", encodeStat(stat));
      await sendStream(call.response, { "Content-Type": "application/x-tar" }, tar);
    }),

    PutContainerArchive: calls.takeOver(endpoints.PutContainerArchive, async (call) => {
      const { noOverwriteDirNonDir = false, copyUIDGID = false } = call.query;
      const options = { noOverwriteDirNonDir, copyUidGid: copyUIDGID };
      await containers.archivePut(refOf(call), pathOf(call.query), call.request, options);
      sendEmpty(call.response, 200);
    }),

    ContainerExport: calls.takeOver(endpoints.ContainerExport, async (call) => {
      const tar = await containers.exportFilesystem(refOf(call));
      await sendStream(call.response, { "Content-Type": "application/octet-stream" }, tar);
    }),
  };
}

function pathOf({ path }: { path?: Buffer }): Buffer {
  if (!path?.length) throw invalidArgument("bad parameter: path cannot be empty");
  return path;
}

function encodeStat(stat: ContainerPathStat): string {
  return Buffer.from(JSON.stringify(stat)).toString("base64");
}
