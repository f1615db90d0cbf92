import type { PointBody, PointOf, PointRequest } from "./plugin-instance.ts";
import { entryOf, valuesOf } from "./point-table.ts";

/** The body that goes from plugin to plugin at a point. */
export function bodyOfRequest<P extends PointOf<"changes">>(point: P, request: PointRequest<P>): PointBody<P> {
  const { answer } = entryOf(point);
  const [body] = answer === undefined ? [] : valuesOf([answer], request);
  // What the plugin may answer is the request's member of that name.
  return body as PointBody<P>;
}
