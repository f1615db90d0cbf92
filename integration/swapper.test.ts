/**
 * No container reaches the host: in a container a program exchanges a file, a folder, a FIFO and links to the host, in a tight
 * loop, at the place the daemon works on and at its parent. Whatever the daemon answers, the host's files stay as they were,
 * none of them is read, and every call ends. `POUCH_TEST_SWAPS` sets the rounds of each attack.
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
/** Calls that walk the whole tree or make processes, milliseconds each, have fewer rounds; each passes many exchanged names. */
const costlyRounds = Math.ceil(rounds / 20);
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

/** A name that means something else at every look, the program's paths for it, and what makes anew what an operation replaced. */
interface Exchange {
  script: string;
  renewal: string;
  paths: string[];
}

/** At `folder/name` by turns: a file, a link to the host, a FIFO, a link out of the root, a folder. */
function exchange(folder: string, name: string, target: string): Exchange {
  const upwards = `${"../".repeat(12)}${relative("/", target)}`;
  const kinds = [
    (spare: string) => `echo own >${spare}`,
    (spare: string) => `ln -s ${target} ${spare}`,
    (spare: string) => `mkfifo ${spare}`,
    (spare: string) => `ln -s ${upwards} ${spare}`,
    (spare: string) => `mkdir ${spare}; echo inner >${spare}/file; echo inner >${spare}/place`,
  ].map((make, n) => ({ spare: `${folder}/.spare${n}`, make: make(`${folder}/.spare${n}`) }));
  return {
    script: [`mkdir -p ${folder}`, `[ -e ${folder}/${name} ] || echo own >${folder}/${name}`].join("; "),
    renewal: kinds.map(({ spare, make }) => `rm -rf ${spare}; ${make}`).join("; "),
    paths: kinds.flatMap(({ spare }) => [`${folder}/${name}`, spare]),
  };
}

/** A running container in which these names are exchanged until it is killed. */
async function victim(exchanges: Exchange[], hostConfig: Record<string, unknown> = {}): Promise<string> {
  const name = `victim${victims++}`;
  const scripts = exchanges.map(({ script }) => script).join("; ");
  const renewals = exchanges.map(({ renewal }) => renewal).join("; ");
  const attack = `${renewals}; (while :; do usleep 20000; ${renewals}; done) 2>/dev/null & exec /swap ${exchanges.flatMap(({ paths }) => paths).join(" ")}`;
  const created = await daemon.api("POST", `/containers/create?name=${name}`, {
    Image: "busybox",
    Cmd: ["sh", "-c", `${scripts}; touch /ready; ${attack}`],
    HostConfig: { NetworkMode: "none", ...hostConfig },
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

/** Sends a request many times, several at once; all of them must end, and none show the host. Answers how often each status came. */
async function attack(times: number, request: (round: number) => Promise<ApiResponse>): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  let round = 0;
  const client = async (): Promise<void> => {
    while (round < times) {
      const mine = round++;
      const answer = await ending(request(mine));
      assert.ok(!answer.text.includes(hostMarker), `round ${mine} shows what only the host has`);
      assert.doesNotMatch(answer.text, /Cannot read properties/);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return statuses;
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

test("exec by a name that stands in a list of the host only", async () => {
  await underAttack("exec", async (tree) => {
    const name = await victim([exchange("/etc", "passwd", join(tree, "passwd")), exchange("/", "etc", tree)]);
    const statuses = await attack(rounds, async () => {
      const created = await daemon.api("POST", `/containers/${name}/exec`, { Cmd: ["true"], User: "hostonly" });
      assert.equal(created.status, 201, created.text);
      const answer = await daemon.api("POST", `/exec/${created.json<{ Id: string }>().Id}/start`, { Detach: true });
      assert.match(answer.text, /unable to find user hostonly: no matching entries in passwd file/);
      return answer;
    });
    assert.equal(statuses.size, 1);
    await remove(name);
  });
});

test("folders of a volume that another container exchanges", async () => {
  await underAttack("volume", async (tree) => {
    const binds = { Binds: ["attacked:/v"] };
    const attacker = await victim([exchange("/v", "place", tree), exchange("/v/sub", "parent", tree)], binds);
    const statuses = await attack(costlyRounds, async (round) => {
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
              VolumeOptions: { Subpath: choose(["place", "sub/parent", "sub/parent/folder"], round) },
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
    assert.ok(statuses.has(204), JSON.stringify([...statuses]));
    await remove(attacker);
  });
});
