import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { SampleDaemon } from "./sample-daemon.ts";

/** A daemon with an installed plugin of which nobody knows where it came from. */
function daemonWith(t: TestContext): Promise<SampleDaemon> {
  return SampleDaemon.start(t, (_request, response) => void response.end('{"PluginReference":"net-qos@1.0.0"}'));
}

test("a reload says how its canary is tried", async (t) => {
  const daemon = await daemonWith(t);
  const limits = ["--canary-failures", "10%", "--canary-max-ms", "250", "--promote-after", "1m30s"];
  assert.equal((await daemon.run(["plugin", "reload", "--canary", "2.5%", ...limits, "net-qos"])).out, "net-qos\n");
  assert.equal((await daemon.run(["plugin", "reload", "--canary", "5%", "net-qos"])).out, "net-qos\n");
  assert.deepEqual(
    daemon.requests.filter((request) => request.startsWith("POST")),
    [
      "POST /plugins/net-qos/reload?canary=2.5%25&canaryFailures=10%25&canaryMaxMs=250&promoteAfter=90",
      "POST /plugins/net-qos/reload?canary=5%25",
    ],
  );
});

test("a bad option of a canary is told by the flag and the value that were typed, before anything is asked", async (t) => {
  const daemon = await daemonWith(t);
  for (const [given, told] of [
    [["--canary", "100%"], 'invalid argument "100%" for "--canary" flag: must be a share of the calls such as 5% or 0.5%'],
    [
      ["--canary", "5%", "--canary-failures", "many"],
      'invalid argument "many" for "--canary-failures" flag: must be a number of',
    ],
    [["--canary", "5%", "--canary-max-ms", "0"], 'invalid argument "0" for "--canary-max-ms" flag: must be a whole number of'],
    [
      ["--canary", "5%", "--promote-after", "300h"],
      'invalid argument "300h" for "--promote-after" flag: must be from 1s to 168h',
    ],
    [["--canary-failures", "3"], "--canary-failures is about a canary: give its share as well, such as --canary 5%"],
    [["--promote-after", "10m"], "--promote-after is about a canary: give its share as well, such as --canary 5%"],
  ] as const) {
    const { err } = await daemon.run(["plugin", "reload", ...given, "net-qos"]);
    assert.equal(err.slice(0, told.length), told);
  }
  assert.deepEqual(daemon.requests, []);
});

test("a canary is promoted or aborted, one of both", async (t) => {
  const daemon = await daemonWith(t);
  for (const end of ["promote", "abort"])
    assert.equal((await daemon.run(["plugin", "canary", "net-qos", `--${end}`])).out, "net-qos\n");
  for (const flags of [[], ["--promote", "--abort"]]) {
    const { status, err } = await daemon.run(["plugin", "canary", "net-qos", ...flags]);
    assert.deepEqual([status, /say one of --promote and --abort/.test(err)], [1, true], err);
  }
  assert.deepEqual(daemon.requests, ["POST /plugins/net-qos/canary/promote", "POST /plugins/net-qos/canary/abort"]);
});

test("a list says of which plugin a canary runs, as a table and as JSON", async (t) => {
  const plugin = (Name: string, Pouch: object): object => ({ Name, Enabled: true, Config: { Description: "" }, Pouch });
  const plugins = [
    plugin("quiet", { Mode: "shadow", Canary: null }),
    plugin("tried", { Mode: "active", Canary: { Share: "5%" } }),
  ];
  const daemon = await SampleDaemon.start(t, (_request, response) => void response.end(JSON.stringify(plugins)));
  const { out } = await daemon.run(["plugin", "ls"]);
  assert.match(out, /MODE\n.*true +shadow\n.*true +active, canary 5%\n$/);
  const lines = (await daemon.run(["plugin", "ls", "--format", "json"])).out.trim().split("\n");
  assert.deepEqual(
    lines.map((line) => /"Mode":"(.*?)"/.exec(line)?.[1]),
    ["shadow", "active, canary 5%"],
  );
});

test("the permissions of a plugin have those of its canary beside them", async (t) => {
  const of = (field: string): object => ({ Name: "container.preCreate", Description: "", Value: [field] });
  const facts = (field: string): object => ({ Asked: [of(field)], Granted: [of(field)], Narrowed: null, Warning: "both" });
  let canary: object | null = { Version: "2.0.0", ...facts("Env") };
  const daemon = await SampleDaemon.start(
    t,
    (_request, response) =>
      void response.end(JSON.stringify({ ...facts("Hostname"), Canary: canary, Observed: {}, ObservedMore: false })),
  );
  const list = (field: string): string => ` - container.preCreate: [${field}]\n`;
  const own = `Asked:\n${list("Hostname")}Granted:\n${list("Hostname")}`;
  const its = `Canary 2.0.0, asked:\n${list("Env")}Canary 2.0.0, granted:\n${list("Env")}`;
  assert.deepEqual(await daemon.run(["plugin", "permissions", "tool"]), { status: 0, out: own + its, err: "WARNING: both\n" });
  canary = null;
  assert.equal((await daemon.run(["plugin", "permissions", "tool"])).out, own);
});
