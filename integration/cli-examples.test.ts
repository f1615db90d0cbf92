/** Every example of the command line's reference, run as it is written on a host that has what it names. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeImageArchive } from "../hack/busybox-image.ts";
import { commandTable } from "../packages/cli/src/command-table.ts";
import { Daemon, dockerCommand, projectRoot, run, type CommandResult } from "./harness/daemon.ts";

/** What no test machine has. */
const notHere: [RegExp, string][] = [
  [/^pouch (login|pull|push) /, "a registry that is reached; integration/images.test.ts has one"],
  [/^pouch plugin (push|install registry)/, "a registry that is reached; integration/plugin-registry.test.ts has one"],
  [/^pouch system orphans -/, "a lost store; integration/store-loss.test.ts loses one"],
  [/^pouch plugin init /, "integration/plugin-author.test.ts does it"],
  [existsSync("/sys/fs/cgroup/memory") ? /memory\.max$/ : /memory\.limit_in_bytes$/, "the other version of control groups"],
  [/^pouch gen-doc/, "it writes into the tree; packages/cli/src/cli.test.ts compares it"],
];

/** What an example needs beyond what all of them have: shell lines before it. */
const needs: [RegExp, string][] = [
  [/--name web/, "pouch rm -f web web-old"],
  [/^pouch network create/, "pouch network disconnect -f backend postgres; pouch network rm backend"],
  [/^pouch network connect/, "pouch network create backend; pouch network disconnect -f backend postgres"],
  [/^pouch network disconnect/, "pouch network create backend; pouch network connect backend postgres"],
  [/^pouch network rm/, "pouch network create backend; pouch network disconnect -f backend postgres"],
  [/^pouch (restart|start|unpause)/, "pouch rm -f web-old"],
  [/^pouch (rm|start) (web|-ai)/, "pouch stop -t 0 web db shell"],
  [/^pouch unpause/, "pouch pause web"],
  [/^pouch volume create/, "pouch volume rm data scratch"],
  [/^pouch volume rm/, "pouch container prune -f; pouch volume create data"],
  [/^pouch volume inspect/, "pouch volume create data"],
  [/^pouch plugin (?!install)/, "pouch plugin install --grant-all-permissions ."],
  [
    /^pouch plugin (canary|inspect .*Canary)/,
    "pouch plugin install --grant-all-permissions net-qos-1.2.0.tgz; pouch plugin reload --canary 5% net-qos",
  ],
  [/^pouch plugin apply/, "pouch plugin export -o plugins.json"],
  [/^pouch wait/, "pouch kill job"],
  [/^pouch cp web:/, "pouch exec web mkdir /var/log"],
  [/^pouch rmi/, "pouch tag busybox busybox:1.0"],
  [/^pouch load -i/, "pouch save -o images.tar busybox"],
  [/^pouch import .*root/, "pouch export db | gzip >root.tar.gz"],
];

/**
 * Examples that a person ends: what is typed to the end, or nothing where only ctrl-c ends them. It may be typed before the
 * terminal is raw, where ctrl-q would mean that output goes on.
 */
const typed: [RegExp, string][] = [
  [/^pouch (run|exec) -it/, "exit\\n"],
  [/^pouch start -ai/, "exit\\n"],
  [/^pouch \w+ prune(?!.* -f)/, "y\\n"],
  [/^pouch plugin (init|install (?!--grant))/, "y\\n"],
  [/^pouch attach shell/, "\\020\\021"],
];
const endless = /^pouch (events|stats|attach --no-stdin [^|]*|logs -f [^|]*|plugin logs -f [^|]*)$/;

const containers: Record<string, string> = {
  web: "--stop-signal KILL -m 64m -p 8080:80 nginx sleep 1000",
  db: "--stop-signal KILL busybox sleep 1000",
  postgres: "--stop-signal KILL postgres sleep 1000",
  job: "--stop-signal KILL busybox sleep 1000",
  shell: "--stop-signal KILL -it busybox sh",
};

async function examples(): Promise<string[]> {
  const commands = await Promise.all(commandTable.map((entry) => entry.load()));
  return commands.flatMap((command) => command.examples.map((example) => example.run));
}

test("the examples of the command reference work as they are written", async () => {
  await using daemon = await Daemon.start({ ownNetwork: true });
  const home = join(daemon.directory, "newcomer");
  mkdirSync(join(home, ".config/fish/completions"), { recursive: true });
  mkdirSync(join(home, "bin"));
  mkdirSync(join(home, "backup"));
  writeFileSync(join(home, "bin/docker"), `#!/bin/sh\nexec ${dockerCommand} -H unix://${daemon.socket} "$@"\n`, { mode: 0o755 });
  writeFileSync(join(home, "app.conf"), "");
  writeFileSync(join(home, "Dockerfile"), 'FROM busybox AS test\nARG VERSION\nRUN echo "$VERSION" >/version\n');
  // What other examples leave there may be big, and may be written meanwhile.
  writeFileSync(join(home, ".dockerignore"), "*\n");
  writeFileSync(join(home, "volume.json"), '{"Name":"data"}');
  const shell = (line: string): Promise<CommandResult> =>
    run("bash", ["-c", `cd ${home}; ${line}`], {
      PATH: `${home}/bin:${projectRoot}/bin:${process.env["PATH"]}`,
      POUCH_HOST: `unix://${daemon.socket}`,
      HOME: home,
    });
  const must = async (line: string): Promise<void> => {
    const { code, stdout, stderr } = await shell(line);
    assert.equal(code, 0, `${line}: ${stdout}${stderr}`);
  };
  const nginx = join(home, "nginx.tar");
  makeImageArchive(nginx, { name: "nginx:latest", files: { "/etc/passwd": "nobody:x:65534:65534::/:/bin/false\n" } });
  await must(`pouch load -i ${nginx} && for name in postgres db alpine; do pouch tag busybox $name; done`);
  await must(
    `cp -r ${projectRoot}/hookplugins/legacy-env/. . && tar czf net-qos-1.2.0.tgz -C ${projectRoot}/hookplugins net-qos`,
  );
  await must(`cp ${projectRoot}/hookplugins/policies/no-host-namespaces.json policy.json`);
  const failures: string[] = [];
  for (const example of await examples()) {
    if (notHere.some(([pattern]) => pattern.test(example))) continue;
    const listed = (await daemon.api("GET", "/containers/json")).json<{ Names: string[]; State: string }[]>();
    const running = listed.filter(({ State }) => State === "running").flatMap(({ Names }) => Names);
    const missing = Object.entries(containers).filter(([name]) => !running.includes(`/${name}`));
    const made = missing.map(([name, args]) => `pouch rm -f ${name}; pouch run -d --name ${name} ${args}`);
    const before = needs.filter(([pattern]) => pattern.test(example)).map(([, line]) => line);
    await shell([...made, ...before].join("\n"));
    const input = typed.find(([pattern]) => pattern.test(example))?.[1];
    const line = example.replace("/backup/", "backup/");
    const { code, stdout, stderr } = await shell(
      input !== undefined
        ? `(sleep 1; printf '${input}') | script -qec 'stty -ixon; ${line}' /dev/null`
        : endless.test(example)
          ? `timeout 1 ${line}; [ $? = 124 ]`
          : line,
    );
    if (code !== 0) failures.push(`${example}: status ${code}: ${stdout.slice(-300)}${stderr}`);
  }
  assert.deepEqual(failures, []);
});
