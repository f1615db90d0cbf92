import { invalidArgument } from "@pouchcontainer/errors";
import { pluginApiVersion } from "../api-version.ts";
import { pluginKinds, type PluginKind, type PointName } from "../points.ts";

/** What `pouch plugin init` makes. */
export interface TemplateOptions {
  /** Name of the package and of the plugin. */
  name: string;
  /** Default: `container`. */
  kind?: string;
  /** What package.json says of the SDK: a version, or `file:` and the path of its archive. */
  sdk: string;
  /** TypeScript runs without a build where Node is 22.18 or newer. Default: `typescript`. */
  language?: "typescript" | "javascript";
}

/** One kind's first plugin: a point with an effect that can be seen, and a test of it. The code is valid in both languages. */
interface Example {
  points: PointName[];
  register: string;
  code: string;
  sample: string;
  test: string;
  see: string;
}

const examples: Record<PluginKind, Example> = {
  container: {
    points: ["container.preCreate"],
    register: "registerContainerPlugin",
    code: `  /** Every create: no container may start an unlimited number of processes. */
  preCreate(config, { log }) {
    if ((config.HostConfig.PidsLimit ?? 0) > 0) return;
    config.HostConfig.PidsLimit = 500;
    log.info("limited the number of processes to 500");
  },`,
    sample: "sampleContainerConfig",
    test: `  const { config } = await plugin.call("container.preCreate", { config: sampleContainerConfig() });
  assert.equal(config.HostConfig.PidsLimit, 500);`,
    see: "pouch run --rm busybox cat /sys/fs/cgroup/pids.max && pouch plugin trace -n 1",
  },
  daemon: {
    points: ["daemon.preStartHook", "daemon.preStopHook"],
    register: "registerDaemonPlugin",
    code: `  /** The daemon is about to start. */
  preStartHook({ log }) {
    log.info("pre-start hook in daemon is called");
  },
  /** The daemon is about to stop. */
  preStopHook({ log }) {
    log.info("pre-stop hook in daemon is called");
  },`,
    sample: "",
    test: `  await plugin.call("daemon.preStartHook", { supervisor: plugin.supervisor, stateDirectory: "/nowhere" });
  assert.deepEqual(plugin.log, ["pre-start hook in daemon is called"]);`,
    see: "pouch plugin logs NAME",
  },
  volume: {
    points: ["volume.preVolumeCreate"],
    register: "registerVolumePlugin",
    code: `  /** Every volume says who made it so. */
  preVolumeCreate(config) {
    config.Labels = { "made-by": "NAME", ...config.Labels };
  },`,
    sample: "sampleVolumeConfig",
    test: `  const { config } = await plugin.call("volume.preVolumeCreate", { config: sampleVolumeConfig() });
  assert.deepEqual(config.Labels, { "made-by": "NAME" });`,
    see: "pouch volume create data && pouch volume inspect data",
  },
  cri: {
    points: ["cri.preRunPodSandbox", "cri.preCreateContainer"],
    register: "registerCriPlugin",
    code: `  /** Every pod of Kubernetes carries an annotation, */
  preRunPodSandbox(config) {
    config.annotations = { "made-by": "NAME", ...config.annotations };
  },
  /** and every container in it a label. */
  preCreateContainer(config) {
    config.Labels = { "made-by": "NAME", ...config.Labels };
  },`,
    sample: "sampleContainerConfig",
    test: `  const { config: pod } = await plugin.call("cri.preRunPodSandbox", { config: { metadata: { name: "web" } }, criRequest: {} });
  assert.deepEqual(pod.annotations, { "made-by": "NAME" });
  const { config } = await plugin.call("cri.preCreateContainer", { config: sampleContainerConfig(), criRequest: {} });
  assert.deepEqual(config.Labels, { "made-by": "NAME" });`,
    see: "crictl create …",
  },
  api: {
    points: ["api.updateHandler"],
    register: "registerApiPlugin",
    code: `  /** A route of our own. */
  updateHandler(handlers) {
    handlers.push({
      method: "GET",
      path: "/NAME",
      handler(_request, response) {
        response.end("hello from NAME\\n");
      },
    });
  },`,
    sample: "",
    test: `  const { handlers } = await plugin.call("api.updateHandler", { handlers: [] });
  assert.deepEqual(handlers.map(({ method, path }) => \`\${method} \${path}\`), ["GET /NAME"]);`,
    see: "curl --unix-socket /var/run/pouchd.sock http://localhost/NAME",
  },
  image: {
    points: ["image.postPull"],
    register: "registerImagePlugin",
    code: `  /** Every pulled image is unpacked for a second snapshotter. */
  async postPull(snapshotter, image, { log }) {
    if (snapshotter === "native" || (await image.isUnpacked("native"))) return;
    await image.unpack("native");
    log.info(\`unpacked \${image.reference}\`);
  },`,
    sample: "sampleImage",
    test: `  const image = sampleImage();
  await plugin.call("image.postPull", { snapshotter: "overlayfs", image });
  assert.deepEqual(image.unpackedTo, ["native"]);`,
    see: "pouch pull busybox && pouch plugin logs NAME",
  },
  network: {
    points: ["network.preCreate"],
    register: "registerNetworkPlugin",
    code: `  /** Every network says who made it so. */
  preCreate(config) {
    config.Labels = { "made-by": "NAME", ...config.Labels };
  },`,
    sample: "",
    test: `  const { config } = await plugin.call("network.preCreate", { config: { Name: "web" } });
  assert.deepEqual(config.Labels, { "made-by": "NAME" });`,
    see: "pouch network create web && pouch network inspect web",
  },
};

/** The files of a new plugin's package: path to content. Throws `invalidArgument` for a name or kind that is none. */
export function pluginTemplate({
  name,
  kind = "container",
  sdk,
  language = "typescript",
}: TemplateOptions): Record<string, string> {
  if (!/^(@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/.test(name))
    throw invalidArgument(`"${name}" is no name for a package: lower case letters, digits, . _ -`);
  const example = pluginKinds.find((one) => one === kind);
  if (example === undefined) throw invalidArgument(`"${kind}" is no kind of plugin: one of ${pluginKinds.join(", ")}`);
  const { points, register, code, sample, test, see } = examples[example];
  const extension = language === "typescript" ? "ts" : "js";
  const filled = (text: string): string => text.replaceAll("NAME", name);
  const packageJson = {
    name,
    version: "0.1.0",
    type: "module",
    description: `A ${kind} plugin for PouchContainer`,
    exports: `./index.${extension}`,
    scripts: { test: "node --test" },
    devDependencies: { "@pouchcontainer/plugin-sdk": sdk },
    pouch: { api: `^${pluginApiVersion}`, points },
  };
  return {
    "package.json": `${JSON.stringify(packageJson, undefined, 2)}\n`,
    [`index.${extension}`]:
      filled(`${language === "javascript" ? "// @ts-check\n" : ""}import { ${register} } from "@pouchcontainer/plugin-sdk";

${register}({
${code}
});
`),
    [`index.test.${extension}`]:
      filled(`import { ${sample === "" ? "" : `${sample}, `}loadPlugin } from "@pouchcontainer/plugin-sdk/testing";
import assert from "node:assert/strict";
import { test } from "node:test";

test("the plugin does what it is for", async () => {
  const plugin = await loadPlugin(import.meta.dirname);
${test}
});
`).replace(/import \{ (.*) \} from/, (_all, names: string) => `import { ${names.split(", ").toSorted().join(", ")} } from`),
    "tsconfig.json": `${JSON.stringify(tsconfig, undefined, 2)}\n`,
    "README.md": filled(`# NAME

A ${kind} plugin for PouchContainer. Points: ${points.map((point) => `\`${point}\``).join(", ")}.

\`\`\`
npm test                     # calls its points as the daemon does
pouch plugin install .       # brings it into a running daemon; again, or \`pouch plugin reload NAME\`, after a change
${see}
\`\`\`
`),
    ".gitignore": "node_modules/\n",
  };
}

const tsconfig = {
  compilerOptions: {
    target: "esnext",
    module: "nodenext",
    types: ["node"],
    strict: true,
    noEmit: true,
    allowJs: true,
    checkJs: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    skipLibCheck: true,
  },
};
