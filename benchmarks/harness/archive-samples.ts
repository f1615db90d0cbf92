import { execFileSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Samples {
  /** A tar of one file of 600 MB, `large`. */
  large: string;
  /** A tar of a folder `small` with 20,000 files in 200 folders. */
  small: string;
}

/** Archives for the rows on files, made when the first of them asks. */
export function archiveSamples(): Disposable & { samples(): Samples } {
  const folder = mkdtempSync(join(tmpdir(), "pouch-bench-archives-"));
  let made: Samples | undefined;
  return {
    samples: () => (made ??= { large: largeArchive(folder), small: smallArchive(folder) }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

function largeArchive(folder: string): string {
  const fd = openSync(join(folder, "large"), "w");
  const chunk = Buffer.alloc(1_000_000);
  for (let written = 0; written < 600; written++) writeSync(fd, randomFillSync(chunk));
  closeSync(fd);
  return packed(folder, "large");
}

function smallArchive(folder: string): string {
  const content = randomFillSync(Buffer.alloc(4000));
  for (let index = 0; index < 20_000; index++) {
    const place = join(folder, "small", String(Math.floor(index / 100)));
    if (index % 100 === 0) mkdirSync(place, { recursive: true });
    writeFileSync(join(place, String(index)), content.subarray(0, 1000 + (index % 3000)));
  }
  return packed(folder, "small");
}

function packed(folder: string, name: string): string {
  const archive = join(folder, `${name}.tar`);
  execFileSync("tar", ["-cf", archive, "-C", folder, name]);
  rmSync(join(folder, name), { recursive: true });
  return archive;
}
