import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveUser } from "./container-user.ts";
import { fakeRootfs } from "./sample-input.ts";

const rootfs = fakeRootfs({
  "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n# no entry\nweb:x:1000:1001::/home/web:/bin/sh\nbad line\n",
  "/etc/group": "root:x:0:root\nwheel:x:10:root,web\nweb:x:1001:\n",
});
const numbers = (text: string, add: string[] = []): unknown[] => {
  const { uid, gid, additionalGids } = resolveUser(text, add, rootfs);
  return [uid, gid, additionalGids];
};

test("an empty user is root with root's groups", () => {
  assert.deepEqual(numbers(""), [0, 0, [0, 10]]);
  assert.equal(resolveUser("", [], rootfs).home, "/root");
});

test("names, numbers and groups are found in the container's own files", () => {
  assert.deepEqual(numbers("web"), [1000, 1001, [1001, 10]]);
  assert.deepEqual(numbers("1000"), [1000, 1001, [1001, 10]]);
  assert.deepEqual(numbers("web:wheel"), [1000, 10, [10]], "a named group is the only one");
  assert.deepEqual(numbers("4242:17"), [4242, 17, [17]]);
  assert.deepEqual(numbers("4242"), [4242, 0, [0]]);
  assert.deepEqual(numbers("4242", ["wheel", "99"]), [4242, 0, [0, 10, 99]]);
});

test("unknown names are refused in runc's words, numbers out of range too", () => {
  assert.throws(() => numbers("nobody"), { message: "unable to find user nobody: no matching entries in passwd file" });
  assert.throws(() => numbers("web:nogroup"), { message: "unable to find group nogroup: no matching entries in group file" });
  assert.throws(() => numbers("4294967295"), { message: "uids and gids must be in range 0-2147483647" });
});
