import { getEnv, invalidArgument, registerContainerPlugin } from "@pouchcontainer/plugin-sdk";

/** Above the priority of every endpoint that nobody spoke for. */
const primaryPriority = 100;

registerContainerPlugin({
  preCreateEndpoint(_id, env, endpoint) {
    if (getEnv(env, "PRIMARY_NETWORK") === endpoint.networkName) endpoint.priority = primaryPriority;
    if (getEnv(env, "NO_EMBEDDED_DNS") === "1") endpoint.disableResolver = true;
    const bandwidth = getEnv(env, "NETWORK_BANDWIDTH");
    if (bandwidth === undefined) return;
    if (!/^\d+(k|m|g)?bit$/.test(bandwidth))
      throw invalidArgument(`NETWORK_BANDWIDTH must be a rate such as 10mbit, got "${bandwidth}"`);
    endpoint.genericParams["bandwidth.rate"] = bandwidth;
  },
});
