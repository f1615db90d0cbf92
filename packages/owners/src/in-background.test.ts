import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectionServer } from "./connection-server.ts";
import { inBackground } from "./in-background.ts";
import { asGuest, asHost } from "./guest-code.ts";
import { catchLostErrors, type LostError } from "./lost-errors.ts";
import { duringOperation } from "./operation.ts";

/** The runner has listeners of its own for what nobody catches; they step aside for a test about just that. */
function onlyOurs(): Disposable {
  const events = ["uncaughtException", "unhandledRejection"] as const;
  const others = events.map((event) => [event, process.listeners(event)] as const);
  for (const event of events) process.removeAllListeners(event);
  return {
    [Symbol.dispose]: () => {
      for (const [event, listeners] of others) for (const listener of listeners) process.on(event, listener);
    },
  };
}

/** What was reported, by message. */
function told(lost: LostError[]): unknown[] {
  return lost
    .map(({ error, origin, operation }) => [(error as Error).message, origin, operation] as const)
    .toSorted(([a], [b]) => a.localeCompare(b));
}

test("work in the background that fails is reported with its task and the operation that began it", async () => {
  const lost: LostError[] = [];
  using _net = catchLostErrors((error) => lost.push(error));
  duringOperation({ request: "POST /x" }, () =>
    inBackground("tidying up", () => Promise.reject(new Error("cannot tidy")), { container: "c1" }),
  );
  inBackground("throwing at once", () => {
    throw new Error("too early");
  });
  inBackground("going well", () => Promise.resolve());
  await sleep(1);
  assert.deepEqual(told(lost), [
    ["cannot tidy", "background", { request: "POST /x", container: "c1", task: "tidying up" }],
    ["too early", "background", { task: "throwing at once" }],
  ]);
});

test("what nobody catches is caught by the net, with the operation it belongs to, and the process lives on", async () => {
  const lost: LostError[] = [];
  using _others = onlyOurs();
  using _net = catchLostErrors((error) => {
    lost.push(error);
    throw new Error("a report that fails does no harm");
  });
  const fail = (text: string) => () => {
    throw new Error(text);
  };
  duringOperation({ timer: "sweep" }, () => setTimeout(fail("in a timer"), 1));
  duringOperation({ request: "GET /a" }, () => void Promise.resolve().then(fail("in a promise")));
  const server = new ConnectionServer({
    listen: { host: "127.0.0.1", port: 0 },
    operation: { server: "proxy" },
    onConnection: (socket) => void socket.on("data", fail("in a listener")),
  });
  await sleep(1);
  const client = connect({ host: "127.0.0.1", port: server.port ?? 0 });
  client.end("x");
  while (lost.length < 3) await sleep(1);
  client.destroy();
  server.close();
  assert.deepEqual(told(lost), [
    ["in a listener", "uncaughtException", { server: "proxy" }],
    ["in a promise", "unhandledRejection", { request: "GET /a" }],
    ["in a timer", "uncaughtException", { timer: "sweep" }],
  ]);
});

test("what a guest's code throws late is told to the guest; what the host does for it stays the host's", async () => {
  const lost: LostError[] = [];
  const guests: string[] = [];
  using _others = onlyOurs();
  using _net = catchLostErrors((error) => lost.push(error));
  const fail = (text: string) => (): never => {
    throw new Error(text);
  };
  const guest = { lost: (error: unknown) => void guests.push((error as Error).message) };
  await asGuest(guest, async () => {
    setTimeout(fail("in a timer"), 1);
    queueMicrotask(fail("in a microtask"));
    void sleep(1).then(fail("in a promise"));
    asHost(() => {
      setTimeout(fail("the host's timer"), 1);
    });
    inBackground("the host's work", () => Promise.reject(new Error("the host's work")));
  });
  setTimeout(fail("after the guest"), 1);
  asGuest({ lost: fail("cannot be told") }, () => void setTimeout(fail("unheard"), 1));
  while (lost.length + guests.length < 7) await sleep(1);
  assert.deepEqual(guests.toSorted(), ["in a microtask", "in a promise", "in a timer"]);
  assert.deepEqual(lost.map(({ error }) => (error as Error).message).toSorted(), [
    "after the guest",
    "cannot be told",
    "the host's timer",
    "the host's work",
  ]);
});

test("without a net, lost work is an uncaught exception", async () => {
  using _others = onlyOurs();
  const uncaught = once(process, "uncaughtException");
  inBackground("losing", () => Promise.reject(new Error("nobody listens")));
  const [error] = await uncaught;
  assert.match(String(error), /nobody listens/);
});
