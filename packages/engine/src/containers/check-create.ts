import type * as api from "@pouchcontainer/api";
import { invalidArgument } from "@pouchcontainer/errors";
import { checkedContainerName, planMounts, verifyCreate } from "./config/index.ts";
import type { ContainerDeps } from "./container-deps.ts";
import { checkLogConfig } from "./logs/log-options.ts";
import { asInAnyPod } from "./pod-request.ts";
import { settingsOf } from "./create-settings.ts";

export type CheckCreateDeps = Pick<ContainerDeps, "facts" | "configSettings" | "networks">;

/**
 * Refuses a request of which no container can be made, as far as that is seen without the image and other containers: what `createContainer`
 * checks on its way. For those who change a request, so that a mistake is told as theirs.
 */
export async function checkCreate(deps: CheckCreateDeps, asked: api.ContainerCreateConfig, overCri: boolean): Promise<void> {
  const request = overCri ? asInAnyPod(asked) : asked;
  const { config, hostConfig, networkingConfig } = verifyCreate(request, deps.facts, settingsOf(deps, overCri));
  if (!request.Image) throw invalidArgument("no image given: Image cannot be empty");
  const name = request.Name && checkedContainerName(request.Name);
  checkLogConfig(hostConfig.LogConfig?.Type ?? "", hostConfig.LogConfig?.Config ?? {}, {
    labels: config.Labels ?? {},
    env: config.Env ?? [],
  });
  planMounts({ hostConfig, config, readOnlyNonRecursive: false, sourceExists: () => true, mountsOf: () => [] });
  await deps.networks.validate({
    ...config,
    HostConfig: hostConfig,
    NetworkingConfig: networkingConfig,
    ...(name ? { Name: name } : {}),
  });
}
