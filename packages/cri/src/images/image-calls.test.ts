import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { notFound } from "@pouchcontainer/errors";
import { AuthConfigSchema, ImageFsInfoRequestSchema, ImageService } from "../gen/runtime_v1_pb.ts";
import { FakeImages, forever, imageDeps, imageView } from "../testing/fake-images.ts";
import { imageCalls } from "./image-calls.ts";
import { pullAuth } from "./pull-auth.ts";

const { listImages, streamImages, imageStatus, removeImage } = ImageService.method;
const named = (image: string) => ({ image: { image } });

test("a list has all images, or the one the filter names, or none", async () => {
  const calls = imageCalls(imageDeps(new FakeImages(imageView("a"), imageView("b"))));
  const list = async (filter?: { image: { image: string } }) =>
    (await calls.listImages(create(listImages.input, filter && { filter }), forever)).images?.map(({ repoTags }) => repoTags);
  assert.deepEqual(await list(), [["docker.io/library/a:latest"], ["docker.io/library/b:latest"]]);
  assert.deepEqual(await list(named("b")), [["docker.io/library/b:latest"]]);
  assert.deepEqual(await list(named("c")), []);
  assert.equal((await list(named("")))?.length, 2);
});

test("a stream has the list in parts", async () => {
  const images = Array.from({ length: 250 }, (_, index) => imageView(`i${index}`));
  const parts: number[] = [];
  const stream = imageCalls(imageDeps(new FakeImages(...images))).streamImages(create(streamImages.input), forever);
  for await (const part of stream) parts.push(part.images?.length ?? 0);
  assert.deepEqual(parts, [100, 100, 50]);
});

test("a status has id, names, packed size, user, pin and the runtime handler asked for; without the image it is empty", async () => {
  const www = imageView("www", { user: "www-data:33" });
  const uid = imageView("uid", { user: "1000:1000" });
  const calls = imageCalls(imageDeps(new FakeImages(www, uid, imageView("root")), { isPinned: ({ id }) => id === uid.id }));
  const status = async (image: string, verbose = false) =>
    await calls.imageStatus(create(imageStatus.input, { image: { image, runtimeHandler: "kata" }, verbose }), forever);
  const { image, info } = await status("www");
  assert.deepEqual(
    [image?.id, image?.repoTags, image?.repoDigests, image?.size, image?.username, image?.uid, image?.pinned],
    [www.id, www.tags, www.digests, 1000n, "www-data", undefined, false],
  );
  assert.equal(image?.spec?.runtimeHandler, "kata");
  assert.equal(info, undefined);
  const other = (await status("uid")).image;
  assert.deepEqual([other?.uid?.value, other?.username, other?.pinned], [1000n, undefined, true]);
  assert.equal((await status("root")).image?.uid, undefined);
  assert.deepEqual(JSON.parse((await status("www", true)).info?.["info"] ?? ""), {
    chainID: www.chainId,
    imageSpec: www.config,
  });
  assert.deepEqual(await status("absent"), {});
  await assert.rejects(status(""), { kind: "invalidArgument" });
});

test("a removal takes the image away by any of its names, and what is gone is removed already", async () => {
  const images = new FakeImages(imageView("a"), imageView("b"));
  const calls = imageCalls(imageDeps(images));
  const remove = async (image: string) => await calls.removeImage(create(removeImage.input, named(image)), forever);
  await remove("a");
  await remove("a");
  await remove(images.all[0]?.id ?? "");
  assert.deepEqual(images.all, []);
  await assert.rejects(remove(""), { kind: "invalidArgument" });
});

test("an image that goes while it is removed is no failure", async () => {
  const images = new FakeImages(imageView("a"));
  images.remove = async () => {
    throw notFound("No such image: a");
  };
  await imageCalls(imageDeps(images)).removeImage(create(removeImage.input, named("a")), forever);
});

test("the file system is told with what snapshots take", async () => {
  const calls = imageCalls(imageDeps(new FakeImages()));
  const { imageFilesystems = [], containerFilesystems } = await calls.imageFsInfo(create(ImageFsInfoRequestSchema), forever);
  assert.deepEqual(imageFilesystems, [
    {
      timestamp: 1_700_000_000_000_000_000n,
      fsId: { mountpoint: "/var/lib/snapshots" },
      usedBytes: { value: 5000n },
      inodesUsed: { value: 7n },
    },
  ]);
  assert.deepEqual(containerFilesystems, imageFilesystems);
});

test("credentials are taken from one of the four ways, and only for the server they are for", () => {
  const auth = (given: object) => pullAuth(create(AuthConfigSchema, given), "docker.io");
  const me = { username: "me", password: "a:b" };
  assert.deepEqual(auth({ ...me, auth: "ignored" }), me);
  assert.deepEqual(auth({ auth: Buffer.from("me:a:b\0\0").toString("base64") }), me);
  assert.deepEqual(auth({ identityToken: "t" }), { identitytoken: "t" });
  assert.deepEqual(auth({ registryToken: "t" }), { registrytoken: "t" });
  assert.equal(auth({}), undefined);
  assert.deepEqual(auth({ ...me, serverAddress: "https://index.docker.io/v1/" }), me);
  assert.equal(auth({ ...me, serverAddress: "https://other.example" }), undefined);
  assert.throws(
    () => auth({ auth: Buffer.from("secret").toString("base64") }),
    (error: Error) => !/secret|c2Vj/.test(error.message),
  );
});
