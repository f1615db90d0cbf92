import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface LayeredImage {
  name: string;
  layers: number;
  /** Of incompressible content in each layer. */
  bytesPerLayer: number;
  architecture?: string;
}

/** Writes a docker-archive whose n-th layer has the files `/layer-n` (its number) and `/data-n`. */
export function makeLayeredArchive(output: string, { name, layers, bytesPerLayer, architecture = "amd64" }: LayeredImage): void {
  const work = mkdtempSync(join(tmpdir(), "pouch-layers-"));
  try {
    const diffIds: string[] = [];
    const paths: string[] = [];
    for (let index = 0; index < layers; index += 1) {
      const content = join(work, `content-${index}`);
      mkdirSync(content);
      writeFileSync(join(content, `layer-${index}`), `${index} ${architecture}`);
      writeFileSync(join(content, `data-${index}`), randomBytes(bytesPerLayer));
      execFileSync("tar", ["-C", content, "-cf", join(work, `layer-${index}.tar`), "."]);
      rmSync(content, { recursive: true });
      diffIds.push(`sha256:${sha256(readFileSync(join(work, `layer-${index}.tar`)))}`);
      paths.push(`layer-${index}.tar`);
    }
    const config = JSON.stringify({
      architecture,
      os: "linux",
      created: "2024-02-02T00:00:00Z",
      config: { Cmd: ["/bin/sh"] },
      rootfs: { type: "layers", diff_ids: diffIds },
    });
    const configPath = `${sha256(Buffer.from(config))}.json`;
    writeFileSync(join(work, configPath), config);
    writeFileSync(join(work, "manifest.json"), JSON.stringify([{ Config: configPath, RepoTags: [name], Layers: paths }]));
    execFileSync("tar", ["-C", work, "-cf", output, "manifest.json", configPath, ...paths]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
