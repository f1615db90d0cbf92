import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ContainerSchema,
  ContainerStatusResponseSchema,
  ListContainersResponseSchema,
  ListPodSandboxResponseSchema,
  type ListContainersResponse,
} from "../gen/runtime_v1_pb.ts";
import { withEncodedItems } from "./encoded-items.ts";

const containers = [1, 2, 3].map((number) =>
  create(ContainerSchema, {
    id: `container-${number}`,
    metadata: { name: "a", attempt: number },
    labels: { a: "b" },
    createdAt: 2n ** 62n,
  }),
);

test("a list of encoded items is on the wire what the list is", () => {
  const plain = toBinary(ListContainersResponseSchema, create(ListContainersResponseSchema, { containers }));
  for (let times = 0; times < 2; times++) {
    const answer = withEncodedItems(ListContainersResponseSchema, { containers });
    const bytes = toBinary(ListContainersResponseSchema, answer as ListContainersResponse);
    assert.deepEqual(bytes, plain);
    assert.deepEqual(fromBinary(ListContainersResponseSchema, bytes).containers, containers);
  }
});

test("an item is encoded once", () => {
  const fieldsOf = (answer: unknown) => (answer as { $unknown: unknown[] }).$unknown;
  const [first, second] = [containers, containers.slice(1)].map((some) =>
    fieldsOf(withEncodedItems(ListContainersResponseSchema, { containers: some })),
  );
  assert.equal(first?.[1], second?.[0]);
});

test("what is no list, or is made of what is made for one answer, stays as it is", () => {
  for (const [schema, answer] of [
    [ListPodSandboxResponseSchema, { items: [{ id: "a" }] }],
    [ListPodSandboxResponseSchema, { items: [] }],
    [ListPodSandboxResponseSchema, {}],
    [ContainerStatusResponseSchema, { status: { id: "a" } }],
  ] as const)
    assert.equal(withEncodedItems(schema, answer), answer);
});
