import assert from "node:assert/strict";
import { test } from "node:test";
import { BodyHistory } from "./body-history.ts";
import { dryRun } from "./dry-run.ts";
import { body, checks, harness, type Harness } from "./host-harness.ts";
import { mandatoryLabel } from "./mandatory-plugins.ts";
import type { TraceEntry } from "./trace-entry.ts";

const label = (...names: string[]): { Labels: Record<string, string> } => ({ Labels: { [mandatoryLabel]: names.join(", ") } });

async function refused(host: Harness["host"], message: string | RegExp, request = body()): Promise<void> {
  const named =
    typeof message === "string" ? `no container is created without the mandatory plugin "guard": ${message}` : message;
  await assert.rejects(host.preCreate(request, {}), { kind: "unavailable", message: named });
}

test("no container is created without a mandatory plugin, and each is with it", async () => {
  const { host, add } = harness({ mandatory: ["guard"] });
  assert.deepEqual(host.mandatory.missing, ["guard"]);
  await refused(host, "it is not installed, or disabled; install or enable it");
  let calls = 0;
  add("guard", "container", { validateCreate: () => void (calls += 1) });
  await host.preCreate(body(), {});
  assert.deepEqual([calls, host.mandatory.missing], [1, []]);
  host.registry.remove("guard");
  await refused(host, "it is not installed, or disabled; install or enable it");
});

test("a label makes a plugin mandatory for one container, and no plugin takes that away", async () => {
  const { host, add } = harness();
  add("cleaner", "container", { preCreate: (config) => void (config.Labels = {}) });
  await host.preCreate(body(), {});
  await refused(host, "it is not installed, or disabled; install or enable it", body(label("guard")));
  const adding = harness();
  adding.add("adder", "container", { preCreate: (config) => void Object.assign(config, label("adder", "guard")) });
  await refused(adding.host, "it is not installed, or disabled; install or enable it");
});

test("over CRI no plugin of either point takes away what the client or another plugin has named", async () => {
  const guarded = body(label("guard"));
  const clean = { preCreateContainer: (config: { Labels?: object }) => void (config.Labels = {}) };
  const create = async ({ host }: Harness, request: typeof guarded): Promise<void> => {
    const told = { calls: [] as TraceEntry[], history: new BodyHistory() };
    const changed = await host.criPreCreateContainer(request, {}, told);
    await assert.rejects(host.preCreate(changed, { overCri: true, ...told }), {
      kind: "unavailable",
      message: /without the mandatory plugin "guard": it is not installed/,
    });
  };
  const cleaned = harness();
  cleaned.add("cleaner", "cri", clean);
  await create(cleaned, guarded);
  const replaced = harness();
  replaced.add("a-adder", "cri", { preCreateContainer: (config) => void Object.assign(config, label("guard")) });
  replaced.add("b-cleaner", "cri", clean);
  await create(replaced, body());
});

test("a name that a plugin adds is no other's to take away", async () => {
  const { host, add } = harness();
  add("a-adder", "container", { preCreate: (config) => void Object.assign(config, label("guard")) });
  add("b-cleaner", "container", { preCreate: (config) => void (config.Labels = {}) });
  await refused(host, "it is not installed, or disabled; install or enable it");
});

test("a label of the image makes a plugin mandatory for its containers", async () => {
  const { host, add } = harness();
  const labels = label("guard").Labels;
  const message = /^no container of this image is created without the mandatory plugin "guard", which its label \S+ names: /;
  assert.throws(() => host.admitImage(labels, []), { kind: "unavailable", message });
  add("guard", "container", { validateCreate: () => undefined });
  assert.throws(() => host.admitImage(labels, []), { message: /it was not called at container.validateCreate/ });
  const calls: TraceEntry[] = [];
  await host.preCreate(body(), { calls });
  host.admitImage(labels, calls);
  host.admitImage(undefined, []);
});

test("a failure that is ignored does not admit, nor does an open circuit", async () => {
  const { host, add } = harness({ mandatory: ["guard"] });
  let broken = true;
  add(
    "guard",
    "container",
    {
      validateCreate: () => {
        if (broken) throw new Error("down");
      },
    },
    { failurePolicy: "ignore" },
  );
  for (let round = 0; round < 5; round += 1)
    await refused(host, 'it has not admitted this one: plugin "guard" at container.validateCreate: down');
  broken = false;
  await refused(host, /has not admitted this one: .* not called for another \d+ s after 5 failures in a row/);
});

test("a filter that leaves a request out leaves it without what is mandatory, at either point", async () => {
  const { host, add } = harness({ mandatory: ["guard"] });
  const points = { "container.preCreate": { filters: { env: ["GUARDED"] } }, "container.validateCreate": {} };
  add("guard", "container", { preCreate: () => undefined, validateCreate: () => undefined }, { points });
  await refused(host, "it was not called at container.preCreate, as its filters leave this request out");
  await host.preCreate(body({ Env: ["GUARDED=1"] }), {});
});

test("a plugin that is not called at a create cannot admit one", async () => {
  const { host, add } = harness({ mandatory: ["guard"] });
  add("guard", "volume", { validateVolumeCreate: () => undefined });
  await refused(host, "it has neither of the points container.preCreate and container.validateCreate");
  await host.preVolumeCreate({ Name: "x" }, {});
});

test("a dry run says that a mandatory plugin is missing", async () => {
  const { host } = harness({ mandatory: ["guard"] });
  const { error } = await dryRun(host, checks, { point: "container.preCreate", body: body() });
  assert.match(error ?? "", /^no container is created without the mandatory plugin "guard"/);
});
