import type { PointName } from "@pouchcontainer/plugin-sdk";
import { cloneJson, entryOf, type PointRequest } from "@pouchcontainer/plugin-sdk/host";
import { bodyOf, readBody } from "../update-body.ts";

/** A request as often as it is asked for: drafts and streams are made anew, as who has had one may have used it up. */
export async function repeatable<P extends PointName>(point: P, request: PointRequest<P>): Promise<() => PointRequest<P>> {
  switch (entryOf(point).rule) {
    case "changes":
      return () => cloneJson(request);
    case "rewrites": {
      // The one member of a request at a point that rewrites.
      const bytes = await readBody((request as PointRequest<"container.preUpdate">).body);
      return () => ({ ...request, body: bodyOf(bytes) });
    }
    default:
      return () => request;
  }
}
