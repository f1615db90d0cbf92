import { registerCriPlugin, setEnv } from "@pouchcontainer/plugin-sdk";

/** The part of the CRI's CreateContainerRequest that is looked at. */
interface CreateContainerRequest {
  sandboxConfig?: { metadata?: { name?: string; namespace?: string; uid?: string } };
}

registerCriPlugin({
  preCreateContainer(config, criRequest) {
    // The daemon passes the CRI's own request, whose shape is published; every member may be missing.
    const pod = (criRequest as CreateContainerRequest).sandboxConfig?.metadata;
    if (pod === undefined) return;
    const env = (config.Env ??= []);
    for (const [name, value] of Object.entries({ POD_NAME: pod.name, POD_NAMESPACE: pod.namespace, POD_UID: pod.uid })) {
      if (value === undefined) continue;
      setEnv(env, name, value);
      (config.Labels ??= {})[`cri-labels/${name.toLowerCase().replace("_", "-")}`] = value;
    }
  },
});
