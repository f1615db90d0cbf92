/**
 * No container reaches the host: in a container a program exchanges files, folders, FIFOs and links to the host, in a tight loop,
 * at the places the daemon works on and at their parents. Whatever the daemon answers, the host's files stay as they were, none
 * of them is read, and every call ends. `POUCH_TEST_SWAPS` says how often each operation meets an exchanged name.
 */
import assert from "node:assert/strict";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { Daemon, eventually, sleep, type ApiResponse } from "./harness/daemon.ts";
import { swapperProgram } from "./harness/swapper-program.ts";
import { hostMarker, WatchedTree } from "./harness/watched-tree.ts";

const rounds = Number(process.env["POUCH_TEST_SWAPS"] ?? 2000);
/** Names that one operation on a whole folder or archive meets. */
const names = Array.from({ length: 8 }, (_, n) => `place${n}`);
const namesPerWalk = 25;
const walks = Math.ceil(rounds / namesPerWalk);
const clients = 6;
/** Generous: a call that has not ended by then never will. */
const callEndsMs = 60_000;

let daemon: Daemon;
let victims = 0;

before(async () => {
  daemon = await Daemon.start();
});

after(async () => {
  await daemon[Symbol.asyncDispose]();
});

/** Names that mean something else at every look, the program's paths for it, and what makes anew what an operation replaced. */
interface Exchange {
  script: string;
  renewal: string;
  paths: string[];
}

/** At these names of a folder by turns: a file, a link to the host, a FIFO, a link out of the root, a folder. */
function exchange(folder: string, places: readonly string[], target: string): Exchange {
  const upwards = `${"../".repeat(12)}${relative("/", target)}`;
  const kinds = [
    (spare: string) => `echo own >${spare}`,
    (spare: string) => `ln -s ${target} ${spare}`,
    (spare: string) => `mkfifo ${spare}`,
    (spare: string) => `ln -s ${upwards} ${spare}`,
    (spare: string) => `mkdir ${spare}; echo inner >${spare}/file; echo inner >${spare}/${names[0]}`,
  ].map((make, n) => ({ spare: `${folder}/.spare${n}`, make: make(`${folder}/.spare${n}`) }));
  const paths = places.map((name) => `${folder}/${name}`);
  return {
    script: [`mkdir -p ${folder}/`, ...paths.map((path) => `[ -e ${path} ] || echo own >${path}`)].join("; "),
    renewal: kinds.map(({ spare, make }) => `rm -rf ${spare}; ${make}`).join("; "),
    paths: paths.flatMap((path) => kinds.flatMap(({ spare }) => [path, spare])),
  };
}

/** A running container in which these names are exchanged until it is killed. */
async function victim(exchanges: Exchange[], hostConfig: Record<string, unknown> = {}): Promise<string> {
  const name = `victim${victims++}`;
  const scripts = exchanges.map(({ script }) => script).join("; ");
  const renewals = exchanges.map(({ renewal }) => renewal).join("; ");
  const attack = `${renewals}; (while :; do usleep 50000; ${renewals}; done) 2>/dev/null & exec /swap ${exchanges.flatMap(({ paths }) => paths).join(" ")}`;
  const created = await daemon.api("POST", `/containers/create?name=${name}`, {
    Image: "busybox",
    Cmd: ["sh", "-c", `${scripts}; touch /ready; ${attack}`],
    // The attack may have what the daemon does not need.
    HostConfig: { NetworkMode: "none", CpuShares: 256, ...hostConfig },
  });
  assert.equal(created.status, 201, created.text);
  const program = await archive([{ name: "swap", mode: 0o755, content: swapperProgram() }]);
  assert.equal((await daemon.api("PUT", `/containers/${name}/archive?path=/`, program)).status, 200);
  assert.equal((await daemon.api("POST", `/containers/${name}/start`)).status, 204);
  await eventually("the attack begins", async () => (await stat(name, "/ready")).status === 200);
  return name;
}

const stat = (container: string, path: string): Promise<ApiResponse> =>
  daemon.api("HEAD", `/containers/${container}/archive?path=${encodeURIComponent(path)}`);

interface TarEntry {
  name: string;
  mode: number;
  content?: Buffer;
  linkname?: string;
}

async function archive(entries: TarEntry[]): Promise<Buffer> {
  const tar = pack();
  for (const { name, mode, content, linkname } of entries) {
    const header = { name, mode, uid: 77, gid: 77, mtime: new Date(0) };
    if (content) tar.entry(header, content);
    else tar.entry(linkname === undefined ? { ...header, type: "directory" } : { ...header, type: "symlink", linkname });
  }
  tar.finalize();
  return await buffer(tar);
}

/** Sends a request many times, several at once; all of them must end, and none show the host. Answers the statuses, each with an example. */
async function attack(times: number, request: (round: number) => Promise<ApiResponse>): Promise<Record<number, string>> {
  const answers: Record<number, string> = {};
  let round = 0;
  const client = async (): Promise<void> => {
    while (round < times) {
      const mine = round++;
      const { status, text } = await ending(request(mine));
      assert.ok(!text.includes(hostMarker), `round ${mine} shows what only the host has`);
      assert.doesNotMatch(text, /Cannot read properties/);
      answers[status] = status < 400 ? "" : text;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return answers;
}

async function ending<T>(call: Promise<T>): Promise<T> {
  const late = AbortSignal.timeout(callEndsMs);
  return await Promise.race([
    call,
    new Promise<never>((_, reject) => late.addEventListener("abort", () => reject(new Error("a call does not end")))),
  ]);
}

/** The attack under a watch: a tree of the host to link to, and the daemon asked all along whether it is there. */
async function underAttack(name: string, work: (tree: string) => Promise<void>): Promise<void> {
  const root = join(daemon.directory, `host-${name}`);
  const host = new WatchedTree(root);
  const done = new AbortController();
  const watching = (async () => {
    while (!done.signal.aborted) {
      assert.equal((await ending(daemon.api("GET", "/_ping"))).status, 200);
      await sleep(100);
    }
  })();
  try {
    await Promise.race([work(root), watching]);
  } finally {
    done.abort();
    await watching;
  }
  assert.deepEqual(host.differences(), []);
}

async function remove(name: string): Promise<void> {
  const { status, text } = await ending(daemon.api("DELETE", `/containers/${name}?force=1&v=1`));
  assert.equal(status, 204, text);
}

const choose = <T>(from: readonly T[], round: number): T => from[round % from.length] as T;

test("the attack works: every kind of file is seen at the place", async () => {
  await underAttack("kinds", async (tree) => {
    const name = await victim([exchange("/a", ["place0"], join(tree, "secret"))]);
    const kinds = new Set<string>();
    await eventually(
      "a file, a folder, a FIFO and a link were seen",
      async () => {
        const { headers } = await stat(name, "/a/place0");
        const found = headers["x-docker-container-path-stat"];
        if (typeof found === "string") {
          const { mode, linkTarget } = JSON.parse(Buffer.from(found, "base64").toString()) as {
            mode: number;
            linkTarget: string;
          };
          kinds.add(linkTarget.replace(tree, "") || String(mode));
        }
        return kinds.size === 4;
      },
      60,
    );
    await remove(name);
  });
});

test("cp into a container, at names and through parents that are exchanged", async () => {
  await underAttack("put", async (tree) => {
    const name = await victim([exchange("/a", names, join(tree, "secret")), exchange("/b", names, join(tree, "parent"))]);
    const setuid = { mode: 0o4755, content: Buffer.from("from the client") };
    const uploads = [
      { path: "/a", entries: names.map((place) => ({ name: place, ...setuid })) },
      { path: "/b", entries: names.map((parent) => ({ name: `${parent}/${names[0]}`, ...setuid })) },
      { path: `/b/${names[0]}`, entries: names.map((place) => ({ name: place, ...setuid })) },
      {
        path: "/a",
        entries: names.flatMap((place) => [
          { name: `${place}/`, mode: 0o777 },
          { name: `${place}/file`, ...setuid },
        ]),
      },
      {
        path: "/b",
        entries: names.flatMap((parent) => [
          { name: `${parent}/link`, mode: 0o777, linkname: tree },
          { name: `${parent}/link/secret`, ...setuid },
        ]),
      },
    ];
    const tars = await Promise.all(
      uploads.map(async ({ path, entries }) => ({ path, tar: await archive(Array.from({ length: 3 }, () => entries).flat()) })),
    );
    const answers = await attack(walks, (round) => {
      const { path, tar } = choose(tars, round);
      return daemon.api("PUT", `/containers/${name}/archive?path=${path}${round % 2 ? "&copyUIDGID=1" : ""}`, tar);
    });
    assert.ok(200 in answers, `some arrive: ${JSON.stringify(answers)}`);
    await remove(name);
  });
});

test("cp out of a container, and what a path names", async () => {
  await underAttack("get", async (tree) => {
    const name = await victim([exchange("/x/a", names, join(tree, "secret")), exchange("/x/b", names, join(tree, "parent"))]);
    const paths = ["/x/a", "/x/b", "/x", "/x/b/place0/.", "/x/b/place0/place0", "/x/a/place0", "/x/a/place0/"];
    for (const [method, times] of [
      ["GET", walks],
      ["HEAD", walks],
    ] as const) {
      const answers = await attack(times, (round) =>
        daemon.api(method, `/containers/${name}/archive?path=${encodeURIComponent(choose(paths, round))}`),
      );
      assert.ok(200 in answers, `${method}: ${JSON.stringify(answers)}`);
    }
    await remove(name);
  });
});

test("export, diff and sizes of a container", async () => {
  await underAttack("walk", async (tree) => {
    const name = await victim([exchange("/a", names, join(tree, "secret")), exchange("/b", names, tree)]);
    for (const path of [`/containers/${name}/export`, `/containers/${name}/changes`, `/containers/${name}/json?size=1`]) {
      const answers = await attack(walks, () => daemon.api("GET", path));
      assert.deepEqual(answers, { 200: "" }, path);
    }
    await remove(name);
  });
});

test("exec by a name that stands in a list of the host only", async () => {
  await underAttack("exec", async (tree) => {
    const name = await victim([exchange("/etc", ["passwd"], join(tree, "passwd")), exchange("", ["etc"], tree)]);
    const answers = await attack(rounds, async () => {
      const created = await daemon.api("POST", `/containers/${name}/exec`, { Cmd: ["true"], User: "hostonly" });
      assert.equal(created.status, 201, created.text);
      const answer = await daemon.api("POST", `/exec/${created.json<{ Id: string }>().Id}/start`, { Detach: true });
      assert.match(answer.text, /unable to find user hostonly: no matching entries in passwd file/);
      return answer;
    });
    assert.equal(Object.keys(answers).length, 1);
    await remove(name);
  });
});

test("folders of a volume that another container exchanges", async () => {
  await underAttack("volume", async (tree) => {
    const binds = { Binds: ["attacked:/v"] };
    const attacker = await victim([exchange("/v", names, tree), exchange("/v/sub", names, tree)], binds);
    const answers = await attack(walks, async (round) => {
      const name = `reader${round}`;
      const created = await daemon.api("POST", `/containers/create?name=${name}`, {
        Image: "busybox",
        Cmd: ["sh", "-c", "cat /data/* /data/*/*; touch /data/written"],
        HostConfig: {
          NetworkMode: "none",
          Mounts: [
            {
              Type: "volume",
              Source: "attacked",
              Target: "/data",
              VolumeOptions: { Subpath: choose(["place0", "sub/place1", "sub/place1/folder"], round) },
            },
          ],
        },
      });
      assert.equal(created.status, 201, created.text);
      const started = await daemon.api("POST", `/containers/${name}/start`);
      if (started.status === 204) await daemon.api("POST", `/containers/${name}/wait`);
      const logs = await daemon.api("GET", `/containers/${name}/logs?stdout=1&stderr=1`);
      await remove(name);
      return started.status === 204 ? { ...logs, status: 204 } : started;
    });
    assert.ok(204 in answers, JSON.stringify(answers));
    const sizes = await attack(walks, () => daemon.api("GET", "/system/df"));
    assert.deepEqual(sizes, { 200: "" });
    await remove(attacker);
  });
});
