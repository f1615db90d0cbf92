/** What an author types in the first ten minutes, in that order. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Daemon, projectRoot, run } from "./harness/daemon.ts";

/** A shell of the author's, in a folder of its own. */
function authorsShell(daemon: Daemon): (script: string) => ReturnType<typeof run> {
  const author = join(daemon.directory, "author");
  mkdirSync(author);
  return (script) =>
    run("sh", ["-c", `cd ${author} && ${script}`], {
      PATH: `${projectRoot}/bin:${process.env["PATH"]}`,
      POUCH_HOST: `unix://${daemon.socket}`,
    });
}

test("init, npm test, install, run, trace: a plugin's effect, then its patch", async () => {
  await using daemon = await Daemon.start();
  const shell = authorsShell(daemon);

  const made = await shell("pouch plugin init demo --kind container && cd demo && npm test");
  assert.equal(made.code, 0, made.stdout + made.stderr);
  const installed = await shell("cd demo && pouch plugin install --grant-all-permissions .");
  assert.equal(installed.code, 0, installed.stdout + installed.stderr);

  const limit = await shell(
    "pouch run --rm --name shown --network none busybox cat /sys/fs/cgroup/pids/pids.max || pouch run --rm --network none busybox cat /sys/fs/cgroup/pids.max",
  );
  assert.equal(limit.stdout.trim(), "500", limit.stderr);
  const kept = await shell("pouch create --name kept --network none busybox && pouch plugin trace kept");
  assert.match(
    kept.stdout,
    /demo@0\.1\.0\s+container\.preCreate\s+kept\s+\S+ms\s+changed\n\s+add \/HostConfig\/PidsLimit 500/,
    kept.stderr,
  );

  const calls = "pouch inspect --format '{{range .PluginCalls}}{{.plugin}} {{.point}} {{json .patch}}{{end}}' kept";
  const shown = 'demo container.preCreate [{"op":"add","path":"/HostConfig/PidsLimit","value":500}]\n';
  assert.equal((await shell(calls)).stdout, shown);
  await daemon.stop();
  await daemon.launch();
  assert.equal((await shell(calls)).stdout, shown, "the calls are kept with the container");

  const pidsOf = async (name: string) =>
    (await shell(`pouch create --name ${name} --network none busybox >&2; pouch inspect -f '{{.HostConfig.PidsLimit}}' ${name}`))
      .stdout;
  const changed = await shell("cd demo && sed -i 's/500/501/' index.* && cd / && pouch plugin reload demo");
  assert.equal(changed.code, 0, changed.stderr);
  assert.equal(await pidsOf("reloaded"), "501\n", "a reload looks at the folder again, from wherever it is asked for");
  // Its stack, and the lines of its source around the fault.
  daemon.expectsErrors(/"plugin":"demo","msg":/);
  const broken = await shell(
    "cd demo && for f in index.ts index.js; do test ! -e $f || echo 'this is no program' >> $f; done; pouch plugin reload demo",
  );
  assert.notEqual(broken.code, 0);
  assert.match(broken.stderr, /demo/);
  assert.equal(await pidsOf("still"), "501\n", "a version that does not start leaves the old one in place");
  await daemon.stop();
  await daemon.launch();
  assert.equal(await pidsOf("restarted"), "501\n");
  const gone = await shell("mv demo elsewhere && pouch plugin reload demo");
  assert.notEqual(gone.code, 0);
  assert.match(gone.stderr, /plugin demo was sent from \S+:\S+author\/demo: reload it where that is/);

  const removed = await shell("pouch plugin rm -f demo && pouch plugin ls --format '{{.Name}}'");
  assert.equal(removed.code, 0, removed.stderr);
  assert.doesNotMatch(removed.stdout.replace(/^demo\n/, ""), /demo/);
});

test("a plugin of each language that init writes passes its test, is installed and has its effects", async () => {
  await using daemon = await Daemon.start();
  const shell = authorsShell(daemon);
  const points = ["container.preCreate", "container.validateCreate", "container.preUpdate", "api.updateHandler"];
  const flags = points.map((point) => `--point ${point}`).join(" ");
  const tests = { typescript: "npm test", javascript: "npm test", python: "python3 -m unittest" };
  for (const [language, own] of Object.entries(tests)) {
    const name = `in-${language}`;
    const made = await shell(`pouch plugin init ${name} --language ${language} ${flags} && cd ${name} && ${own}`);
    assert.equal(made.code, 0, made.stdout + made.stderr);
    const installed = await shell(`pouch plugin install --grant-all-permissions ./${name}`);
    assert.equal(installed.code, 0, installed.stdout + installed.stderr);

    assert.equal((await daemon.api("GET", `/${name}`)).text, `hello from ${name}\n`);
    const created = await shell(
      `pouch create --name ${name} --network none busybox >&2 && pouch inspect -f '{{.HostConfig.PidsLimit}}' ${name}`,
    );
    assert.equal(created.stdout, "500\n", created.stderr);
    const refused = await daemon.api("POST", "/containers/create", { Image: "busybox", HostConfig: { Privileged: true } });
    assert.equal(refused.status, 403);
    assert.match(refused.text, new RegExp(`plugin ."${name}." at container.validateCreate: no privileged containers here`));
    const updated = await daemon.api("POST", `/containers/${name}/update`, { MemoryMb: 64, MemorySwap: -1 });
    assert.equal(updated.status, 200, updated.text);
    const memory = await shell(`pouch inspect -f '{{.HostConfig.Memory}}' ${name}; pouch plugin rm -f ${name}`);
    assert.equal(memory.stdout, `${64 * 1024 * 1024}\n${name}\n`, memory.stderr);
    assert.equal((await daemon.api("GET", `/${name}`)).status, 404);
  }
  const both = await shell("pouch plugin init x --language python --typescript");
  assert.match(both.stderr, /a plugin is in one language, not in typescript and python/);
  const nowhere = await shell("pouch plugin init x --kind volume --point preStart; ls x");
  assert.match(nowhere.stderr, /"preStart" is no point of a volume plugin: one of volume\.preVolumeCreate.*\n.*No such file/s);
});

test("a plugin that awaits at the top of its module passes its test and is installed", async () => {
  await using daemon = await Daemon.start();
  const shell = authorsShell(daemon);
  for (const language of ["typescript", "javascript"]) {
    const late = `for f in index.[tj]s; do printf 'await Promise.resolve();\\n' | cat - $f > $f.new && mv $f.new $f; done`;
    const made = await shell(`pouch plugin init ${language} --language ${language} && cd ${language} && ${late} && npm test`);
    assert.equal(made.code, 0, made.stdout + made.stderr);
    const installed = await shell(`pouch plugin install --grant-all-permissions ./${language}`);
    assert.equal(installed.code, 0, installed.stdout + installed.stderr);
  }
});

test("an install that fails shows where in the plugin, and nothing of the daemon's own code", async () => {
  await using daemon = await Daemon.start();
  daemon.expectsErrors(/"plugin":"broken","msg":/);
  const shell = authorsShell(daemon);
  const made = await shell("pouch plugin init broken --language javascript");
  assert.equal(made.code, 0, made.stderr);
  for (const [content, shown] of [
    ["export const a = 1;\\nexport const b = [;\\n", /installed\/[^\n]*index\.js:2\n[^]*b = \[;/],
    ["export const a = 1;\\n", /declares container\.preCreate but registers no container plugin/],
    ['\\nconst fail = () => { throw new Error("mine"); };\\nfail();\\n', /Error: mine\n[^]*index\.js:2:\d+\)\n[^]*index\.js:3:1/],
  ] as const) {
    const failed = await shell(`cd broken && printf '${content}' > index.js && pouch plugin install --grant-all-permissions .`);
    assert.notEqual(failed.code, 0);
    assert.match(failed.stderr, shown);
    assert.doesNotMatch(failed.stderr, /node:|pouchd\.cjs/);
  }
});
