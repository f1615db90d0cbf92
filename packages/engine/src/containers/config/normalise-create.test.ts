import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerConfig, HostConfig } from "@pouchcontainer/api";
import { isKind, notFound } from "@pouchcontainer/errors";
import { deepFreeze } from "@pouchcontainer/plugin-sdk/host";
import type { ImageConfig } from "../../images/image-source.ts";
import { normaliseCreate, verifyCreate } from "./normalise-create.ts";
import { sampleConfigSettings, sampleFacts } from "./sample-settings.ts";

const id = "0123456789ab".padEnd(64, "0");

function normalise(config: ContainerConfig, hostConfig: HostConfig = {}, image: ImageConfig = {}, facts = sampleFacts()) {
  const settings = sampleConfigSettings();
  // A request is never changed, also in what the container's record shares with it.
  const request = deepFreeze({ Image: "busybox", ...config, HostConfig: hostConfig });
  const verified = verifyCreate(request, facts, settings);
  return normaliseCreate({
    verified,
    id,
    image: { config: image },
    facts,
    settings,
    container: (ref) => {
      if (ref !== "db" && ref !== "f".repeat(64)) throw notFound(`No such container: ${ref}`);
      return { id: "f".repeat(64), name: ref, networkMode: "bridge" };
    },
  });
}

test("command and entry point follow Docker's table", () => {
  const image = { Entrypoint: ["/entry"], Cmd: ["serve"] };
  const line = (config: ContainerConfig): string[] => {
    const { path, args } = normalise(config, {}, image);
    return [path, ...args];
  };
  assert.deepEqual(line({}), ["/entry", "serve"]);
  assert.deepEqual(line({ Cmd: ["x"] }), ["/entry", "x"]);
  assert.deepEqual(line({ Entrypoint: ["/mine"] }), ["/mine"], "the image's command was meant for the image's entry point");
  assert.deepEqual(line({ Entrypoint: [""], Cmd: ["x"] }), ["x"]);
  assert.throws(() => line({ Entrypoint: [""] }), { message: "No command specified" });
  assert.throws(() => normalise({}), { message: "No command specified" });
});

test("the image's environment, labels, ports and health check fill what the request leaves open", () => {
  const { config } = normalise(
    { Cmd: ["x"], Env: ["A=mine", "B=2"], Labels: { a: "mine" }, Healthcheck: { Interval: 5e9 } },
    {},
    {
      Env: ["PATH=/bin", "A=image"],
      Labels: { a: "image", b: "image" },
      ExposedPorts: { "80/tcp": {} },
      Healthcheck: { Test: ["CMD", "ok"], Interval: 1e9, Retries: 3 },
      User: "web",
      WorkingDir: "/srv",
      StopSignal: "SIGQUIT",
    },
  );
  assert.deepEqual(config.Env, ["A=mine", "B=2", "PATH=/bin"]);
  assert.deepEqual(config.Labels, { a: "mine", b: "image" });
  assert.deepEqual(config.ExposedPorts, { "80/tcp": {} });
  assert.deepEqual(config.Healthcheck, { Test: ["CMD", "ok"], Interval: 5e9, Retries: 3 });
  assert.deepEqual([config.User, config.WorkingDir, config.StopSignal], ["web", "/srv", "SIGQUIT"]);
});

test("what an image exposes that is no port is left out", () => {
  const ExposedPorts = { "80/tcp": {}, "8000-8010/udp": {}, "foo/bar": {}, "": {}, "99999/tcp": {}, "80/tcp/x": {} };
  const { config } = normalise({ Cmd: ["x"] }, {}, { ExposedPorts });
  assert.deepEqual(config.ExposedPorts, { "80/tcp": {}, "8000-8010/udp": {} });
});

test("every default is written down", () => {
  const { config, hostConfig } = normalise({ Cmd: ["x"] }, { Memory: 64e6 });
  assert.equal(config.Hostname, "0123456789ab");
  assert.equal(hostConfig.MemorySwap, 128e6);
  assert.equal(hostConfig.ShmSize, 67108864);
  assert.equal(hostConfig.NetworkMode, "bridge");
  assert.equal(hostConfig.CgroupnsMode, "host");
  assert.equal(hostConfig.IpcMode, "private");
  assert.deepEqual(hostConfig.LogConfig, { Type: "json-file", Config: {} });
  assert.deepEqual(hostConfig.RestartPolicy, { Name: "no", MaximumRetryCount: 0 });
  assert.ok(hostConfig.MaskedPaths?.includes("/proc/kcore"));
});

test("an empty list of masked paths stays empty", () => {
  assert.deepEqual(normalise({ Cmd: ["x"] }, { MaskedPaths: [] }).hostConfig.MaskedPaths, []);
});

test("on cgroup v2 a container has a cgroup namespace of its own, a privileged one too", () => {
  const facts = sampleFacts({ cgroup: { ...sampleFacts().cgroup, version: 2, oomKillDisable: false } });
  assert.equal(normalise({ Cmd: ["x"] }, { Privileged: true }, {}, facts).hostConfig.CgroupnsMode, "private");
  assert.equal(normalise({ Cmd: ["x"] }, { Privileged: true }).hostConfig.CgroupnsMode, "host");
});

test("the host's network brings the host's name; another container's network brings its name at the start", () => {
  assert.equal(normalise({ Cmd: ["x"] }, { NetworkMode: "host" }).config.Hostname, "host");
  const joined = normalise({ Cmd: ["x"] }, { NetworkMode: "container:db" });
  assert.equal(joined.config.Hostname, "0123456789ab");
  assert.equal(joined.hostConfig.NetworkMode, `container:${"f".repeat(64)}`);
});

test("another container that does not exist is a bad request: a 404 would make clients pull the image", () => {
  assert.throws(
    () => normalise({ Cmd: ["x"] }, { PidMode: "container:nope" }),
    (error) => isKind(error, "invalidArgument") && error.message === "No such container: nope",
  );
});
