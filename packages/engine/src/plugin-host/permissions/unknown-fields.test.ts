import { pointNames, type PluginPermissions, type PointName } from "@pouchcontainer/plugin-sdk";
import { parseManifest } from "@pouchcontainer/plugin-sdk/host";
import { pluginTemplate } from "@pouchcontainer/plugin-sdk/template";
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fieldWarnings } from "./unknown-fields.ts";

function unknown(point: PointName, ...fields: string[]): string {
  const permissions: PluginPermissions = { fields: { [point]: fields } };
  const manifest = parseManifest({ name: "tool", version: "1.0.0", pouch: { api: "1", points: [point], permissions } });
  return fieldWarnings(manifest).join("").replaceAll(` at ${point}`, "").replace(/^.*: /, "");
}

test("fields that a body has are known, in whatever way a pattern names them", () => {
  for (const [point, fields] of [
    ["container.preCreate", ["*", "Hostname", "Env", "Env.A", "Env.A.B", "Labels.com.example.*", "Labels", "Cmd"]],
    ["container.preCreate", ["HostConfig", "HostConfig.*", "HostConfig.Memory*", "*.Memory", "HostConfig.LogConfig.Config.tag"]],
    ["container.preCreate", ["HostConfig.Sysctls.net.ipv4.ip_forward", "HostConfig.PortBindings.80/tcp", "Volumes./data/a.b"]],
    ["container.preCreate", ["NetworkingConfig.EndpointsConfig.*", "NetworkingConfig.EndpointsConfig.a.b.Aliases"]],
    ["container.preCreateEndpoint", ["priority", "genericParams.bandwidth.rate", "driverOptions.a.b"]],
    ["container.postUpdate", ["Env.LIMIT_*", "Env"]],
    ["container.preUpdate", ["whatever.clients", "Memroy"]],
    ["cri.preRunPodSandbox", ["labels.app.kubernetes.io/name", "linux.sysctls.net.core.somaxconn", "metadata.name"]],
    ["volume.preVolumeCreate", ["DriverOpts.o"]],
    ["image.prePull", ["reference"]],
  ] as const)
    assert.equal(unknown(point, ...fields), "", point);
});

test("fields that no body has are told", () => {
  for (const [point, fields] of [
    ["container.preCreate", ["HostConfig.Memroy", "HostConfig.Labels.*", "Memory", "hostname", "HostConfig.", "Memroy*"]],
    ["container.preCreate", ["HostConfig.Mounts.Source", "HostConfig.Memory.x", "NetworkingConfig.EndpointsConfig.*.Aliasses"]],
    ["container.preCreateEndpoint", ["Priority"]],
    ["container.postUpdate", ["Hostname"]],
    ["image.prePull", ["tag"]],
  ] as const)
    assert.equal(unknown(point, "*", ...fields), fields.join(", "), point);
});

test("what examples and new plugins ask for is known", () => {
  const root = join(import.meta.dirname, "../../../../..");
  const examples = globSync("hookplugins/*/package.json", { cwd: root }).map((file) => readFileSync(join(root, file), "utf8"));
  const template = pluginTemplate({ name: "demo", sdk: "1", points: pointNames })["package.json"] ?? "";
  assert.ok(examples.length > 5);
  for (const packageJson of [...examples, template])
    assert.deepEqual(fieldWarnings(parseManifest(JSON.parse(packageJson))), [], packageJson);
});
