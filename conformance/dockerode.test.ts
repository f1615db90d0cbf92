/** dockerode, the API client of Node.js programs, against pouchd. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Readable, type Duplex } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import Docker from "dockerode";
import { extract, pack } from "tar-stream";
import { makeImageArchive } from "../hack/busybox-image.ts";
import { Daemon, eventually } from "../integration/harness/daemon.ts";
import { freeSubnet } from "../integration/harness/free-subnet.ts";
import { Registry } from "../integration/harness/registry.ts";

let daemon: Daemon;
let docker: Docker;
before(async () => {
  daemon = await Daemon.start();
  docker = new Docker({ socketPath: daemon.socket });
});
after(() => daemon[Symbol.asyncDispose]());

const alone = { HostConfig: { NetworkMode: "none" } };

/** A container that sleeps, removed at the end of the block. */
async function sleeper(options: Partial<Docker.ContainerCreateOptions> = {}): Promise<Docker.Container & AsyncDisposable> {
  const container = await docker.createContainer({ Image: "busybox", Cmd: ["sleep", "600"], ...alone, ...options });
  await container.start();
  return Object.assign(container, { [Symbol.asyncDispose]: async () => void (await container.remove({ force: true, v: true })) });
}

/** What an attached stream carries, taken apart as dockerode does it. */
async function demuxed(stream: Duplex): Promise<{ stdout: string; stderr: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  docker.modem.demuxStream(stream, stdout, stderr);
  stream.once("end", () => {
    stdout.end();
    stderr.end();
  });
  const [out, err] = await Promise.all([text(stdout), text(stderr)]);
  return { stdout: out, stderr: err };
}

test("buildImage takes a tar or a folder's files, and its progress is followed", async () => {
  const archive = pack();
  archive.entry({ name: "Dockerfile" }, "FROM busybox\nARG A\nCOPY f /\nRUN cat /f && echo $A\n");
  archive.entry({ name: "f" }, "sent\n");
  archive.finalize();
  const stream = await docker.buildImage(Readable.from(archive), {
    t: "dockerode:1",
    buildargs: { A: "argument" },
    labels: { k: "v" },
  });
  const lines = await new Promise<{ stream?: string; aux?: { ID: string } }[]>((resolve, reject) => {
    docker.modem.followProgress(stream, (error, output) => (error ? reject(error) : resolve(output as { stream?: string }[])));
  });
  const said = lines.map((line) => line.stream ?? "").join("");
  assert.match(said, /sent\nargument\n[\s\S]*Successfully tagged dockerode:1\n$/);
  const { Id, Config } = await docker.getImage("dockerode:1").inspect();
  assert.equal(Id, lines.find((line) => line.aux)?.aux?.ID);
  assert.deepEqual(Config.Labels, { k: "v" });
  await docker.getImage("dockerode:1").remove();
});

describe("the daemon", () => {
  test("ping, version and info are answered", async () => {
    assert.equal(String(await docker.ping()), "OK");
    const version = await docker.version();
    assert.match(version.ApiVersion, /^1\.\d+$/);
    assert.equal(version.Os, "linux");
    const info = (await docker.info()) as { Containers: number; Driver: string; OSType: string };
    assert.deepEqual([info.Containers, info.OSType], [0, "linux"]);
    assert.notEqual(info.Driver, "");
  });

  test("what is not there is an error with Docker's status code and message", async () => {
    await assert.rejects(docker.getContainer("nobody").inspect(), { statusCode: 404, reason: "no such container" });
    await assert.rejects(docker.createContainer({ Image: "nosuch", ...alone }), (error: Error & { statusCode: number }) => {
      assert.equal(error.statusCode, 404);
      assert.match(error.message, /No such image: nosuch:latest/);
      return true;
    });
  });

  test("events follow as they happen, filtered by label", async () => {
    const stream = await docker.getEvents({ filters: { label: ["story=yes"], type: ["container"] } });
    const seen: string[] = [];
    stream.on("data", (chunk: Buffer) => {
      for (const line of chunk.toString().split("\n"))
        if (line !== "") seen.push((JSON.parse(line) as { Action: string }).Action);
    });
    await docker.run("busybox", ["true"], new PassThrough().resume(), { ...alone, name: "unheard" });
    const container = await docker.createContainer({ Image: "busybox", Cmd: ["true"], Labels: { story: "yes" }, ...alone });
    await container.start();
    await container.wait();
    await container.remove();
    await eventually("the last event", () => seen.includes("destroy"));
    assert.deepEqual(seen, ["create", "start", "die", "destroy"]);
    (stream as Duplex).destroy();
    await docker.getContainer("unheard").remove();
  });
});

describe("a container", () => {
  test("createContainer, attach, start and wait: streams apart, exit code, then gone", async () => {
    const container = await docker.createContainer({
      Image: "busybox",
      name: "streams",
      Cmd: ["sh", "-c", "echo out; echo err >&2; exit 3"],
      ...alone,
    });
    const stream = await container.attach({ stream: true, stdout: true, stderr: true });
    const said = demuxed(stream as Duplex);
    await container.start();
    assert.deepEqual(await container.wait(), { StatusCode: 3 });
    assert.deepEqual(await said, { stdout: "out\n", stderr: "err\n" });
    const { State, Name } = await container.inspect();
    assert.deepEqual([State.Status, State.ExitCode, State.Running, Name], ["exited", 3, false, "/streams"]);
    await assert.rejects(container.stop(), { statusCode: 304 });
    await container.remove();
    await assert.rejects(container.inspect(), { statusCode: 404 });
  });

  test("an attach that takes the connection over gives it standard input, and its end", async () => {
    const container = await docker.createContainer({
      Image: "busybox",
      Cmd: ["sh", "-c", "cat; echo end"],
      OpenStdin: true,
      StdinOnce: true,
      ...alone,
    });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
    const said = demuxed(stream as Duplex);
    await container.start();
    stream.write("typed\n");
    stream.end();
    assert.deepEqual(await said, { stdout: "typed\nend\n", stderr: "" });
    await container.remove({ force: true });
  });

  test("a terminal's stream is raw, and its size changes", async () => {
    const container = await docker.createContainer({
      Image: "busybox",
      Cmd: ["sh", "-c", "read line; stty size; echo got $line"],
      Tty: true,
      OpenStdin: true,
      ...alone,
    });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
    const said = text(stream);
    await container.start();
    await container.resize({ h: 33, w: 99 });
    stream.write("a word\n");
    assert.match(await said, /33 99\r\ngot a word\r\n/);
    await container.remove({ force: true });
  });

  test("docker.run creates, streams, waits and removes", async () => {
    const output = new PassThrough();
    const said = text(output);
    const [result] = (await docker.run("busybox", ["sh", "-c", "echo ran; exit 2"], output, {
      Tty: false,
      HostConfig: { NetworkMode: "none", AutoRemove: true },
    })) as [{ StatusCode: number }];
    output.end();
    assert.equal(result.StatusCode, 2);
    assert.match(await said, /ran\n$/);
    await eventually("it is gone", async () => (await docker.listContainers({ all: true })).length === 0);
  });

  test("whoever is told the end has all that was said before, thirty times", async () => {
    for (let run = 0; run < 30; run++) {
      const output = new PassThrough();
      const said = text(output);
      const command = ["sh", "-c", "echo ran; exit 2"];
      await docker.run("busybox", command, output, { Tty: false, HostConfig: { NetworkMode: "none", AutoRemove: true } });
      output.end();
      assert.match(await said, /ran\n$/, `run ${run}`);
    }
    await eventually("they are gone", async () => (await docker.listContainers({ all: true })).length === 0);
  });

  test("logs come whole, from the end, with times, and as a stream that ends with the container", async () => {
    await using container = await sleeper({ Cmd: ["sh", "-c", "for i in 1 2 3; do echo line $i; done; sleep 0.5; echo last"] });
    const followed = demuxed((await container.logs({ follow: true, stdout: true, stderr: true })) as Duplex);
    assert.equal((await followed).stdout, "line 1\nline 2\nline 3\nlast\n");
    const tail = await container.logs({ stdout: true, stderr: true, tail: 1, timestamps: true });
    assert.equal(tail[0], 1, "a frame of standard output");
    assert.match(tail.subarray(8).toString(), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z last\n$/);
  });

  test("exec gives output, takes input, tells its exit code", async () => {
    await using container = await sleeper();
    const exec = await container.exec({
      Cmd: ["sh", "-c", "cat; echo $WORD >&2; exit 5"],
      Env: ["WORD=hello"],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await exec.start({ hijack: true, stdin: true });
    const said = demuxed(stream);
    stream.end("in\n");
    assert.deepEqual(await said, { stdout: "in\n", stderr: "hello\n" });
    const { ExitCode, Running, ProcessConfig } = await exec.inspect();
    assert.deepEqual([ExitCode, Running, ProcessConfig.entrypoint], [5, false, "sh"]);
  });

  test("stats and top tell of its processes", async () => {
    await using container = await sleeper({ HostConfig: { NetworkMode: "none", Memory: 64 * 1024 * 1024 } });
    const stats = await container.stats({ stream: false });
    assert.equal(stats.memory_stats.limit, 64 * 1024 * 1024);
    assert.ok(stats.cpu_stats.cpu_usage.total_usage > 0);
    assert.equal(stats.pids_stats?.current, 1);
    const stream = await container.stats({ stream: true });
    const first = await new Promise<Buffer>((resolve) => void stream.once("data", resolve));
    assert.equal((JSON.parse(first.toString()) as { id: string }).id, container.id);
    (stream as Duplex).destroy();
    const top = (await container.top()) as { Titles: string[]; Processes: string[][] };
    assert.equal(top.Processes[0]?.at(top.Titles.indexOf("CMD")), "sleep 600");
  });

  test("lists are filtered by label, name, status and exit code", async () => {
    await using one = await sleeper({ name: "list-one", Labels: { group: "x", only: "one" } });
    await using two = await sleeper({ name: "list-two", Labels: { group: "x" } });
    await two.kill();
    await two.wait();
    const names = async (options: Docker.ContainerListOptions) =>
      (await docker.listContainers(options)).flatMap(({ Names }) => Names).sort();
    assert.deepEqual(await names({}), ["/list-one"]);
    assert.deepEqual(await names({ all: true, filters: { label: ["group=x"] } }), ["/list-one", "/list-two"]);
    assert.deepEqual(await names({ all: true, filters: { label: ["only"] } }), ["/list-one"]);
    assert.deepEqual(await names({ all: true, filters: { status: ["exited"] } }), ["/list-two"]);
    assert.deepEqual(await names({ all: true, filters: { exited: ["137"] } }), ["/list-two"]);
    assert.deepEqual(await names({ all: true, filters: { name: ["^/list-o"] } }), ["/list-one"]);
    assert.deepEqual(await names({ all: true, limit: 1 }), ["/list-two"]);
    const [listed] = await docker.listContainers({ filters: JSON.stringify({ id: [one.id] }) });
    assert.deepEqual([listed?.State, listed?.Image, listed?.Command], ["running", "busybox", "sleep 600"]);
  });

  test("putArchive, infoArchive and getArchive carry files in and out", async () => {
    await using container = await sleeper();
    const files = pack();
    files.entry({ name: "copied/file", mode: 0o640, uid: 1000, gid: 1000 }, "content\n");
    files.finalize();
    await container.putArchive(await buffer(files), { path: "/tmp" });
    const stat = JSON.parse(
      Buffer.from(
        String(
          ((await container.infoArchive({ path: "/tmp/copied/file" })) as { headers: Record<string, string> }).headers[
            "x-docker-container-path-stat"
          ],
        ),
        "base64",
      ).toString(),
    ) as { name: string; size: number };
    assert.deepEqual([stat.name, stat.size], ["file", 8]);
    const entries = new Map<string, string>();
    const unpacked = (await container.getArchive({ path: "/tmp/copied" })).pipe(extract());
    for await (const entry of unpacked) entries.set(entry.header.name, `${entry.header.uid} ${(await buffer(entry)).toString()}`);
    assert.deepEqual(
      [...entries],
      [
        ["copied/", "0 "],
        ["copied/file", "1000 content\n"],
      ],
    );
    await assert.rejects(container.getArchive({ path: "/nowhere" }), { statusCode: 404 });
    assert.match(JSON.stringify(await container.changes()), /"\/tmp\/copied\/file"/);
  });

  test("pause, unpause, restart, rename and update change it", async () => {
    await using container = await sleeper({ name: "before" });
    await container.pause();
    assert.equal((await container.inspect()).State.Status, "paused");
    await container.unpause();
    const { StartedAt } = (await container.inspect()).State;
    await container.restart({ t: 0 });
    assert.notEqual((await container.inspect()).State.StartedAt, StartedAt);
    await container.rename({ name: "afterwards" });
    await container.update({ Memory: 32 * 1024 * 1024, MemorySwap: 64 * 1024 * 1024 });
    const { Name, HostConfig } = await container.inspect();
    assert.deepEqual([Name, HostConfig.Memory], ["/afterwards", 32 * 1024 * 1024]);
  });

  test("export is a tar of its file system, commit an image", async () => {
    await using container = await sleeper({ Cmd: ["sh", "-c", "echo made > /made; exec sleep 600"] });
    await eventually("the file", async () =>
      ((await container.changes()) as { Path: string }[]).some(({ Path }) => Path === "/made"),
    );
    let made: string | undefined;
    const unpacked = (await container.export()).pipe(extract());
    for await (const entry of unpacked) {
      const content = await buffer(entry);
      if (/^(\.\/)?made$/.test(entry.header.name)) made = content.toString();
    }
    assert.equal(made, "made\n");
    await container.commit({ repo: "made", tag: "v1", comment: "words", changes: 'CMD ["cat","/made"]' });
    const image = docker.getImage("made:v1");
    const { Comment, Config } = await image.inspect();
    assert.deepEqual([Comment, Config.Cmd], ["words", ["cat", "/made"]]);
    await image.remove();
  });

  test("prune removes the stopped ones that match", async () => {
    const container = await docker.createContainer({ Image: "busybox", Labels: { spare: "yes" }, ...alone });
    await using kept = await sleeper({ Labels: { spare: "yes" } });
    const pruned = await docker.pruneContainers({ filters: { label: ["spare=yes"] } });
    assert.deepEqual(pruned.ContainersDeleted, [container.id]);
    assert.equal((await kept.inspect()).State.Running, true);
  });
});

describe("images", () => {
  test("pull reports its progress, to be followed to its end", async () => {
    await using registry = await Registry.start();
    const archive = join(daemon.directory, "app.tar");
    makeImageArchive(archive, { name: "app:v1", files: { "etc/app": "pulled\n" } });
    execFileSync("skopeo", [
      "copy",
      "-q",
      "--dest-tls-verify=false",
      `docker-archive:${archive}`,
      `docker://${registry.host}/team/app:v1`,
    ]);
    const reference = `${registry.host}/team/app:v1`;
    const steps = await followed(await docker.pull(reference));
    const said = steps.map(({ status }) => status);
    assert.ok(said.includes("Pulling from team/app") && said.includes("Pull complete"), said.join("; "));
    assert.equal(said.at(-1), `Status: Downloaded newer image for ${reference}`);
    const output = new PassThrough();
    const printed = text(output);
    await docker.run(reference, ["cat", "/etc/app"], output, {
      Tty: true,
      HostConfig: { NetworkMode: "none", AutoRemove: true },
    });
    output.end();
    assert.equal(await printed, "pulled\r\n");
    await assert.rejects(docker.pull(`${registry.host}/team/app:v9`), { statusCode: 404 });
    await eventually("the container is gone", async () => (await docker.listContainers({ all: true })).length === 0);
    await docker.getImage(reference).remove();
  });

  test("loadImage, tag, list, inspect, history, get and remove", async () => {
    const archive = join(daemon.directory, "loaded.tar");
    makeImageArchive(archive, { name: "loaded:v1", config: { Labels: { made: "here" }, ExposedPorts: { "80/tcp": {} } } });
    const steps = await followed(await docker.loadImage(createReadStream(archive)));
    assert.equal(steps.map(({ stream = "" }) => stream).join(""), "Loaded image: loaded:v1\n");
    const image = docker.getImage("loaded:v1");
    await image.tag({ repo: "copy", tag: "v2" });
    const [listed] = await docker.listImages({ filters: { label: ["made=here"] } });
    assert.deepEqual(listed?.RepoTags?.toSorted(), ["copy:v2", "loaded:v1"]);
    const { Id, Config, Architecture } = await image.inspect();
    assert.deepEqual([Config.Labels, Object.keys(Config.ExposedPorts ?? {}), listed?.Id], [{ made: "here" }, ["80/tcp"], Id]);
    assert.equal(Architecture, process.arch === "arm64" ? "arm64" : "amd64");
    assert.equal(((await image.history()) as unknown[]).length, 1);
    const saved = (await buffer(await image.get())).length;
    assert.ok(saved > 500_000, `${saved} bytes`);
    assert.deepEqual(await image.remove(), [{ Untagged: "loaded:v1" }]);
    assert.match(JSON.stringify(await docker.getImage("copy:v2").remove()), /"Untagged":"copy:v2".*"Deleted":"sha256:/);
  });

  test("prune takes the dangling ones", async () => {
    const archive = join(daemon.directory, "dangling.tar");
    for (const word of ["first", "second"]) {
      makeImageArchive(archive, { name: "dangling:v1", files: { "etc/word": word } });
      await followed(await docker.loadImage(createReadStream(archive)));
    }
    const pruned = await docker.pruneImages({ filters: { dangling: ["true"] } });
    assert.ok((pruned.ImagesDeleted ?? []).length > 0);
    assert.ok(pruned.SpaceReclaimed > 0);
    await docker.getImage("dangling:v1").remove();
  });
});

describe("networks and volumes", () => {
  test("a network is made, listed, inspected, connected to, left and removed", async () => {
    const { cidr, prefix } = freeSubnet();
    const network = await docker.createNetwork({
      Name: "ode",
      Labels: { made: "here" },
      IPAM: { Config: [{ Subnet: cidr }] },
    });
    await using container = await sleeper({ HostConfig: { NetworkMode: "bridge" } });
    await network.connect({
      Container: container.id,
      EndpointConfig: { Aliases: ["other"], IPAMConfig: { IPv4Address: `${prefix}9` } },
    });
    const inspected = await network.inspect();
    assert.equal(inspected.Containers?.[container.id]?.IPv4Address, `${prefix}9/24`);
    assert.equal((await container.inspect()).NetworkSettings.Networks["ode"]?.IPAddress, `${prefix}9`);
    const answer = await container.exec({ Cmd: ["nslookup", "-type=a", "other"], AttachStdout: true, AttachStderr: true });
    assert.match((await demuxed(await answer.start({}))).stdout, new RegExp(`Address: ${prefix}9`));
    await assert.rejects(network.remove(), { statusCode: 403 });
    await network.disconnect({ Container: container.id });
    assert.deepEqual(Object.keys((await container.inspect()).NetworkSettings.Networks), ["bridge"]);
    const named = await docker.listNetworks({ filters: { label: ["made=here"] } });
    assert.deepEqual(
      named.map(({ Name }) => Name),
      ["ode"],
    );
    await network.remove();
    await docker.createNetwork({ Name: "spare", Labels: { made: "here" } });
    assert.deepEqual((await docker.pruneNetworks({ filters: { label: ["made=here"] } })).NetworksDeleted, ["spare"]);
  });

  test("a volume outlives the containers it is in, and is pruned when nobody has it", async () => {
    await docker.createVolume({ Name: "kept", Labels: { made: "here" } });
    const output = new PassThrough().resume();
    const options = { HostConfig: { NetworkMode: "none", AutoRemove: true, Binds: ["kept:/data"] } };
    await docker.run("busybox", ["sh", "-c", "echo remembered > /data/word"], output, options);
    const again = new PassThrough();
    const said = text(again);
    await docker.run("busybox", ["cat", "/data/word"], again, { ...options, Tty: true });
    again.end();
    assert.equal(await said, "remembered\r\n");
    const { Mountpoint } = await docker.getVolume("kept").inspect();
    assert.ok(existsSync(join(Mountpoint, "word")));
    await eventually("nobody has it", async () => (await docker.listContainers({ all: true })).length === 0);
    assert.deepEqual(
      (await docker.listVolumes({ filters: { label: ["made=here"] } })).Volumes.map(({ Name }) => Name),
      ["kept"],
    );
    await docker.createVolume({ Name: "spare", Labels: { made: "there" } });
    assert.deepEqual((await docker.pruneVolumes({ filters: { label: ["made=there"], all: ["true"] } })).VolumesDeleted, [
      "spare",
    ]);
    await docker.getVolume("kept").remove();
    await assert.rejects(docker.getVolume("kept").inspect(), { statusCode: 404 });
  });
});

interface Step {
  status?: string;
  stream?: string;
}

function followed(stream: NodeJS.ReadableStream): Promise<Step[]> {
  return new Promise((resolve, reject) => {
    docker.modem.followProgress(stream, (error: Error | null, steps: Step[]) => (error ? reject(error) : resolve(steps)));
  });
}
