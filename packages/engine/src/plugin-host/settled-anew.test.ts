import type { PluginPermissions } from "@pouchcontainer/plugin-sdk";
import assert from "node:assert/strict";
import { test } from "node:test";
import { privilegesOf } from "./permissions/privileges.ts";
import { home } from "./testing/manager-home.ts";

test("what the operator leaves of a plugin that is compiled in counts from its next reload or enabling on, and is shown", async (t) => {
  const h = home(t);
  let left: PluginPermissions | undefined;
  const daemon = await h.daemon({ narrowedBy: () => left });
  const { manager, host } = daemon;
  const shown = async (): Promise<unknown> => (await manager.inspect("compiled-in")).Pouch?.Permissions?.Narrowed;
  const made = async (): Promise<string | undefined> =>
    (await host.preCreate({ Image: "busybox", HostConfig: {} }, {})).Domainname;
  assert.deepEqual([await shown(), await made()], [null, "built-in"]);
  left = { fields: { "container.preCreate": ["Hostname"] } };
  assert.deepEqual([await shown(), await made()], [null, "built-in"], "nothing reads it meanwhile");
  await manager.reload("compiled-in");
  assert.deepEqual(await shown(), privilegesOf(left));
  await assert.rejects(
    made(),
    /it changed Domainname without a grant: the operator's permissions for it would need "Domainname"/,
  );
  await manager.disable("compiled-in");
  left = undefined;
  await manager.enable("compiled-in");
  assert.deepEqual([await shown(), await made()], [null, "built-in"]);
});

test("a reload of a plugin that is compiled in leaves it as it is where its file is none", async (t) => {
  const h = home(t);
  let read = (): PluginPermissions | undefined => undefined;
  const { manager, host } = await h.daemon({ narrowedBy: () => read() });
  read = () => assert.fail("no JSON");
  await assert.rejects(manager.reload("compiled-in"), /no JSON/);
  await assert.rejects(manager.reload("compiled-in", { reference: h.root }), /compiled into the daemon: build it anew/);
  assert.equal((await host.preCreate({ Image: "busybox", HostConfig: {} }, {})).Domainname, "built-in");
});
