/** The unmodified docker CLI against pouchd: what a person types, and what they must see. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Daemon, dockerCommand, eventually, sleep, type CommandResult } from "../integration/harness/daemon.ts";

let daemon: Daemon;
before(async () => {
  // Newer ones hand a build to buildx otherwise, which wants BuildKit.
  process.env["DOCKER_BUILDKIT"] = "0";
  daemon = await Daemon.start();
});
after(() => daemon[Symbol.asyncDispose]());

/** `docker …`, expected to succeed; its standard output without the last newline. */
async function docker(...args: string[]): Promise<string> {
  const result = await daemon.docker(...args);
  assert.equal(result.code, 0, `docker ${args.join(" ")}: ${result.stderr}`);
  return result.stdout.trimEnd();
}

function dockerWithInput(args: string[], input: string): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(dockerCommand, ["-H", `unix://${daemon.socket}`, ...args]);
    const result = { code: 0, stdout: "", stderr: "" };
    child.stdout.on("data", (chunk: Buffer) => (result.stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (result.stderr += chunk.toString()));
    child.on("close", (code) => resolve({ ...result, code: code ?? 255 }));
    child.stdin.end(input);
  });
}

const runNone = ["run", "--rm", "--network", "none"];

describe("docker run", () => {
  test("prints what the container prints, both streams apart", async () => {
    const result = await daemon.docker(...runNone, "busybox", "sh", "-c", "echo out; echo err >&2");
    assert.deepEqual(result, { code: 0, stdout: "out\n", stderr: "err\n" });
  });

  test("ends with the container's exit code", async () => {
    assert.equal((await daemon.docker(...runNone, "busybox", "sh", "-c", "exit 7")).code, 7);
  });

  test("a missing program ends with 127, one that is not executable with 126, and nothing is left", async () => {
    const missing = await daemon.docker(...runNone, "busybox", "nope");
    assert.equal(missing.code, 127, missing.stderr);
    assert.match(missing.stderr, /exec: "nope": executable file not found in \$PATH/);
    assert.equal((await daemon.docker(...runNone, "busybox", "/etc/passwd")).code, 126);
    assert.equal(await docker("ps", "-aq"), "");
  });

  test("-i gives the container its standard input and closes it", async () => {
    const result = await dockerWithInput([...runNone, "-i", "busybox", "sh", "-c", "tr a-z A-Z; echo done"], "hello\n");
    assert.deepEqual(result, { code: 0, stdout: "HELLO\ndone\n", stderr: "" });
  });

  test("-t gives it a terminal of the caller's size", async () => {
    // The size comes after the start.
    const script = `i=0; until stty size | grep "31 97" || [ $((i+=1)) = 100 ]; do sleep 0.1; done; tty`;
    const command = `stty rows 31 cols 97; ${dockerCommand} -H unix://${daemon.socket} ${runNone.join(" ")} -it busybox sh -c '${script}'`;
    const terminal = await new Promise<string>((resolve) => {
      const child = spawn("script", ["-qec", command, "/dev/null"], { stdio: ["pipe", "pipe", "inherit"] });
      let output = "";
      child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
      child.on("close", () => resolve(output));
    });
    assert.match(terminal, /31 97\r?\n\/dev\/(pts\/0|console)/);
  });

  test("limits are real: memory, cpu and pids in the container's cgroup", async () => {
    const id = await docker(
      "run",
      "-d",
      "--network",
      "none",
      "--memory",
      "64m",
      "--cpus",
      "1.5",
      "--pids-limit",
      "50",
      "busybox",
      "sleep",
      "60",
    );
    const pid = await docker("inspect", "--format", "{{.State.Pid}}", id);
    const groups = new Map(
      readFileSync(`/proc/${pid}/cgroup`, "utf8")
        .trim()
        .split("\n")
        .map((line) => line.split(":").slice(1) as [string, string]),
    );
    const value = (controller: string, v1: string, v2: string): string => {
      const v1Path = groups.get(controller);
      return v1Path === undefined
        ? readFileSync(`/sys/fs/cgroup${groups.get("")}/${v2}`, "utf8").trim()
        : readFileSync(`/sys/fs/cgroup/${controller}${v1Path}/${v1}`, "utf8").trim();
    };
    assert.equal(value("memory", "memory.limit_in_bytes", "memory.max"), String(64 * 1024 * 1024));
    assert.equal(value("pids", "pids.max", "pids.max"), "50");
    assert.match(value("cpu", "cpu.cfs_quota_us", "cpu.max"), /^150000/);
    await docker("rm", "-f", id);
  });

  test("env, workdir, user, hostname, entrypoint and labels arrive", async () => {
    const script = "echo $A-$PWD-$(id -u):$(id -g)-$(hostname)";
    const flags = ["-e", "A=1", "-w", "/work/dir", "-u", "app", "--hostname", "web", "--label", "x=y", "--entrypoint", "sh"];
    assert.equal(await docker(...runNone, ...flags, "busybox", "-c", script), "1-/work/dir-1000:1000-web");
  });

  test("a bind mount is writable, a read-only one is not, nor is a read-only root", async () => {
    const folder = join(daemon.directory, "bind");
    mkdirSync(folder);
    writeFileSync(join(folder, "in"), "from the host\n");
    const flags = ["-v", `${folder}:/rw`, "-v", `${folder}:/ro:ro`, "--read-only"];
    const script = "cat /rw/in; echo from inside > /rw/out; echo x > /ro/y || echo ro refused; echo x > /y || echo root refused";
    const result = await daemon.docker(...runNone, ...flags, "busybox", "sh", "-c", script);
    assert.equal(result.stdout, "from the host\nro refused\nroot refused\n");
    assert.equal(readFileSync(join(folder, "out"), "utf8"), "from inside\n");
  });

  test("the process is confined: default capabilities, seccomp filter, no new privileges when asked, masked paths", async () => {
    const status = await docker(...runNone, "--security-opt", "no-new-privileges", "busybox", "cat", "/proc/self/status");
    assert.match(status, /CapBnd:\s+00000000a80425fb/);
    assert.match(status, /Seccomp:\s+2/);
    assert.match(status, /NoNewPrivs:\s+1/);
    assert.equal(await docker(...runNone, "busybox", "sh", "-c", "wc -c < /proc/timer_list; wc -c < /proc/keys"), "0\n0");
    assert.match(
      await docker(...runNone, "--cap-drop", "ALL", "busybox", "cat", "/proc/self/status"),
      /CapBnd:\s+0000000000000000/,
    );
  });

  test("what the machine cannot give is clamped with a warning, not refused with an opaque error", async () => {
    const result = await daemon.docker(
      ...runNone,
      "--cap-add",
      "SYS_RESOURCE",
      "--oom-score-adj",
      "-500",
      "busybox",
      "echo",
      "runs",
    );
    assert.equal(result.stdout, "runs\n", result.stderr);
  });

  test("network none has a loopback device only, network host has the host's", async () => {
    assert.equal(await docker(...runNone, "busybox", "ls", "/sys/class/net"), "lo");
    const namespace = await docker("run", "--rm", "--network", "host", "busybox", "readlink", "/proc/self/ns/net");
    assert.equal(namespace, readlinkSync("/proc/self/ns/net"));
  });
});

describe("a container's life", () => {
  test("create, start, ps, logs, stop, start again, rm", async () => {
    const id = await docker(
      "create",
      "--name",
      "life",
      "--network",
      "none",
      "busybox",
      "sh",
      "-c",
      "echo started; trap 'echo bye; exit 3' TERM; while :; do sleep 0.1; done",
    );
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.match(await docker("ps", "-a", "--format", "{{.Names}} {{.Status}}"), /^life Created$/m);
    assert.equal(await docker("start", "life"), "life");
    assert.match(
      await docker("ps", "--format", "{{.Names}} {{.Image}} {{.Command}} {{.Status}}"),
      /^life busybox "sh -c 'echo started…" Up /m,
    );
    await eventually("the first line", async () => (await docker("logs", "life")) === "started");
    await docker("stop", "-t", "5", "life");
    assert.equal(await docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "life"), "exited 3");
    assert.match(
      await docker("ps", "-a", "--format", "{{.Status}}", "--filter", "name=life"),
      /^Exited \(3\) (Less than a second|\d+ seconds?) ago$/,
    );
    await docker("start", "life");
    await eventually("two starts in the log", async () => (await docker("logs", "life")) === "started\nbye\nstarted");
    await docker("rm", "-f", "life");
    assert.match((await daemon.docker("inspect", "life")).stderr, /No such object: life/);
  });

  test("logs -f follows until the end; --tail, --timestamps and --since select", async () => {
    await docker(
      "run",
      "-d",
      "--name",
      "lines",
      "--network",
      "none",
      "busybox",
      "sh",
      "-c",
      "for i in 1 2 3 4 5; do echo line $i; sleep 0.1; done",
    );
    assert.equal(await docker("logs", "-f", "lines"), "line 1\nline 2\nline 3\nline 4\nline 5");
    assert.equal(await docker("logs", "--tail", "2", "lines"), "line 4\nline 5");
    const stamped = await docker("logs", "-t", "lines");
    assert.match(stamped, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z line 1$/m);
    const third = stamped.split("\n")[2]?.split(" ")[0] ?? "";
    assert.equal(await docker("logs", "--since", third, "lines"), "line 3\nline 4\nline 5");
    await docker("rm", "lines");
  });

  test("wait gives the exit code, kill a signal's", async () => {
    await docker("run", "-d", "--name", "waited", "--network", "none", "busybox", "sleep", "60");
    const waited = docker("wait", "waited");
    await sleep(200);
    await docker("kill", "-s", "KILL", "waited");
    assert.equal(await waited, "137");
    await docker("rm", "waited");
  });

  test("attach sees the output that follows", async () => {
    const script = "until [ -e /go ]; do sleep 0.1; done; echo late; exit 4";
    await docker("run", "-d", "--name", "attached", "--network", "none", "busybox", "sh", "-c", script);
    const since = Date.now() / 1000 - 60;
    const attached = daemon.docker("attach", "attached");
    await eventually("it is attached to", async () => {
      const range = [`--since=${since}`, `--until=${Date.now() / 1000}`];
      return (await docker("events", ...range, "--filter", "container=attached", "--filter", "event=attach")) !== "";
    });
    await docker("exec", "attached", "touch", "/go");
    const result = await attached;
    assert.deepEqual(result, { code: 4, stdout: "late\n", stderr: "" });
    await docker("rm", "attached");
  });

  test("exec runs in it: streams, input, user, env, exit code, missing program", async () => {
    await docker("run", "-d", "--name", "execs", "--network", "none", "busybox", "sleep", "60");
    assert.equal(
      await docker("exec", "-e", "A=b", "-u", "1000", "-w", "/tmp", "execs", "sh", "-c", "echo $A $(id -u) $PWD"),
      "b 1000 /tmp",
    );
    assert.deepEqual(await dockerWithInput(["exec", "-i", "execs", "sh", "-c", "cat; exit 5"], "in\n"), {
      code: 5,
      stdout: "in\n",
      stderr: "",
    });
    const missing = await daemon.docker("exec", "execs", "nope");
    assert.equal(missing.code, 126 + 1, missing.stderr + missing.stdout);
    await docker("rm", "-f", "execs");
  });

  test("restart policies bring it back, and stop ends that", async () => {
    await docker(
      "run",
      "-d",
      "--name",
      "again",
      "--network",
      "none",
      "--restart",
      "on-failure:2",
      "busybox",
      "sh",
      "-c",
      "echo go; exit 1",
    );
    await eventually("three runs", async () => (await docker("logs", "again")) === "go\ngo\ngo");
    await eventually(
      "no fourth",
      async () => (await docker("inspect", "-f", "{{.State.Status}} {{.RestartCount}}", "again")) === "exited 2",
    );
    await docker("rm", "again");
  });

  test("pause, unpause, rename, update, top, cp and diff work on it", async () => {
    await docker("run", "-d", "--name", "many", "--network", "none", "busybox", "sleep", "60");
    await docker("pause", "many");
    assert.equal(await docker("inspect", "-f", "{{.State.Status}}", "many"), "paused");
    await docker("unpause", "many");
    await docker("rename", "many", "several");
    await docker("update", "--memory", "32m", "--memory-swap", "64m", "several");
    assert.equal(await docker("inspect", "-f", "{{.HostConfig.Memory}}", "several"), String(32 * 1024 * 1024));
    assert.match(await docker("top", "several"), /sleep 60/);
    const file = join(daemon.directory, "copied");
    writeFileSync(file, "copied in\n");
    await docker("cp", file, "several:/tmp/in");
    assert.equal(await docker("exec", "several", "cat", "/tmp/in"), "copied in");
    await docker("cp", "several:/etc/passwd", join(daemon.directory, "passwd"));
    assert.match(readFileSync(join(daemon.directory, "passwd"), "utf8"), /^root:/);
    assert.match(await docker("diff", "several"), /A \/tmp\/in/);
    await docker("rm", "-f", "several");
  });
});

describe("images", () => {
  test("ls, inspect, tag, history, save, rmi, load", async () => {
    assert.match(await docker("images", "--format", "{{.Repository}}:{{.Tag}}"), /^busybox:latest$/m);
    await docker("tag", "busybox", "example/copy:v1");
    assert.equal(
      await docker("inspect", "-f", "{{.Id}}", "example/copy:v1"),
      await docker("inspect", "-f", "{{.Id}}", "busybox"),
    );
    assert.match(await docker("history", "--format", "{{.CreatedBy}}", "example/copy:v1"), /static busybox/);
    const archive = join(daemon.directory, "saved.tar");
    await docker("save", "-o", archive, "example/copy:v1");
    assert.equal(await docker("rmi", "example/copy:v1"), "Untagged: example/copy:v1");
    assert.equal(await docker("load", "-i", archive), "Loaded image: example/copy:v1");
    await docker("rmi", "example/copy:v1");
  });

  test("an image in use is not removed, and the message says by whom", async () => {
    const id = await docker("create", "--network", "none", "busybox");
    const result = await daemon.docker("rmi", "busybox");
    assert.equal(result.code, 1);
    assert.match(
      result.stderr,
      /conflict: unable to remove repository reference "busybox" \(must force\) - container [0-9a-f]{12} is using its referenced image/,
    );
    await docker("rm", id);
  });
});

describe("mistakes get Docker's answer and leave nothing", () => {
  const mistakes: [string, string[], number, RegExp][] = [
    ["an unknown container", ["start", "nobody"], 1, /No such container: nobody/],
    [
      "a bad name",
      ["create", "--name", "a b", "busybox"],
      1,
      /Invalid container name \(a b\), only \[a-zA-Z0-9\]\[a-zA-Z0-9_\.-\] are allowed/,
    ],
    ["too little memory", ["create", "--memory", "1m", "busybox"], 1, /Minimum memory limit allowed is 6MB/i],
    ["too many cpus", ["create", "--cpus", "4000", "busybox"], 1, /Range of CPUs is from 0\.01 to /],
    [
      "a bind source that is not there",
      ["create", "--mount", "type=bind,src=/does/not/exist,dst=/x", "busybox"],
      1,
      /bind source path does not exist: \/does\/not\/exist/,
    ],
    [
      "an unknown user",
      ["run", "--network", "none", "-u", "nobody-here", "busybox", "true"],
      125,
      /unable to find user nobody-here: no matching entries in passwd file/,
    ],
    ["an unknown network", ["run", "--network", "nowhere", "busybox", "true"], 125, /network nowhere not found/],
    ["an unknown signal", ["kill", "-s", "NOSUCH", "nobody"], 1, /No such container|Invalid signal/],
  ];
  for (const [what, args, code, message] of mistakes) {
    test(what, async () => {
      const result = await daemon.docker(...args);
      assert.equal(result.code, code, result.stderr);
      assert.match(result.stderr, message);
      const left = await docker("ps", "-aq");
      if (left !== "") await docker("rm", "-f", ...left.split("\n"));
    });
  }

  test("a name that is taken", async () => {
    const id = await docker("create", "--name", "taken", "--network", "none", "busybox");
    const result = await daemon.docker("create", "--name", "taken", "--network", "none", "busybox");
    assert.match(result.stderr, new RegExp(`Conflict. The container name "/taken" is already in use by container "${id}"`));
    await docker("rm", "taken");
  });

  test("an image that is nowhere", async () => {
    const answer = await daemon.api("POST", "/v1.41/containers/create", { Image: "nosuch:tag" });
    assert.equal(answer.status, 404);
    assert.deepEqual(answer.json(), { message: "No such image: nosuch:tag" });
  });

  test("a body that is not JSON, and one with a wrong type", async () => {
    const broken = await daemon.api("POST", "/containers/create", "{", { "Content-Type": "application/json" });
    assert.equal(broken.status, 400);
    const wrong = await daemon.api("POST", "/containers/create", { Image: "busybox", HostConfig: { Memory: "lots" } });
    assert.equal(wrong.status, 400);
    assert.match(wrong.json<{ message: string }>().message, /HostConfig\.Memory must be an integer, got "lots"/);
  });
});

describe("docker build", () => {
  test("builds a folder with the classic builder, and what it says is what a person knows", async () => {
    const folder = join(daemon.directory, "site");
    mkdirSync(join(folder, "node_modules"), { recursive: true });
    writeFileSync(join(folder, "index.html"), "served\n");
    writeFileSync(join(folder, "node_modules/left-out"), "x");
    writeFileSync(join(folder, ".dockerignore"), "node_modules\nDockerfile\n");
    writeFileSync(
      join(folder, "Dockerfile"),
      'FROM busybox AS make\nARG WHO\nRUN echo "for $WHO" >/made\nFROM busybox\nCOPY . /www\nCOPY --from=make /made /www/\nCMD ["sh", "-c", "cd /www; ls; cat made"]\n',
    );
    const said = await docker("build", "-t", "site:1", "-t", "site", "--build-arg", "WHO=you", "--label", "k=v", folder);
    assert.match(said, /^Sending build context to Docker daemon/);
    assert.match(said, /\nStep 1\/8 : FROM busybox AS make\n ---> [0-9a-f]{12}\n/);
    assert.match(said, /\nSuccessfully built [0-9a-f]{12}\nSuccessfully tagged site:1\nSuccessfully tagged site:latest$/);
    assert.equal(await docker(...runNone, "site"), "index.html\nmade\nfor you");
    assert.equal(await docker("inspect", "-f", "{{.Config.Labels.k}}", "site:1"), "v");
    assert.match(await docker("build", "-q", folder), /^sha256:[0-9a-f]{64}$/);
  });

  test("takes a Dockerfile from standard input", async () => {
    const { code, stdout } = await dockerWithInput(["build", "-t", "piped", "-"], "FROM busybox\nENV said=piped\n");
    assert.equal(code, 0, stdout);
    assert.equal(await docker(...runNone, "piped", "sh", "-c", "echo $said"), "piped");
  });

  test("ends with a failing command's number, and one that is missing is told", async () => {
    const failed = await dockerWithInput(["build", "-"], "FROM busybox\nRUN exit 7\n");
    assert.equal(failed.code, 7);
    assert.match(failed.stderr, /The command '\/bin\/sh -c exit 7' returned a non-zero code: 7/);
    const wrong = await dockerWithInput(["build", "-"], "FROM busybox\nFOO\n");
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /Error response from daemon: dockerfile parse error line 2: unknown instruction: FOO/);
    await docker("container", "prune", "-f");
  });

  test("is called off with ctrl-c", async () => {
    const child = spawn(dockerCommand, ["-H", `unix://${daemon.socket}`, "build", "-"]);
    child.stdin.end("FROM busybox\nRUN echo runs; sleep 300\n");
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const closed = new Promise((resolve) => child.on("close", resolve));
    await eventually("the command runs", () => said.includes("runs\n"));
    child.kill("SIGINT");
    await closed;
    await eventually("nothing runs", async () => (await docker("ps", "-aq")) === "");
  });
});

test("docker info and docker version answer without errors", async () => {
  const info = await daemon.docker("info");
  assert.equal(info.code, 0);
  assert.doesNotMatch(info.stderr + info.stdout, /^ERROR/m);
  assert.match(await docker("version"), /Server[\s\S]*API version/);
});

test("docker system prune takes what is stopped, unused and dangling, and asks for a build cache that is empty", async () => {
  await docker("create", "--name", "idle", "--network", "none", "-v", "/data", "busybox");
  await docker("network", "create", "unused");
  const pruned = await docker("system", "prune", "-f", "--volumes");
  assert.match(pruned, /Deleted Containers:\n[0-9a-f]{64}/);
  assert.match(pruned, /Deleted Networks:\nunused/);
  assert.match(pruned, /Total reclaimed space: /);
  assert.equal(await docker("ps", "-aq"), "");
});

test("docker events tells a container's story in Docker's words", async () => {
  const since = String(Math.floor(Date.now() / 1000) - 1);
  await docker("run", "--rm", "--name", "story", "--network", "none", "busybox", "true");
  await eventually("the last event", async () => {
    const events = await docker(
      "events",
      "--since",
      since,
      "--until",
      String(Math.ceil(Date.now() / 1000)),
      "--filter",
      "container=story",
      "--format",
      "{{.Action}}",
    );
    return (
      events.split("\n").includes("destroy") &&
      assert.deepEqual(
        events.split("\n").filter((e) => !e.startsWith("exec")),
        ["create", "attach", "start", "die", "destroy"],
      ) === undefined
    );
  });
});
