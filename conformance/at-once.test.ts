/**
 * Calls that come at once, made to dockerd and to pouchd: beside a start, with runtimes that take their time, and removals of one
 * thing. Whether a call waits, what it answers and what becomes of the container must be the same.
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeImageArchive } from "../hack/busybox-image.ts";
import { Daemon, eventually, sleep } from "../integration/harness/daemon.ts";
import { Dockerd } from "../integration/harness/dockerd.ts";
import { exchange, type Request } from "./differential/exchange.ts";

interface Engine {
  name: string;
  socket: string;
}

/** A call, with `<name>` for the container. */
type Call = [call: string, body?: unknown];

/** What is made in this order while the start is held; all of it waits for the start. */
const besideTheStart: Record<string, Call[]> = {
  stop: [["POST /containers/<name>/stop?t=0"]],
  "two stops": [["POST /containers/<name>/stop?t=0"], ["POST /containers/<name>/stop?t=0"]],
  kill: [["POST /containers/<name>/kill"]],
  "a signal": [["POST /containers/<name>/kill?signal=CONT"]],
  restart: [["POST /containers/<name>/restart?t=0"]],
  "two restarts": [["POST /containers/<name>/restart?t=0"], ["POST /containers/<name>/restart?t=0"]],
  "a second start": [["POST /containers/<name>/start"]],
  pause: [["POST /containers/<name>/pause"]],
  unpause: [["POST /containers/<name>/unpause"]],
  "a removal": [["DELETE /containers/<name>"]],
  "two removals": [["DELETE /containers/<name>"], ["DELETE /containers/<name>"]],
  "a removal by force": [["DELETE /containers/<name>?force=1"]],
  rename: [["POST /containers/<name>/rename?name=<name>-renamed"]],
  update: [["POST /containers/<name>/update", { CpuShares: 512 }]],
  "a wait, and a kill": [["POST /containers/<name>/wait"], ["POST /containers/<name>/kill"]],
  "a wait for the removal, and that": [["POST /containers/<name>/wait?condition=removed"], ["DELETE /containers/<name>?force=1"]],
  exec: [["POST /containers/<name>/exec", { Cmd: ["true"] }]],
  top: [["GET /containers/<name>/top"]],
  resize: [["POST /containers/<name>/resize?h=10&w=10"]],
  stats: [["GET /containers/<name>/stats?stream=0&one-shot=1"]],
  archive: [["HEAD /containers/<name>/archive?path=/etc"]],
  prune: [["POST /containers/prune"]],
};

let directory: string;
let pouchd: Daemon;
let dockerd: Dockerd;
let engines: Engine[];

/** A runc whose `create` is held, for a container whose environment says so, while there is the file that names. */
function heldRunc(): string {
  const path = join(directory, "held-runc");
  const program = `#!/bin/bash
case " $* " in *" create "*)
  bundle=$(sed 's/.*--bundle \\([^ ]*\\).*/\\1/' <<< "$*")
  held=$(grep -o '"HELD=[^"]*' "$bundle/config.json" | cut -d= -f2)
  [ -n "$held" ] && touch "$held-reached" && for ((i = 0; i < 600; i++)); do [ -e "$held" ] || break; sleep 0.05; done ;;
esac
exec runc "$@"
`;
  writeFileSync(path, program, { mode: 0o755 });
  return path;
}

before(async () => {
  directory = mkdtempSync(join(tmpdir(), "pouch-beside-"));
  const runc = heldRunc();
  [pouchd, dockerd] = await Promise.all([
    Daemon.start({ image: false, flags: ["--runtime-path", runc] }),
    Dockerd.start(["--add-runtime", `held=${runc}`, "--default-runtime", "held"]),
  ]);
  engines = [
    { name: "pouchd", socket: pouchd.socket },
    { name: "dockerd", socket: dockerd.socket },
  ];
  const archive = join(directory, "busybox.tar");
  makeImageArchive(archive, { name: "busybox:latest" });
  const load = { method: "POST", path: "/images/load", headers: { "Content-Type": "application/x-tar" } };
  await Promise.all(
    engines.map(async ({ socket }) => (await exchange(socket, { ...load, payload: readFileSync(archive) })).body),
  );
});
after(async () => {
  try {
    await pouchd?.[Symbol.asyncDispose]();
  } finally {
    await dockerd?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  }
});

/** Where dockerd, now and then, answers 500: it stops and starts without a lock around both, and the other call is in between. */
const lostRaces: ReadonlySet<string> = new Set(["two restarts"]);

for (const [what, calls] of Object.entries(besideTheStart))
  test(`${what}, beside a start`, async () => {
    const name = what.replaceAll(/\W+/g, "-");
    const [ours, theirs] = await Promise.all(
      engines.map(async (engine) => {
        for (;;) {
          const found = await outcome(engine, name, calls);
          if (engine.name === "pouchd" || !lostRaces.has(what) || !found.statuses.includes(500)) return found;
        }
      }),
    );
    assert.deepEqual(ours, theirs);
    assert.deepEqual(ours?.early, [], "the start was not waited for");
  });

const create = (name: string, config: object): Call[] => [
  [`POST /containers/create?name=${name}`, { Image: "busybox", ...config }],
];

/** What is removed twice at once, how it is made, and what tells, if anything does, that the second came while the first was under way. */
const removedTwice: Record<string, { made: Call[]; removal: string; inProgress?: number }> = {
  "a network": { made: [["POST /networks/create", { Name: "both" }]], removal: "DELETE /networks/both" },
  "a network of configuration": {
    made: [["POST /networks/create", { Name: "both", ConfigOnly: true }]],
    removal: "DELETE /networks/both",
  },
  "a volume": { made: [["POST /volumes/create", { Name: "both" }]], removal: "DELETE /volumes/both" },
  "a volume, by force": { made: [["POST /volumes/create", { Name: "both" }]], removal: "DELETE /volumes/both?force=1" },
  "a container": { made: create("both", {}), removal: "DELETE /containers/both", inProgress: 409 },
  "a running container": {
    made: [...create("both", { Cmd: ["sleep", "600"] }), ["POST /containers/both/start"]],
    removal: "DELETE /containers/both?force=1",
    inProgress: 409,
  },
  "a name of an image": { made: [["POST /images/busybox/tag?repo=both"]], removal: "DELETE /images/both" },
  "an image": { made: [["DELETE /images/both?force=1"]], removal: "DELETE /images/busybox" },
};

for (const [what, { made, removal, inProgress }] of Object.entries(removedTwice))
  test(`two removals of ${what} at once`, async () => {
    const outcomes = engines.map(async (engine) => {
      // On a busy machine the second comes after the end of the first now and then: those were not at once.
      for (let left = 20; ; left--) {
        for (const call of made) await answerOf(engine, call);
        const answers = await Promise.all([answerOf(engine, [removal]), answerOf(engine, [removal])]);
        const statuses = answers.map(({ status }) => status).sort();
        if (inProgress === undefined || statuses.includes(inProgress) || left === 0) return statuses;
        // dockerd answers 204 to both when the second finds the container as it goes.
        if (engine.name === "pouchd") assert.deepEqual(statuses, [204, 404]);
      }
    });
    const [ours, theirs] = await Promise.all(outcomes);
    assert.deepEqual(ours, theirs);
    if (inProgress !== undefined) assert.deepEqual(ours, [204, inProgress]);
  });

/** What the calls answer, and what is of the container when all is over. */
async function outcome(engine: Engine, name: string, calls: Call[]) {
  const held = join(directory, `${engine.name}-${name}`);
  writeFileSync(held, "");
  const make = (call: string, body?: unknown) => answerOf(engine, [call.replaceAll("<name>", name), body]);
  const config = { Image: "busybox", Cmd: ["sleep", "600"], Env: [`HELD=${held}`], StopSignal: "SIGKILL" };
  assert.equal((await make("POST /containers/create?name=<name>", config)).status, 201);
  const start = make("POST /containers/<name>/start");
  await eventually("the start is under way", () => existsSync(`${held}-reached`));
  const early: string[] = [];
  const answers = calls.map(async ([call, body], place) => {
    // The order in which they come is part of the case.
    await sleep(place * 100);
    const { status } = await make(call, body);
    if (existsSync(held)) early.push(call);
    return status;
  });
  await sleep(calls.length * 100);
  rmSync(held);
  const statuses = await Promise.all([start.then(({ status }) => status), ...answers]);
  const list = JSON.parse((await make("GET /containers/json?all=1")).body) as { Id: string; State: string; Names: string[] }[];
  const containers = list.map(({ Names, State }) => `${Names[0]} ${State}`);
  for (const { Id } of list) await make(`DELETE /containers/${Id}?force=1`);
  return { statuses, containers, early };
}

async function answerOf({ socket }: Engine, [call, body]: Call): Promise<{ status: number; body: string }> {
  const [method = "", path = ""] = call.split(" ");
  const request: Request = { method, path: `/v1.41${path}`, headers: {} };
  const json = body === undefined ? {} : { headers: { "Content-Type": "application/json" }, payload: JSON.stringify(body) };
  const answer = await exchange(socket, { ...request, ...json });
  return { status: answer.status, body: (await answer.body).toString() };
}
