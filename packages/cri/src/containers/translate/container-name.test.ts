import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { ContainerMetadataSchema } from "../../gen/runtime_v1_pb.ts";
import { podRecord } from "../../testing/fake-containers.ts";
import { containerName } from "./container-name.ts";

const name = (container: string, pod = "web") =>
  containerName(create(ContainerMetadataSchema, { name: container, attempt: 3 }), podRecord(pod).config);

test("a container is called as people know it from other runtimes", () => {
  assert.equal(name("app"), "k8s_app_web_shop_u1_3");
});

test("what Docker does not admit in names is left out of them", () => {
  assert.equal(name("a b/c:ü", "web.0"), "k8s_a-b-c--_web.0_shop_u1_3");
});
