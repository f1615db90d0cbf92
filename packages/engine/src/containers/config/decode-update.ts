import { ContainerUpdateConfig, decodeBody } from "@pouchcontainer/api";
import { refuseNul } from "../../refuse-nul.ts";
import { verifyVariable } from "./verify-container-config.ts";

/** The body of an update. Throws for what cannot be one of any container. */
export function decodeUpdate(body: unknown): ContainerUpdateConfig {
  const update = decodeBody(ContainerUpdateConfig, body);
  refuseNul(update);
  for (const entry of update.Env ?? []) verifyVariable(entry);
  return update;
}
