import assert from "node:assert/strict";
import { test } from "node:test";
import { containerRecord, FakeContainers, idOf } from "../testing/fake-containers.ts";
import { findContainer, requireRunning } from "./find-container.ts";

const inPod = (name: string) =>
  containerRecord(
    { Name: name, Image: "busybox", HostConfig: {} },
    {
      pod: { podId: "p", namespaces: { network: "", ipc: "", uts: "", pid: "" }, files: {}, logPath: "" },
      cri: { identity: { name, attempt: 0, image: "busybox", labels: {}, annotations: {}, mounts: [] } },
    },
  );

const containers = new FakeContainers(inPod("a"), inPod("ab"), containerRecord({ Name: "docker", HostConfig: {} }, {}));

test("a container is found by its id, and by a prefix that it alone has", () => {
  assert.equal(findContainer(containers, idOf("a"))?.name, "a");
  assert.equal(findContainer(containers, idOf("ab").slice(0, 4))?.name, "ab");
  assert.throws(() => findContainer(containers, "61"), { kind: "invalidArgument" });
});

test("neither a name, nor nothing, nor a container of Docker's clients names one", () => {
  assert.equal(findContainer(containers, "a b"), undefined);
  assert.equal(findContainer(containers, "docker"), undefined);
  assert.equal(findContainer(containers, idOf("docker")), undefined);
  assert.throws(() => findContainer(containers, ""), { kind: "invalidArgument" });
});

test("what needs a process is told when there is none", () => {
  assert.throws(() => requireRunning(containers, idOf("a")), { kind: "failedPrecondition", message: /is created/ });
  containers.change(idOf("a"), { status: "paused" });
  assert.throws(() => requireRunning(containers, idOf("a")), { kind: "failedPrecondition", message: /is paused/ });
});
