import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { cancelled } from "@pouchcontainer/errors";
import type { ProgressSink } from "@pouchcontainer/engine";
import { PullImageRequestSchema } from "../gen/runtime_v1_pb.ts";
import { FakeImages, forever, imageDeps, imageView } from "../testing/fake-images.ts";
import { pullImage } from "./pull-image.ts";

const request = (image: string, auth?: object) => create(PullImageRequestSchema, { image: { image }, ...(auth && { auth }) });

test("a pull answers the id; without tag and digest it is latest, not every tag", async () => {
  const images = new FakeImages();
  const pull = pullImage(imageDeps(images));
  assert.deepEqual(await pull(request("busybox"), forever), { imageRef: imageView("busybox").id });
  await pull(request("localhost:5000/team/app:2", { username: "me", password: "x" }), forever).catch(() => undefined);
  assert.deepEqual(images.pulls, [
    { reference: "busybox", tag: "latest" },
    { reference: "localhost:5000/team/app:2", auth: { username: "me", password: "x" } },
  ]);
});

test("an image that is not there after its pull, since plugins had another pulled, is said to be so", async () => {
  const images = new FakeImages();
  images.pull = async () => undefined;
  const pull = pullImage(imageDeps(images));
  await assert.rejects(pull(request("localhost:5000/team/app:2"), forever), {
    kind: "internal",
    message: /^the image localhost:5000\/team\/app:2 is not there after its pull: .* plugins at image\.prePull/,
  });
});

test("what is no name of an image in a registry is refused before anything is asked", async () => {
  const images = new FakeImages();
  const pull = pullImage(imageDeps(images));
  for (const name of ["", "UPPER", "a b", "f".repeat(64), `sha256:${"f".repeat(64)}`])
    await assert.rejects(pull(request(name), forever), { kind: "invalidArgument" }, name);
  assert.deepEqual(images.pulls, []);
});

/** A pull that does what it is told and ends by its signal alone. */
async function pullThat(tells: (progress: ProgressSink, signal?: AbortSignal) => Promise<void>, call = forever): Promise<void> {
  const images = new FakeImages();
  images.pull = async (_request: unknown, progress?: ProgressSink, signal?: AbortSignal) => {
    await tells(progress ?? (() => undefined), signal);
    if (signal?.aborted === false) await once(signal, "abort");
    throw cancelled("context canceled");
  };
  await pullImage(imageDeps(images, { pullProgressTimeoutMs: 200 }))(request("busybox"), call);
}

test("a pull that stands still is given up, one that goes on is not, however long it takes", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const standsStill = pullThat(async () => t.mock.timers.tick(200));
  await assert.rejects(standsStill, { kind: "deadlineExceeded", message: /busybox made no progress for 0.2 s/ });
  const aborted: (boolean | undefined)[] = [];
  const goesOn = pullThat(async (progress, signal) => {
    for (let line = 0; line < 3; line++) {
      progress({ id: "layer", status: "Downloading" });
      t.mock.timers.tick(199);
      aborted.push(signal?.aborted);
    }
    t.mock.timers.tick(1);
    aborted.push(signal?.aborted);
  });
  await assert.rejects(goesOn, { kind: "deadlineExceeded" });
  assert.deepEqual(aborted, [false, false, false, true]);
});

test("unpacking a layer is silent for as long as it takes", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const aborted: (boolean | undefined)[] = [];
  const unpacks = pullThat(async (progress, signal) => {
    progress({ id: "layer", status: "Extracting" });
    t.mock.timers.tick(600_000);
    aborted.push(signal?.aborted);
    progress({ id: "layer", status: "Pull complete" });
    t.mock.timers.tick(200);
    aborted.push(signal?.aborted);
  });
  await assert.rejects(unpacks, { kind: "deadlineExceeded" });
  assert.deepEqual(aborted, [false, true]);
});

test("a call that is cancelled cancels its pull", async () => {
  const stop = new AbortController();
  const pull = pullThat(async () => stop.abort(new Error("the client went")), { ...forever, signal: stop.signal });
  await assert.rejects(pull, { kind: "cancelled" });
});
