import { invalidArgument } from "@pouchcontainer/errors";
import type { PathParams } from "@pouchcontainer/api";

/** The name or id in a call's path. */
export function refOf({ params }: { params: PathParams }): string {
  const ref = params["id"] ?? params["name"] ?? "";
  if (ref === "") throw invalidArgument("the path names nothing: a name or an id is missing");
  return ref;
}
