import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checkPaths } from "./check-paths.ts";
import type { Configuration, OptionName } from "./options.ts";

// What is looked at are the paths alone.
const configured = (paths: Partial<Record<OptionName, string | string[]>>) =>
  ({ listen: [], ...paths }) as unknown as Configuration;

test("a path of the wrong kind is refused with its option, what it is and what it has to be", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "pouch-paths-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const [folder, file, socket] = ["folder", "file", "socket"].map((name) => join(directory, name)) as [string, string, string];
  mkdirSync(folder);
  writeFileSync(file, "");
  const server = createServer().listen(socket);
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => server.close());
  const refused = (paths: Parameters<typeof configured>[0], message: string): void =>
    assert.throws(() => checkPaths(configured(paths)), { message });

  for (const name of ["pidfile", "tlscacert", "tlscert", "tlskey", "plugin-signature-keys"] as const)
    refused({ [name]: folder }, `--${name}: ${folder} is a folder, it has to be a file`);
  for (const name of ["home-dir", "exec-root-dir", "certs-dir", "cni-conf-dir", "plugin-config-dir"] as const)
    refused({ [name]: file }, `--${name}: ${file} is a file, it has to be a folder`);
  refused({ "cni-bin-dir": [folder, file] }, `--cni-bin-dir: ${file} is a file, it has to be a folder`);
  refused({ containerd: folder }, `--containerd: ${folder} is a folder, it has to be a socket`);
  refused({ listen: [`unix://${file}`] }, `--listen: ${file} is a file, it has to be a socket`);
  refused({ tlskey: join(folder, "none") }, `--tlskey: ${folder}/none is not there, it has to be a file`);
  refused({ containerd: `unix://${folder}/none` }, `--containerd: ${folder}/none is not there, it has to be a socket`);
  refused({ pidfile: `${file}/a/b` }, `--pidfile: ${file}/a/b cannot be made, ${file} is a file and no folder`);
  refused({ "home-dir": `${socket}/home` }, `--home-dir: ${socket}/home cannot be made, ${socket} is a socket and no folder`);
  symlinkSync("circle", join(directory, "circle"));
  assert.throws(() => checkPaths(configured({ pidfile: join(directory, "circle") })), {
    message: /^--pidfile: .*circle cannot be looked at: ELOOP/,
  });

  checkPaths(
    configured({
      "home-dir": folder,
      "exec-root-dir": join(folder, "none"),
      pidfile: file,
      tlskey: file,
      containerd: `unix://${socket}`,
      "certs-dir": join(folder, "a", "b"),
      listen: [`unix://${socket}`, "tcp://127.0.0.1:1", `unix://${folder}/a/b.sock`],
    }),
  );
});
