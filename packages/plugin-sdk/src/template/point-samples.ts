import type { PluginPermissions } from "../permissions.ts";
import type { PluginKind, PointName } from "../points.ts";

/** A point's first code, in each language, with an effect that can be seen, and a test of it. `NAME` stands for the plugin's. */
export interface PointSample {
  /** A method of the registered object; the code is valid in TypeScript and JavaScript. */
  script: string;
  /** What it takes from the SDK. */
  imports?: string[];
  /** Statements of a test in which `plugin` is loaded, and what they take from the test kit. */
  scriptTest: string;
  testImports?: string[];
  /** What the test takes from the SDK itself. */
  testSdkImports?: string[];
  /** A function of the point's name: it takes the request and returns the answer. */
  python: string;
  /** Statements of a method of a test case. */
  pythonTest: string;
  /** What both codes have to be granted. Default: nothing. */
  needs?: PluginPermissions;
  /** How its effect is seen on a daemon. */
  see: string;
}

/** Points a new plugin of a kind has, where none are named. */
export const firstPoints: Record<PluginKind, PointName[]> = {
  container: ["container.preCreate"],
  daemon: ["daemon.preStartHook", "daemon.preStopHook"],
  volume: ["volume.preVolumeCreate"],
  cri: ["cri.preRunPodSandbox", "cri.preCreateContainer"],
  api: ["api.updateHandler"],
  image: ["image.postPull"],
  network: ["network.preCreate"],
};

/** All that templates know of points. */
export const pointSamples: Record<PointName, PointSample> = {
  "container.preCreate": {
    script: `  /** Every create: no container may start an unlimited number of processes. */
  preCreate(config, { log }) {
    if ((config.HostConfig.PidsLimit ?? 0) > 0) return;
    config.HostConfig.PidsLimit = 500;
    log.info("limited the number of processes to 500");
  },`,
    testImports: ["sampleContainerConfig"],
    scriptTest: `  const { config } = await plugin.call("container.preCreate", { config: sampleContainerConfig() });
  assert.equal(config.HostConfig.PidsLimit, 500);`,
    python: `def pre_create(request):
    """Every create: no container may start an unlimited number of processes."""
    config = request["config"]
    if (config["HostConfig"].get("PidsLimit") or 0) <= 0:
        config["HostConfig"]["PidsLimit"] = 500
        log("limited the number of processes to 500")
    return {"config": config}`,
    pythonTest: `        answer = plugin.pre_create({"config": {"Image": "busybox", "HostConfig": {}}})
        self.assertEqual(answer["config"]["HostConfig"]["PidsLimit"], 500)`,
    needs: { fields: { "container.preCreate": ["HostConfig.PidsLimit"] } },
    see: "pouch run --rm busybox cat /sys/fs/cgroup/pids.max && pouch plugin trace -n 1",
  },
  "container.validateCreate": {
    script: `  /** The final body of every create: no privileged containers. */
  validateCreate(config) {
    if (config.HostConfig.Privileged === true) throw forbidden("no privileged containers here");
  },`,
    imports: ["forbidden"],
    testImports: ["sampleContainerConfig"],
    scriptTest: `  const config = sampleContainerConfig({ HostConfig: { Privileged: true } });
  await assert.rejects(plugin.call("container.validateCreate", { config }), /no privileged containers here/);`,
    python: `def validate_create(request):
    """The final body of every create: no privileged containers."""
    if request["config"]["HostConfig"].get("Privileged"):
        raise Refusal("no privileged containers here")
    return {}`,
    pythonTest: `        with self.assertRaises(pouch_plugin.Refusal):
            plugin.validate_create({"config": {"HostConfig": {"Privileged": True}}})`,
    see: "pouch create --privileged busybox",
  },
  "container.preStart": {
    script: `  /** Every start: a program that runs on the host before the container's network is there. It reads the container's state. */
  preStart(container, { log }) {
    log.info(\`\${container.Name} is about to start\`);
    return [{ priority: 1, args: ["/bin/cat"] }];
  },`,
    testImports: ["sampleContainer"],
    scriptTest: `  const { hooks } = await plugin.call("container.preStart", { container: sampleContainer() });
  assert.deepEqual(hooks, [{ priority: 1, args: ["/bin/cat"] }]);`,
    python: `def pre_start(request):
    """Every start: a program that runs on the host before the container's network is there. It reads the container's state."""
    log(request["container"]["Name"] + " is about to start")
    return {"hooks": [{"priority": 1, "args": ["/bin/cat"]}]}`,
    pythonTest: `        answer = plugin.pre_start({"container": {"Name": "/web"}})
        self.assertEqual(answer["hooks"], [{"priority": 1, "args": ["/bin/cat"]}])`,
    needs: { hooks: true },
    see: "pouch run --rm busybox true && pouch plugin logs NAME",
  },
  "container.preCreateEndpoint": {
    script: `  /** Every endpoint: names without a dot are looked up here first. */
  preCreateEndpoint(_id, _env, endpoint) {
    endpoint.dnsOptions = [...endpoint.dnsOptions, "ndots:1"];
  },`,
    testImports: ["sampleEndpoint"],
    scriptTest: `  const request = { id: "1f0c", env: [], endpoint: sampleEndpoint() };
  const { endpoint } = await plugin.call("container.preCreateEndpoint", request);
  assert.deepEqual(endpoint.dnsOptions, ["ndots:1"]);`,
    python: `def pre_create_endpoint(request):
    """Every endpoint: names without a dot are looked up here first."""
    endpoint = request["endpoint"]
    endpoint["dnsOptions"] = endpoint["dnsOptions"] + ["ndots:1"]
    return {"endpoint": endpoint}`,
    pythonTest: `        answer = plugin.pre_create_endpoint({"id": "1f0c", "env": [], "endpoint": {"dnsOptions": []}})
        self.assertEqual(answer["endpoint"]["dnsOptions"], ["ndots:1"])`,
    needs: { fields: { "container.preCreateEndpoint": ["dnsOptions"] } },
    see: "pouch run --rm busybox cat /etc/resolv.conf && pouch plugin trace -n 1",
  },
  "container.preUpdate": {
    script: `  /** Every update: memory that is asked for in megabytes. */
  preUpdate(body) {
    return rewriteJson(body, (update) => {
      if (typeof update["MemoryMb"] === "number") update["Memory"] = update["MemoryMb"] * 1024 * 1024;
    });
  },`,
    imports: ["rewriteJson"],
    scriptTest: `  const { body } = await plugin.call("container.preUpdate", { body: jsonStream({ MemoryMb: 64 }) });
  assert.deepEqual(await readJson(body), { MemoryMb: 64, Memory: 67108864 });`,
    testSdkImports: ["jsonStream", "readJson"],
    python: `def pre_update(body):
    """Every update: memory that is asked for in megabytes. The body is what the client sent."""
    update = json.loads(body)
    if "MemoryMb" in update:
        update["Memory"] = update["MemoryMb"] * 1024 * 1024
    return json.dumps(update).encode()`,
    pythonTest: `        update = json.loads(plugin.pre_update(b'{"MemoryMb": 64}'))
        self.assertEqual(update["Memory"], 67108864)`,
    needs: { fields: { "container.preUpdate": ["Memory"] } },
    see: `curl --unix-socket /var/run/pouchd.sock -d '{"MemoryMb": 64, "MemorySwap": -1}' http://localhost/containers/web/update`,
  },
  "container.postUpdate": {
    script: `  /** After every update: the container's environment says that there was one. */
  postUpdate(_rootfs, env) {
    setEnv(env, "UPDATED", "yes");
  },`,
    imports: ["setEnv"],
    scriptTest: `  const { env } = await plugin.call("container.postUpdate", { rootfs: "/nowhere", env: ["A=1"] });
  assert.deepEqual(env, ["A=1", "UPDATED=yes"]);`,
    python: `def post_update(request):
    """After every update: the container's environment says that there was one."""
    env = [one for one in request["env"] if not one.startswith("UPDATED=")]
    return {"env": env + ["UPDATED=yes"]}`,
    pythonTest: `        answer = plugin.post_update({"rootfs": "/nowhere", "env": ["A=1", "UPDATED=no"]})
        self.assertEqual(answer["env"], ["A=1", "UPDATED=yes"])`,
    needs: { fields: { "container.postUpdate": ["Env.UPDATED"] } },
    see: "pouch update --memory 64m web && pouch inspect --format '{{.Config.Env}}' web",
  },
  "container.postCreate": {
    script: `  /** Every container that was created is told of. */
  postCreate(container, { log }) {
    log.info(\`\${container.Name} was created\`);
  },`,
    testImports: ["sampleContainer"],
    scriptTest: `  await plugin.call("container.postCreate", { container: sampleContainer({ Name: "/web" }) });
  assert.deepEqual(plugin.log, ["/web was created"]);`,
    python: `def post_create(request):
    """Every container that was created is told of."""
    log(request["container"]["Name"] + " was created")
    return {}`,
    pythonTest: `        request = {"container": {"Name": "/web"}}
        self.assertEqual(plugin.post_create(request), {})`,
    see: "pouch create busybox && pouch plugin logs NAME",
  },
  "container.postStart": {
    script: `  /** Every container that runs is told of. */
  postStart(container, { log }) {
    log.info(\`\${container.Name} runs\`);
  },`,
    testImports: ["sampleContainer"],
    scriptTest: `  await plugin.call("container.postStart", { container: sampleContainer({ Name: "/web" }) });
  assert.deepEqual(plugin.log, ["/web runs"]);`,
    python: `def post_start(request):
    """Every container that runs is told of."""
    log(request["container"]["Name"] + " runs")
    return {}`,
    pythonTest: `        request = {"container": {"Name": "/web"}}
        self.assertEqual(plugin.post_start(request), {})`,
    see: "pouch run --rm busybox true && pouch plugin logs NAME",
  },
  "container.preStop": {
    script: `  /** Every stop that is asked for: it waits for what is done here. */
  preStop(container, { log }) {
    log.info(\`\${container.Name} is about to be stopped\`);
  },`,
    testImports: ["sampleContainer"],
    scriptTest: `  await plugin.call("container.preStop", { container: sampleContainer({ Name: "/web" }) });
  assert.deepEqual(plugin.log, ["/web is about to be stopped"]);`,
    python: `def pre_stop(request):
    """Every stop that is asked for: it waits for what is done here."""
    log(request["container"]["Name"] + " is about to be stopped")
    return {}`,
    pythonTest: `        request = {"container": {"Name": "/web"}}
        self.assertEqual(plugin.pre_stop(request), {})`,
    see: "pouch stop web && pouch plugin logs NAME",
  },
  "container.postStop": {
    script: `  /** Every end of a container is told of, with its exit code. */
  postStop(container, { exitCode, oomKilled }, { log }) {
    log.info(\`\${container.Name} ended with \${exitCode}\${oomKilled ? ", for want of memory" : ""}\`);
  },`,
    testImports: ["sampleContainer"],
    scriptTest: `  const exit = { exitCode: 137, oomKilled: true };
  await plugin.call("container.postStop", { container: sampleContainer({ Name: "/web" }), exit });
  assert.deepEqual(plugin.log, ["/web ended with 137, for want of memory"]);`,
    python: `def post_stop(request):
    """Every end of a container is told of, with its exit code."""
    log("%s ended with %d" % (request["container"]["Name"], request["exit"]["exitCode"]))
    return {}`,
    pythonTest: `        request = {"container": {"Name": "/web"}, "exit": {"exitCode": 137, "oomKilled": True}}
        self.assertEqual(plugin.post_stop(request), {})`,
    see: "pouch run --rm busybox false; pouch plugin logs NAME",
  },
  "container.preExec": {
    script: `  /** Every exec: nobody gets more rights than the container has. */
  preExec(config) {
    if (config.Privileged === true) throw forbidden("no privileged execs here");
  },`,
    imports: ["forbidden"],
    scriptTest: `  const config = { Cmd: ["sh"], Privileged: true };
  await assert.rejects(plugin.call("container.preExec", { config }), /no privileged execs here/);`,
    python: `def pre_exec(request):
    """Every exec: nobody gets more rights than the container has."""
    if request["config"].get("Privileged"):
        raise Refusal("no privileged execs here")
    return {}`,
    pythonTest: `        with self.assertRaises(pouch_plugin.Refusal):
            plugin.pre_exec({"config": {"Cmd": ["sh"], "Privileged": True}})`,
    see: "pouch exec --privileged web true",
  },
  "container.preRemove": {
    script: `  /** Every removal: what carries the label keep stays. */
  preRemove(container) {
    if (container.Config.Labels?.["keep"] !== undefined) throw forbidden("it has the label keep");
  },`,
    imports: ["forbidden"],
    testImports: ["sampleContainer"],
    scriptTest: `  const sample = sampleContainer();
  const container = { ...sample, Config: { ...sample.Config, Labels: { keep: "" } } };
  await assert.rejects(plugin.call("container.preRemove", { container }), /it has the label keep/);`,
    python: `def pre_remove(request):
    """Every removal: what carries the label keep stays."""
    if "keep" in (request["container"]["Config"].get("Labels") or {}):
        raise Refusal("it has the label keep")
    return {}`,
    pythonTest: `        with self.assertRaises(pouch_plugin.Refusal):
            plugin.pre_remove({"container": {"Config": {"Labels": {"keep": ""}}}})`,
    see: "pouch create --label keep --name kept busybox && pouch rm kept",
  },
  "daemon.preStartHook": {
    script: `  /** The daemon is about to start. */
  preStartHook({ log }) {
    log.info("pre-start hook in daemon is called");
  },`,
    scriptTest: `  await plugin.call("daemon.preStartHook", { supervisor: plugin.supervisor, stateDirectory: "/nowhere" });
  assert.deepEqual(plugin.log, ["pre-start hook in daemon is called"]);`,
    python: `def pre_start_hook(_request):
    """The daemon is about to start."""
    log("pre-start hook in daemon is called")
    return {}`,
    pythonTest: `        self.assertEqual(plugin.pre_start_hook({"stateDirectory": "/nowhere"}), {})`,
    see: "pouch plugin logs NAME",
  },
  "daemon.preStopHook": {
    script: `  /** The daemon is about to stop. */
  preStopHook({ log }) {
    log.info("pre-stop hook in daemon is called");
  },`,
    scriptTest: `  await plugin.call("daemon.preStopHook", { supervisor: plugin.supervisor, stateDirectory: "/nowhere" });
  assert.deepEqual(plugin.log, ["pre-stop hook in daemon is called"]);`,
    python: `def pre_stop_hook(_request):
    """The daemon is about to stop."""
    log("pre-stop hook in daemon is called")
    return {}`,
    pythonTest: `        self.assertEqual(plugin.pre_stop_hook({"stateDirectory": "/nowhere"}), {})`,
    see: "pouch plugin disable NAME && pouch plugin logs NAME",
  },
  "volume.preVolumeCreate": {
    script: `  /** Every volume says who made it so. */
  preVolumeCreate(config) {
    config.Labels = { "made-by": "NAME", ...config.Labels };
  },`,
    testImports: ["sampleVolumeConfig"],
    scriptTest: `  const { config } = await plugin.call("volume.preVolumeCreate", { config: sampleVolumeConfig() });
  assert.deepEqual(config.Labels, { "made-by": "NAME" });`,
    python: `def pre_volume_create(request):
    """Every volume says who made it so."""
    config = request["config"]
    config["Labels"] = {"made-by": "NAME", **(config.get("Labels") or {})}
    return {"config": config}`,
    pythonTest: `        answer = plugin.pre_volume_create({"config": {"Name": "data"}})
        self.assertEqual(answer["config"]["Labels"], {"made-by": "NAME"})`,
    needs: { fields: { "volume.preVolumeCreate": ["Labels.made-by"] } },
    see: "pouch volume create data && pouch volume inspect data",
  },
  "volume.validateVolumeCreate": {
    script: `  /** The final body of every volume: some names are not for everybody. */
  validateVolumeCreate(config) {
    if (config.Name?.startsWith("system-") === true) throw forbidden("names that begin with system- are taken");
  },`,
    imports: ["forbidden"],
    testImports: ["sampleVolumeConfig"],
    scriptTest: `  const config = sampleVolumeConfig({ Name: "system-data" });
  await assert.rejects(plugin.call("volume.validateVolumeCreate", { config }), /names that begin with system- are taken/);`,
    python: `def validate_volume_create(request):
    """The final body of every volume: some names are not for everybody."""
    if request["config"].get("Name", "").startswith("system-"):
        raise Refusal("names that begin with system- are taken")
    return {}`,
    pythonTest: `        with self.assertRaises(pouch_plugin.Refusal):
            plugin.validate_volume_create({"config": {"Name": "system-data"}})`,
    see: "pouch volume create system-data",
  },
  "volume.preRemove": {
    script: `  /** Every removal of a volume: what carries the label keep stays. */
  preRemove(volume) {
    if (volume.Labels?.["keep"] !== undefined) throw forbidden("it has the label keep");
  },`,
    imports: ["forbidden"],
    testImports: ["sampleVolume"],
    scriptTest: `  const volume = sampleVolume({ Labels: { keep: "" } });
  await assert.rejects(plugin.call("volume.preRemove", { volume }), /it has the label keep/);`,
    python: `def volume_pre_remove(request):
    """Every removal of a volume: what carries the label keep stays."""
    if "keep" in (request["volume"].get("Labels") or {}):
        raise Refusal("it has the label keep")
    return {}`,
    pythonTest: `        with self.assertRaises(pouch_plugin.Refusal):
            plugin.volume_pre_remove({"volume": {"Labels": {"keep": ""}}})`,
    see: "pouch volume create --label keep kept && pouch volume rm kept",
  },
  "network.preCreate": {
    script: `  /** Every network says who made it so. */
  preCreate(config) {
    config.Labels = { "made-by": "NAME", ...config.Labels };
  },`,
    scriptTest: `  const { config } = await plugin.call("network.preCreate", { config: { Name: "web" } });
  assert.deepEqual(config.Labels, { "made-by": "NAME" });`,
    python: `def network_pre_create(request):
    """Every network says who made it so."""
    config = request["config"]
    config["Labels"] = {"made-by": "NAME", **(config.get("Labels") or {})}
    return {"config": config}`,
    pythonTest: `        answer = plugin.network_pre_create({"config": {"Name": "web"}})
        self.assertEqual(answer["config"]["Labels"], {"made-by": "NAME"})`,
    needs: { fields: { "network.preCreate": ["Labels.made-by"] } },
    see: "pouch network create web && pouch network inspect web",
  },
  "cri.preRunPodSandbox": {
    script: `  /** Every pod of Kubernetes carries an annotation. */
  preRunPodSandbox(config) {
    config.annotations = { "made-by": "NAME", ...config.annotations };
  },`,
    scriptTest: `  const { config } = await plugin.call("cri.preRunPodSandbox", { config: { metadata: { name: "web" } }, criRequest: {} });
  assert.deepEqual(config.annotations, { "made-by": "NAME" });`,
    python: `def pre_run_pod_sandbox(request):
    """Every pod of Kubernetes carries an annotation."""
    config = request["config"]
    config["annotations"] = {"made-by": "NAME", **(config.get("annotations") or {})}
    return {"config": config}`,
    pythonTest: `        answer = plugin.pre_run_pod_sandbox({"config": {}, "criRequest": {}})
        self.assertEqual(answer["config"]["annotations"], {"made-by": "NAME"})`,
    needs: { fields: { "cri.preRunPodSandbox": ["annotations.made-by"] } },
    see: "crictl runp pod.json && pouch plugin trace -n 1",
  },
  "cri.preCreateContainer": {
    script: `  /** Every container of a pod carries a label. */
  preCreateContainer(config) {
    config.Labels = { "made-by": "NAME", ...config.Labels };
  },`,
    testImports: ["sampleContainerConfig"],
    scriptTest: `  const { config } = await plugin.call("cri.preCreateContainer", { config: sampleContainerConfig(), criRequest: {} });
  assert.deepEqual(config.Labels, { "made-by": "NAME" });`,
    python: `def pre_create_container(request):
    """Every container of a pod carries a label."""
    config = request["config"]
    config["Labels"] = {"made-by": "NAME", **(config.get("Labels") or {})}
    return {"config": config}`,
    pythonTest: `        answer = plugin.pre_create_container({"config": {"Image": "busybox"}, "criRequest": {}})
        self.assertEqual(answer["config"]["Labels"], {"made-by": "NAME"})`,
    needs: { fields: { "cri.preCreateContainer": ["Labels.made-by"] } },
    see: "crictl create POD container.json pod.json && pouch plugin trace -n 1",
  },
  "api.updateHandler": {
    script: `  /** A route of our own. */
  updateHandler(handlers) {
    handlers.push({
      method: "GET",
      path: "/NAME",
      handler(_request, response) {
        response.end("hello from NAME\\n");
      },
    });
  },`,
    scriptTest: `  const { handlers } = await plugin.call("api.updateHandler", { handlers: [] });
  assert.deepEqual(handlers.map(({ method, path }) => \`\${method} \${path}\`), ["GET /NAME"]);`,
    python: `def update_handler(_request):
    """A route of our own, which the function of the operation's place in ROUTES serves."""
    return {"operations": [{"op": "add", "method": "GET", "path": "/NAME"}]}


def hello(_method, _url, _body):
    return 200, "hello from NAME\\n"


ROUTES = [hello]`,
    pythonTest: `        self.assertEqual(plugin.update_handler({"handlers": []})["operations"][0]["path"], "/NAME")
        self.assertEqual(plugin.ROUTES[0]("GET", "/NAME", b""), (200, "hello from NAME\\n"))`,
    needs: { routes: ["add GET /NAME"] },
    see: "curl --unix-socket /var/run/pouchd.sock http://localhost/NAME",
  },
  "image.prePull": {
    script: `  /** Every pull: an image without a tag is not every tag of it. */
  prePull(request) {
    if (request.reference.split("/").at(-1)?.includes(":") !== true) request.reference += ":latest";
  },`,
    scriptTest: `  const { request } = await plugin.call("image.prePull", { request: { reference: "busybox", platform: "" } });
  assert.equal(request.reference, "busybox:latest");`,
    python: `def pre_pull(request):
    """Every pull: an image without a tag is not every tag of it."""
    image = request["request"]
    if ":" not in image["reference"].split("/")[-1]:
        image["reference"] += ":latest"
    return {"request": image}`,
    pythonTest: `        answer = plugin.pre_pull({"request": {"reference": "busybox", "platform": ""}})
        self.assertEqual(answer["request"]["reference"], "busybox:latest")`,
    needs: { fields: { "image.prePull": ["reference"] } },
    see: "pouch pull -a busybox && pouch plugin trace -n 1",
  },
  "image.postPull": {
    script: `  /** Every pulled image is unpacked for a second snapshotter. */
  async postPull(snapshotter, image, { log }) {
    if (snapshotter === "native" || (await image.isUnpacked("native"))) return;
    await image.unpack("native");
    log.info(\`unpacked \${image.reference}\`);
  },`,
    testImports: ["sampleImage"],
    scriptTest: `  const image = sampleImage();
  await plugin.call("image.postPull", { snapshotter: "overlayfs", image });
  assert.deepEqual(image.unpackedTo, ["native"]);`,
    python: `def post_pull(request):
    """Every pulled image is unpacked for a second snapshotter."""
    question = {"call": request["call"]["id"], "snapshotter": "native"}
    if request["snapshotter"] != "native" and not ask("/Image.IsUnpacked", question)["unpacked"]:
        ask("/Image.Unpack", question)
        log("unpacked " + request["image"]["reference"])
    return {}`,
    pythonTest: `        with unittest.mock.patch("plugin.ask", return_value={"unpacked": False}) as ask:
            plugin.post_pull({"call": {"id": "c1"}, "snapshotter": "overlayfs", "image": {"reference": "busybox"}})
        ask.assert_called_with("/Image.Unpack", {"call": "c1", "snapshotter": "native"})`,
    needs: { unpack: true },
    see: "pouch pull busybox && pouch plugin logs NAME",
  },
  "image.prePush": {
    script: `  /** Every push: what is called latest stays here. */
  prePush(pushed) {
    if (pushed.reference.endsWith(":latest")) throw forbidden("give it a version");
  },`,
    imports: ["forbidden"],
    testImports: ["sampleStoredImage"],
    scriptTest: `  const pushed = sampleStoredImage({ reference: "registry.example.com/app:latest" });
  await assert.rejects(plugin.call("image.prePush", { pushed }), /give it a version/);`,
    python: `def pre_push(request):
    """Every push: what is called latest stays here."""
    if request["pushed"]["reference"].endswith(":latest"):
        raise Refusal("give it a version")
    return {}`,
    pythonTest: `        with self.assertRaises(pouch_plugin.Refusal):
            plugin.pre_push({"pushed": {"reference": "registry.example.com/app:latest"}})`,
    see: "pouch push registry.example.com/app:latest",
  },
};

/** The points of the samples, which are all. */
// The keys of the record are the points: its type says so.
export const sampledPoints = Object.keys(pointSamples) as readonly PointName[];
