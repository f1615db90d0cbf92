/** What the conformance suite expects of a plugin, in TypeScript; ../python/conformance.py does the same. */
import {
  forbidden,
  registerApiPlugin,
  registerContainerPlugin,
  registerCriPlugin,
  registerDaemonPlugin,
  registerImagePlugin,
  registerNetworkPlugin,
  registerVolumePlugin,
  rewriteJson,
  writesOf,
  type ContainerCreateConfig,
} from "@pouchcontainer/plugin-sdk";

/** At every point that shows something. */
function refuseWhatSaysSo(view: object): void {
  if (JSON.stringify(view).includes("please-refuse")) throw forbidden("refused by the plugin");
}

const holes: string[] = [];
holes.length = 4_000_000_000;
const cycle: Record<string, unknown> = {};
cycle["self"] = cycle;

/** What JSON has no word for. */
const garbage: Record<string, object> = {
  NaN: { HostConfig: { Memory: Number.NaN } },
  BigInt: { HostConfig: { Memory: 10n } },
  function: { HostConfig: { Memory: () => 1 } },
  cycle: { HostConfig: cycle },
  holes: { Env: holes },
};

registerContainerPlugin({
  async preCreate(config, { configuration, container }) {
    switch (config.Image) {
      case "unchanged":
        return config;
      case "refuse":
        throw forbidden("refused by the plugin");
      case "throw":
        throw new Error("boom");
      case "invalid":
        // What a plugin without types may do.
        return { ...config, HostConfig: { Memory: "lots" } } as unknown as ContainerCreateConfig;
      case "garbage":
        return { ...config, HostConfig: JSON.parse(config.Cmd?.[0] ?? "") as ContainerCreateConfig["HostConfig"] };
      case "javascript":
        return { ...config, ...garbage[config.Cmd?.[0] ?? ""] };
      case "hang":
        return new Promise(() => undefined);
      case "exit":
        return process.exit(3);
      case "loop":
        for (;;);
      case "leak": {
        const kept: Buffer[] = [];
        for (;;) {
          kept.push(Buffer.alloc(8 << 20, 1));
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      }
      case "big":
        return { ...config, Labels: { big: "x".repeat(50 << 20) } };
    }
    config.Env?.push(`WORD=${String(configuration["word"])}`);
    return { ...config, Labels: { conformance: container?.name ?? "nameless" } };
  },
  validateCreate(config, { provenance }) {
    const [write] = writesOf(provenance, "/Hostname");
    if (write !== undefined) throw forbidden(`${write.plugin} made ${String(write.old)} ${String(write.new)}`);
    if (config.Hostname === "forbidden") throw forbidden("that host name is taken");
  },
  postCreate: refuseWhatSaysSo,
  postStart: refuseWhatSaysSo,
  preStop: refuseWhatSaysSo,
  postStop(container, exit) {
    refuseWhatSaysSo(container);
    if (exit.exitCode === 137 && !exit.oomKilled) throw new Error("it knows of no want of memory");
  },
  preStart: (container) => [{ priority: 5, args: ["/bin/true", container.Id] }],
  preCreateEndpoint(id, env, endpoint) {
    endpoint.priority = env.length;
    endpoint.disableResolver = true;
    endpoint.genericParams["container"] = id;
  },
  preUpdate: (body) =>
    rewriteJson(body, (value) => {
      value["Memory"] = Number(value["Memory"]) * 2;
    }),
  postUpdate: (rootfs, env) => [...env, `ROOTFS=${rootfs}`],
  preExec(config) {
    if (config.User === "please-refuse") throw forbidden("refused by the plugin");
    config.Env = [...(config.Env ?? []), "CONFORMANCE=yes"];
  },
  preRemove: refuseWhatSaysSo,
});

registerDaemonPlugin({
  async preStartHook({ supervisor }) {
    await supervisor.start({ name: "helper", command: "sleep", args: ["1"] });
  },
});

registerVolumePlugin({
  preVolumeCreate(config) {
    config.Labels = { ...config.Labels, conformance: "yes" };
  },
  preRemove: refuseWhatSaysSo,
});

registerCriPlugin({
  preRunPodSandbox(config, request) {
    config.annotations = { handler: (request as { runtimeHandler: string }).runtimeHandler };
  },
  preCreateContainer(config, request) {
    // The suite's request.
    config.Labels = { pod: (request as { sandbox: string }).sandbox };
  },
});

registerNetworkPlugin({
  preCreate(config) {
    if (config.Name === "please-refuse") throw forbidden("refused by the plugin");
    config.Labels = { conformance: "yes" };
  },
});

registerImagePlugin({
  prePull(request) {
    if (request.reference === "please-refuse") throw forbidden("refused by the plugin");
    request.platform = "linux/arm64";
  },
  async postPull(snapshotter, image) {
    if (snapshotter === "overlayfs" && !(await image.isUnpacked("second"))) await image.unpack("second");
  },
  prePush: refuseWhatSaysSo,
});

registerApiPlugin({
  updateHandler: (handlers) => [
    ...handlers
      .filter((spec) => spec.path !== "/info")
      .map((spec) =>
        spec.path === "/containers/{id}/logs"
          ? {
              ...spec,
              handler: (...[request, response, params]: Parameters<typeof spec.handler>) => {
                response.setHeader("X-Conformance", "yes");
                return spec.handler(request, response, params);
              },
            }
          : spec,
      ),
    {
      method: "GET",
      path: "/conformance/{name}",
      handler: (request, response, { name }) => {
        response.setHeader("Content-Type", "application/json");
        response.end(JSON.stringify({ name, url: request.url }));
      },
    },
  ],
});
