import assert from "node:assert/strict";
import { test } from "node:test";
import { csvFields, parseMount, readTmpfs, readVolumes } from "./mounts.ts";

test("--volume makes binds, named volumes and anonymous ones", () => {
  assert.deepEqual(readVolumes(["/a:/b:ro", "data:/d", "./x:/x", "/anon"], "/home/me"), {
    binds: ["/a:/b:ro", "data:/d", "/home/me/x:/x"],
    volumes: { "/anon": {} },
  });
  assert.throws(() => readVolumes(["a:b:c:d"], "/"), /invalid volume specification/);
});

test("--mount is read field by field", () => {
  assert.deepEqual(parseMount("type=bind,source=/a,target=/b,readonly,bind-propagation=rslave"), {
    Type: "bind",
    Source: "/a",
    Target: "/b",
    ReadOnly: true,
    BindOptions: { Propagation: "rslave" },
  });
  assert.deepEqual(parseMount('src=data,dst=/d,volume-opt=type=nfs,"volume-opt=o=addr=1.2.3.4,rw",volume-nocopy'), {
    Type: "volume",
    Source: "data",
    Target: "/d",
    VolumeOptions: { NoCopy: true, DriverConfig: { Options: { type: "nfs", o: "addr=1.2.3.4,rw" } } },
  });
  assert.deepEqual(parseMount("type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1770"), {
    Type: "tmpfs",
    Target: "/t",
    TmpfsOptions: { SizeBytes: 1048576, Mode: 0o1770 },
  });
});

for (const [spec, reason] of [
  ["type=bind,source=/a", /target is required/],
  ["type=what,target=/a", /invalid type "what"/],
  ["target=/a,colour=red", /unknown option 'colour'/],
  ["type=bind,source=/a,target=/b,tmpfs-size=1m", /cannot mix 'tmpfs-\*' options with mount type 'bind'/],
  ["target", /must be a key=value pair/],
] as const) {
  test(`--mount ${spec} is refused`, () => {
    assert.throws(() => parseMount(spec), reason);
  });
}

test("tmpfs options and CSV quotes", () => {
  assert.deepEqual(readTmpfs(["/run:size=64m,mode=755", "/tmp"]), { "/run": "size=64m,mode=755", "/tmp": "" });
  assert.deepEqual(csvFields('a,"b,c","d""e"'), ["a", "b,c", 'd"e']);
});
