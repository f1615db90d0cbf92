import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { docker } from "./both-engines.ts";

export interface BuildAnswer {
  status: number;
  /** The lines, or the message of a refusal. */
  lines: Record<string, unknown>[];
}

/** A tar of a folder, with a Dockerfile besides where one is given. */
export function contextTar(folder: string, dockerfile?: string): Buffer {
  if (dockerfile !== undefined) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "Dockerfile"), dockerfile);
  }
  const tar = execFileSync("tar", ["--numeric-owner", "-C", folder, "-cf", "-", "."], { maxBuffer: 1 << 30 });
  if (dockerfile !== undefined) rmSync(join(folder, "Dockerfile"));
  return tar;
}

/** `POST /build` with a tar as its body. */
export async function build(
  socket: string,
  tar: Buffer,
  query: Record<string, string | string[]> = {},
  headers: Record<string, string> = {},
): Promise<BuildAnswer> {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, one]));
  const path = `/v1.41/build?${new URLSearchParams(pairs).toString()}`;
  return await new Promise((resolve, reject) => {
    const request = http.request({ socketPath: socket, method: "POST", path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const texts = Buffer.concat(chunks)
          .toString()
          .split("\n")
          .map((line) => line.trim());
        const lines = texts.filter((line) => line !== "").map((line) => JSON.parse(line) as Record<string, unknown>);
        resolve({ status: response.statusCode ?? 0, lines });
      });
    });
    request.on("error", reject);
    request.end(tar);
  });
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** What was told, ids and digests left out. Of steps that run nothing dockerd makes containers, which are left out with all others. */
export function told({ lines }: BuildAnswer): string[] {
  const texts = lines.map((line) => textOf(line["stream"]) ?? textOf(line["message"]) ?? `${JSON.stringify(line)}\n`);
  return (
    texts
      .filter((text) => !/^( ---> Running in|Removing intermediate container) /.test(text))
      // How much of a command's output comes at once is a matter of time.
      .join("")
      .split("\n")
      .map((text) => text.replaceAll(/\b[0-9a-f]{64}\b/g, "ID").replaceAll(/\b[0-9a-f]{12}\b/g, "id"))
  );
}

/** The image's id; the build has to have gone well. */
export function builtId(answer: BuildAnswer): string {
  const error = answer.lines.find((line) => "error" in line || "message" in line);
  assert.equal(error, undefined, JSON.stringify(error));
  const ids = answer.lines.flatMap((line) => (line["aux"] as { ID?: string } | undefined)?.ID ?? []);
  return ids.at(-1) ?? assert.fail("no id was told");
}

/** What an image is to its containers, how it was made, and its files beside those of the base: with modes, owners, sizes and times. */
export async function describeImage(socket: string, image: string, own: (path: string) => boolean): Promise<object> {
  const [inspected] = JSON.parse(await docker(socket, "image", "inspect", image)) as [
    { Config: Record<string, unknown>; Author: string; RootFS: { Layers: string[] } },
  ];
  const history = await docker(socket, "history", "--no-trunc", "--format", "{{.CreatedBy}}|{{.Comment}}", image);
  return {
    config: { ...inspected.Config, Image: "" },
    author: inspected.Author,
    layers: inspected.RootFS.Layers.length,
    history: history.replaceAll(/[0-9a-f]{64}/g, "DIGEST").split("\n"),
    files: await filesOf(socket, image, own),
  };
}

/** `mode owner size time name`, a time of today as one. */
async function filesOf(socket: string, image: string, own: (path: string) => boolean): Promise<string[]> {
  const id = await docker(socket, "create", image, "true");
  try {
    const tar = execFileSync("docker", ["-H", `unix://${socket}`, "export", id], { maxBuffer: 1 << 30 });
    const list = execFileSync("tar", ["--numeric-owner", "--full-time", "-tvf", "-"], {
      input: tar,
      maxBuffer: 1 << 28,
    }).toString();
    return list
      .split("\n")
      .flatMap((line) => {
        const [, mode = "", owner = "", size = "", day = "", time = "", name = ""] =
          /^(\S+) +(\S+) +(\S+) (\S+) (\S+) (.*)$/.exec(line) ?? [];
        const then = Date.now() - Date.parse(`${day}T${time}Z`) < 24 * 3600 * 1000 ? "now" : `${day} ${time}`;
        return own(name) ? [`${mode} ${owner} ${size} ${then} ${name}`] : [];
      })
      .toSorted();
  } finally {
    await docker(socket, "rm", "-f", id);
  }
}
