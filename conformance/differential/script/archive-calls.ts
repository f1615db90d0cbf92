import type { Step } from "../step.ts";

const tar = { "Content-Type": "application/x-tar" };

/** A tar of one file, made by hand so that it has no time or owner of this machine. */
function tarOf(name: string, content: string, mode = "0000644"): Buffer {
  const header = Buffer.alloc(512);
  const put = (text: string, at: number): void => void header.write(text, at, "latin1");
  put(name, 0);
  put(`${mode}\0`, 100);
  put("0001750\0", 108);
  put("0001750\0", 116);
  put(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  put("14524760000\0", 136);
  put("        ", 148);
  put("0", 156);
  put("ustar\x0000", 257);
  put(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
    148,
  );
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  body.write(content);
  return Buffer.concat([header, body, Buffer.alloc(1024)]);
}

const put = (path: string, body: Buffer | string, note?: string, query = ""): Step => ({
  call: `PUT /containers/files/archive?path=${path}${query}`,
  ...(note === undefined ? {} : { note }),
  headers: tar,
  body,
});

/** Files in and out of a container that was never started, and of one that runs. */
export const archiveCalls: Step[] = [
  { call: "POST /containers/create?name=files", body: { Image: "busybox", Cmd: ["sleep", "1000"] }, binds: "files" },
  { call: "GET /containers/files/changes", note: "fresh" },
  { call: "HEAD /containers/files/archive?path=/etc/passwd" },
  { call: "HEAD /containers/files/archive?path=/nosuch" },
  { call: "HEAD /containers/files/archive" },
  { call: "GET /containers/files/archive?path=/etc/passwd" },
  { call: "GET /containers/files/archive?path=/home/" },
  { call: "GET /containers/files/archive?path=/etc/", note: "mount points", unordered: [""] },
  { call: "GET /containers/files/archive?path=etc/group", note: "relative" },
  { call: "GET /containers/files/archive?path=/etc/passwd/", note: "file with a slash" },
  { call: "GET /containers/files/archive?path=/nosuch" },
  { call: "GET /containers/files/archive?path=" },
  { call: "GET /containers/files/archive" },
  { call: "GET /containers/files/archive?path=/bin/sh", note: "link" },
  { call: "GET /containers/files/archive?path=/etc/../etc/passwd", note: "dots" },
  put("/tmp", tarOf("a.txt", "content\n")),
  put("/tmp", tarOf("a.txt", "other\n"), "again"),
  put("/tmp/", tarOf("b.txt", "content\n"), "owner", "&copyUIDGID=1"),
  put("/tmp/", tarOf("s.txt", "content\n", "0004755"), "setuid"),
  put("/nosuch", tarOf("a.txt", "content\n")),
  put("/etc/passwd", tarOf("a.txt", "content\n"), "a file"),
  put("/", tarOf("tmp", "content\n"), "file over folder", "&noOverwriteDirNonDir=1"),
  put("/tmp", tarOf("../../escaped", "content\n"), "escaping"),
  put("/tmp", "no tar at all", "junk"),
  put("/tmp", "", "nothing"),
  put("/tmp", tarOf("c.txt", "content\n").subarray(0, 700), "cut"),
  { call: "PUT /containers/files/archive", headers: tar, body: tarOf("a", "x") },
  { call: "HEAD /containers/files/archive?path=/tmp/a.txt", note: "put" },
  { call: "GET /containers/files/archive?path=/tmp", note: "put", unordered: [""] },
  put("/tmp", tarOf("\xff.txt", "content\n"), "name of bytes"),
  { call: "HEAD /containers/files/archive?path=/tmp/%ff.txt" },
  { call: "GET /containers/files/archive?path=/tmp/%FF.txt" },
  { call: "GET /containers/files/archive?path=/tmp/%fe.txt" },
  { call: "GET /containers/files/archive?path=/%ff/../etc/passwd", note: "name of bytes and dots" },
  put("/tmp/%ff.txt", tarOf("a.txt", "content\n"), "into a file"),
  put("/%ff", tarOf("a.txt", "content\n"), "into a missing folder"),
  { call: "GET /containers/files/archive?path=/etc/passwd%zz", note: "bad escape" },
  { call: "GET /containers/files/archive?path=/etc/passwd;a=b", note: "semicolon" },
  { call: "GET /containers/files/changes", note: "put", unordered: [""] },
  { call: "POST /containers/files/start" },
  { call: "GET /containers/files/archive?path=/etc/hostname", note: "running", varies: ["0.content", "0.size", "0.mtime"] },
  put("/tmp", tarOf("d.txt", "content\n"), "running"),
  { call: "GET /containers/files/archive?path=/tmp/d.txt", note: "running" },
  { call: "GET /containers/files/changes", note: "running", unordered: [""] },
  { call: "GET /containers/files/archive?path=/proc/version", note: "proc", varies: ["0.*"] },
  { call: "POST /containers/files/pause" },
  { call: "GET /containers/files/archive?path=/tmp/d.txt", note: "paused" },
  { call: "DELETE /containers/files?force=1" },
  {
    call: "POST /containers/create?name=readonly",
    body: { Image: "busybox", HostConfig: { ReadonlyRootfs: true } },
    binds: "readonly",
  },
  { call: "PUT /containers/readonly/archive?path=/tmp", headers: tar, body: tarOf("a.txt", "content\n") },
  { call: "GET /containers/readonly/archive?path=/etc/passwd" },
  { call: "DELETE /containers/readonly" },
];
