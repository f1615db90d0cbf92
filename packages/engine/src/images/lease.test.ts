import { unavailable } from "@pouchcontainer/errors";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Leases, type LeasesDeps } from "./lease.ts";

/** Leases of a containerd that notes what it is asked; `away` is thrown by the next deletion. */
function leases({ away }: { away?: Error } = {}) {
  const asked: string[] = [];
  let failure = away;
  const kind = (id: string): string => id.replace(/-[0-9a-f]{16}$/, "");
  const containerd = {
    leases: {
      create: async (id: string) => void asked.push(`create ${kind(id)}`),
      delete: async (id: string) => {
        const thrown = failure;
        failure = undefined;
        if (thrown) throw thrown;
        asked.push(`delete ${kind(id)}`);
      },
      list: async () => [{ id: "pouch-images-load-0123456789abcdef" }],
    },
    content: { writeBlob: async () => void asked.push("write") },
    whenReconnected: async () => undefined,
  };
  // No more than what leases ask for.
  return { asked, leases: new Leases({ containerd, clock: { now: () => 0 } } as unknown as LeasesDeps) };
}

const collecting = ["create pouch-images-collect", "write", "delete pouch-images-collect"];

test("what a containerd that was away had not recorded is collected, whether it is back before the lease goes or after", async () => {
  const back = leases();
  const lease = await back.leases.take("load");
  await lease.release({ collect: true, afterOutage: true });
  assert.deepEqual(back.asked, ["create pouch-images-load", "delete pouch-images-load", ...collecting]);

  const gone = leases({ away: unavailable("cannot reach containerd", { details: { outage: "/run/containerd.sock" } }) });
  await (await gone.leases.take("load")).release({ collect: true, afterOutage: true });
  while (gone.asked.length < 5) await new Promise(setImmediate);
  assert.deepEqual(gone.asked, ["create pouch-images-load", "delete pouch-images-load", ...collecting]);
});

test("nothing more is collected where containerd was there all the time", async () => {
  const { asked, leases: known } = leases();
  await (await known.take("load")).release({ collect: true });
  assert.deepEqual(asked, ["create pouch-images-load", "delete pouch-images-load"]);
});
